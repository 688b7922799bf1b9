// Worth its seconds: it says why variant columns are not written. When it fails, DuckDB writes what Spark reads.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { add, writeCommits } from '../log/log-builder.ts'
import { column, foreignTable, tableActions } from '../read/foreign-table.ts'
import { workshop } from '../read/table.ts'
import { sparkRows } from './spark.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const VALUES = `SELECT 1::BIGINT AS id, {'b': 1, 'a': 'x'}::VARIANT AS v UNION ALL SELECT 2, NULL`
const protocol = {
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: ['variantType'],
  writerFeatures: ['variantType'],
}

async function folderWith(name: string, query: string): Promise<string> {
  const folder = join(shop.folder, name)
  const actions = tableActions([column('id', 'long'), column('v', 'variant')], { protocol })
  const store = await foreignTable(shop.engine, folder, [], { 'a.parquet': query })
  // Spark reads no further than the log says that a file goes.
  const size = (await store.stat('a.parquet'))?.sizeBytes ?? 0
  await writeCommits(store, [[...actions, add('a.parquet', { size })]])
  return folder
}

test("a NULL among the variants that DuckDB shreds is a variant's null to Spark", async () => {
  const folder = await folderWith('shredded', VALUES)
  expect(await sparkRows(folder, { select: ['id', 'v IS NULL AS is_null'] })).toEqual([
    '{"id":1,"is_null":false}',
    '{"id":2,"is_null":false}',
  ])
})
