import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TributaryError } from '../../src/errors.ts'
import type { Snapshot } from '../../src/log/snapshot.ts'
import { placesOfFile } from '../../src/maintain/file-places.ts'
import { planVacuum, vacuum } from '../../src/maintain/vacuum.ts'
import { assertNotVacuumed, readVersions } from '../../src/maintain/whole-version.ts'
import { scanSql } from '../../src/read/scan.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'
import { daysLater } from './clocks.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

/** Version 1 has a file, version 2 a deletion vector for it, 3 another vector, 4 and 5 only files of their own. */
async function tableOf(name: string): Promise<TestTable> {
  const table = await createTestTable(shop.engine, join(shop.folder, name), schemaOf([['id', 'long']]))
  await table.append('SELECT * FROM range(10) t(id)')
  await table.replace('id < 3')
  await table.replace('id >= 5')
  await table.replace('true', 'SELECT 7 AS id')
  await table.append('SELECT 8 AS id')
  return table
}

async function remove(table: TestTable, version: number, at: number): Promise<string> {
  const [file] = (await table.snapshot(version)).files
  const place = file === undefined ? '' : (placesOfFile(table.store, file)[at] ?? '')
  await rm(join(shop.folder, table.store.url.split('/').at(-2) ?? '', place))
  return place
}

async function errorOf(snapshot: Snapshot): Promise<string | undefined> {
  try {
    await readVersions([snapshot], async () => shop.engine.all(await scanSql(shop.engine, snapshot)))
    return undefined
  } catch (error) {
    return error instanceof TributaryError ? `${error.kind} ${error.code}: ${error.message}` : String(error)
  }
}

test('a version whose files vacuum took has expired, and what can be read is named', async () => {
  const table = await tableOf('vacuumed')
  const newest = await table.snapshot()
  await vacuum(newest, await planVacuum(daysLater(8), newest))
  const told: string[] = []
  for (let version = 0; version <= 5; version++) told.push((await errorOf(await table.snapshot(version))) ?? 'read')
  expect(told.map((text) => text.replace(/: \S+\.parquet.*\.(?= Ask)/, ': …'))).toEqual([
    'read',
    ...[1, 2, 3].map(
      (version) =>
        `expired VERSION_VACUUMED: Version ${version} of ${table.store.url} can no longer be read: ${version === 1 ? 1 : 2} of its files are gone, deleted by VACUUM or by hand: … Ask for version 4 or later.`,
    ),
    'read',
    'read',
  ])
  await expect(assertNotVacuumed(await table.snapshot(3))).rejects.toMatchObject({ code: 'VERSION_VACUUMED' })
  await assertNotVacuumed(await table.snapshot(4))
})

test('a version from which on all are whole is known where only a deletion vector between is gone', async () => {
  const table = await tableOf('vector')
  const vector = await remove(table, 2, 1)
  expect(await errorOf(await table.snapshot(2))).toBe(
    `expired VERSION_VACUUMED: Version 2 of ${table.store.url} can no longer be read: 1 of its files are gone, deleted by VACUUM or by hand: ${vector}. Ask for version 3 or later.`,
  )
  expect(await errorOf(await table.snapshot(1))).toBeUndefined()
  expect(await errorOf(await table.snapshot(3))).toBeUndefined()
})

test('a file that the newest version lacks is damage, in whichever version it is met', async () => {
  const table = await tableOf('damaged')
  const file = await remove(table, 4, 0)
  const damage = `corrupt DATA_FILE_MISSING: The data file ${join(shop.folder, 'damaged', file)} is named by the table and is not there: it was deleted by hand, or vacuumed while an older version was read. Restore the file from a backup, or read a newer version.`
  expect(await errorOf(await table.snapshot(4))).toBe(damage)
  expect(await errorOf(await table.snapshot())).toBe(damage)
})
