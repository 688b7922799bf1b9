import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { commitPath } from '../../src/log/file-names.ts'
import { writeCheckpoint } from '../../src/maintain/checkpoint.ts'
import { createTestTable, schemaOf, workshop } from '../read/table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

test('a table reads the same from its checkpoint alone', async () => {
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 't'),
    schemaOf([
      ['id', 'long'],
      ['__proto__', 'string'],
    ]),
    ['__proto__'],
  )
  await table.append(`SELECT range AS id, 'p' || (range % 2) AS "__proto__" FROM range(100)`)
  await table.replace('id < 10', `SELECT 1000 AS id, NULL AS "__proto__"`)
  const before = await table.commit([
    { txn: { appId: 'a', version: 7, lastUpdated: 5 } },
    { domainMetadata: { domain: 'd', configuration: '{"x":"é"}', removed: false } },
  ])
  const sortedRows = async () => (await table.rows()).map((row) => Object.values(row).join(' ')).sort()
  const rows = await sortedRows()
  await writeCheckpoint(shop.engine, systemClock, before)
  for (let version = 0; version < before.version; version++) await rm(join(shop.folder, 't', commitPath(version)))
  const after = await table.snapshot()
  const withoutChange = (files: typeof after.files) => files.map(({ dataChange: _, ...file }) => file)
  expect(withoutChange(after.files)).toEqual(withoutChange(before.files))
  expect(after.tombstones.map((file) => file.path)).toEqual(before.tombstones.map((file) => file.path))
  expect([after.protocol, after.metadata, after.transactions, after.domains]).toEqual([
    before.protocol,
    before.metadata,
    before.transactions,
    before.domains,
  ])
  expect(await sortedRows()).toEqual(rows)
})
