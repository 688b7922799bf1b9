import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { planRestore, restore } from '../../src/maintain/restore.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

async function tableOf(name: string): Promise<TestTable> {
  const table = await createTestTable(shop.engine, join(shop.folder, name), schemaOf([['id', 'long']]))
  await table.append('SELECT * FROM range(10) t(id)')
  await table.replace('id < 3', 'SELECT 100 AS id')
  await table.replace('id >= 5')
  return table
}

async function restoreTo(table: TestTable, version: number): Promise<void> {
  const current = await table.snapshot()
  const plan = await planRestore(systemClock, current, await table.snapshot(version))
  expect(await restore(systemClock, current, plan)).toEqual({ kind: 'committed', version: current.version + 1 })
}

const idsOf = async (table: TestTable, version?: number): Promise<readonly unknown[]> =>
  (await table.rows(version === undefined ? {} : { version })).map(({ id }) => Number(id)).sort((a, b) => a - b)

test('a restored table has the rows of the version, deletion vectors too, and forward again', async () => {
  const table = await tableOf('rows')
  const versions = [await idsOf(table, 1), await idsOf(table, 2), await idsOf(table, 3)]
  await restoreTo(table, 1)
  expect(await idsOf(table)).toEqual(versions[0])
  await restoreTo(table, 2)
  expect(await idsOf(table)).toEqual(versions[1])
  await restoreTo(table, 3)
  expect(await idsOf(table)).toEqual(versions[2])
  await restoreTo(table, 0)
  expect(await idsOf(table)).toEqual([])
})

test('a version whose files are gone is refused, and the files are named', async () => {
  const table = await tableOf('gone')
  await restoreTo(table, 0)
  const [file] = (await table.snapshot(1)).files
  await rm(join(shop.folder, 'gone', file?.path ?? ''))
  const version = await table.snapshot(1)
  await expect(planRestore(systemClock, await table.snapshot(), version)).rejects.toThrow(
    `Version 1 can't be restored: 1 of its files are gone, deleted by VACUUM or by hand: ${file?.path}. Restore a newer version, or bring these files back from a backup.`,
  )
})

test('schema, properties and domains come back; protocol, commit times, row ids and column ids only go on', async () => {
  const table = await tableOf('state')
  await table.commit([{ domainMetadata: { domain: 'ours', configuration: 'old', removed: false } }])
  const { metadata, protocol } = await table.snapshot()
  const schemaString = JSON.stringify(
    schemaOf([
      ['id', 'long'],
      ['more', 'string'],
    ]),
  )
  const lasting = { 'delta.enableInCommitTimestamps': 'true', 'delta.columnMapping.maxColumnId': '7' }
  const configuration = { ...metadata.configuration, ...lasting, 'delta.checkpointInterval': '3' }
  const later = { ...protocol, writerFeatures: [...(protocol.writerFeatures ?? []), 'appendOnly'] }
  await table.commit([
    { protocol: later },
    { metaData: { ...metadata, schemaString, configuration } },
    { domainMetadata: { domain: 'ours', configuration: 'new', removed: false } },
    { domainMetadata: { domain: 'later', configuration: '', removed: false } },
    { domainMetadata: { domain: 'delta.rowTracking', configuration: '{"rowIdHighWaterMark":9}', removed: false } },
  ])
  await restoreTo(table, 4)
  const restored = await table.snapshot()
  expect(restored.protocol).toEqual(later)
  expect(restored.schema.fields.map(({ name }) => name)).toEqual(['id'])
  expect(restored.metadata.configuration).toEqual({ ...metadata.configuration, ...lasting })
  expect(Object.fromEntries(restored.domains)).toEqual({ ours: 'old', 'delta.rowTracking': '{"rowIdHighWaterMark":9}' })
})

test('a restore does not overwrite what others commit meanwhile', async () => {
  const table = await tableOf('raced')
  const current = await table.snapshot()
  const plan = await planRestore(systemClock, current, await table.snapshot(1))
  await table.append('SELECT 7 AS id')
  expect(await restore(systemClock, current, plan)).toMatchObject({ kind: 'conflicted', winner: 4 })
})
