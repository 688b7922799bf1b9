import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { quoteFileName } from '../../src/duckdb/sql.ts'
import { decodePath } from '../../src/protocol/paths.ts'
import type { Table } from '../../src/table.ts'
import { commit } from '../../src/write/commit.ts'
import { workshop } from '../read/table.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  place = await tablePlace()
  shop = await workshop()
})
afterAll(async () => {
  await place.close()
  await shop.close()
})

const ROWS = fieldsOf(['id', 'long'], ['v', 'string'])

async function codecsOf(table: Table): Promise<readonly unknown[]> {
  const { files, store } = await table.snapshot()
  const codecs: unknown[] = []
  for (const { path } of files) {
    const place = decodePath(path)
    const name = fileURLToPath(new URL(place.kind === 'relative' ? encodeURI(place.path) : place.url, store.url))
    const rows = await shop.engine.all(
      `SELECT DISTINCT compression AS codec FROM parquet_metadata(${quoteFileName(name)})`,
    )
    codecs.push(...rows.map(({ codec }) => codec))
  }
  return codecs
}

async function statsOf(table: Table): Promise<readonly unknown[]> {
  const { files } = await table.snapshot()
  return files.map(({ stats }) => JSON.parse(stats ?? '{}').nullCount)
}

test.each([
  ['snappy', 'SNAPPY'],
  ['GZIP', 'GZIP'],
  ['none', 'UNCOMPRESSED'],
  ['uncompressed', 'UNCOMPRESSED'],
  ['lz4_raw', 'LZ4_RAW'],
  ['lz4', 'LZ4_RAW'],
  ['zstd', 'ZSTD'],
])('a table that asks for %s gets files with %s, also from an optimize and in partitions', async (asked, codec) => {
  const configuration = { 'delta.parquet.compression.codec': asked }
  for (const partitionColumns of [[], ['v']]) {
    const table = await place.fresh(ROWS, { configuration, partitionColumns })
    await table.append([{ id: 1, v: 'a' }])
    await table.append([{ id: 2, v: 'a' }])
    expect(await codecsOf(table)).toEqual([codec, codec])
    await table.optimize()
    expect(await codecsOf(table)).toEqual([codec])
    expect(await rowsOf(table)).toEqual([
      { id: 1n, v: 'a' },
      { id: 2n, v: 'a' },
    ])
  }
})

test('a table that asks for nothing gets zstd', async () => {
  const table = await place.fresh(ROWS)
  await table.append([{ id: 1, v: 'a' }])
  expect(await codecsOf(table)).toEqual(['ZSTD'])
})

test('only the named columns get statistics, records with all of their fields, also from an optimize', async () => {
  const home = fieldsOf(['city', 'string'], ['zip', 'long'])
  const schema = fieldsOf(['id', 'long'], ['v', 'string'], ['home', home], ['work', home], ['a.b', 'long'])
  const table = await place.fresh(schema, {
    configuration: { 'delta.dataSkippingStatsColumns': 'ID, home.zip,work,`a.b`' },
  })
  await table.append([{ id: 1, v: 'a', home: { city: 'x', zip: 1 }, work: { city: 'y', zip: 2 }, 'a.b': 3 }])
  await table.append([{ id: 2, v: 'a', home: { city: 'x', zip: 1 }, work: null, 'a.b': 3 }])
  const stats = (work: number) => ({ id: 0, home: { zip: 0 }, work: { city: work, zip: work }, 'a.b': 0 })
  expect(await statsOf(table)).toEqual(expect.arrayContaining([stats(0), stats(1)]))
  await table.optimize()
  expect(await statsOf(table)).toEqual([stats(1)])
})

test('named columns win over a number of columns, and no name means no statistics', async () => {
  const table = await place.fresh(ROWS, {
    configuration: { 'delta.dataSkippingStatsColumns': 'v', 'delta.dataSkippingNumIndexedCols': '1' },
  })
  await table.append([{ id: 1, v: 'a' }])
  expect(await statsOf(table)).toEqual([{ v: 0 }])
  await table.setProperties({ 'delta.dataSkippingStatsColumns': '' })
  await table.upsert({ key: ['id'], changes: [{ id: 1, v: 'b' }] })
  expect(await statsOf(table)).toEqual([{}])
})

test('columns of a mapped table are named as people name them', async () => {
  const table = await place.fresh(ROWS, {
    configuration: { 'delta.columnMapping.mode': 'name', 'delta.dataSkippingStatsColumns': 'v' },
  })
  await table.append([{ id: 1, v: 'a' }])
  const { schema } = await table.snapshot()
  expect(await statsOf(table)).toEqual([
    { [String(schema.fields[1]?.metadata['delta.columnMapping.physicalName'])]: 0 },
  ])
})

test('what nobody could follow is refused when it is set, and when another writer has set it', async () => {
  const codec = 'delta.parquet.compression.codec'
  const message =
    'No data file is written: the table\'s property delta.parquet.compression.codec is "lzo", which asks for what is not known here. Set it to one of none, uncompressed, snappy, gzip, zstd, lz4, lz4_raw.'
  await expect(place.fresh(ROWS, { configuration: { [codec]: 'lzo' } })).rejects.toThrow(message)
  const table = await place.fresh(ROWS)
  await expect(table.setProperties({ [codec]: 'lzo' })).rejects.toThrow(message)
  const columns = { 'delta.dataSkippingStatsColumns': 'id,w' }
  await expect(table.setProperties(columns)).rejects.toThrow('There is no column "w": the table has "id", "v".')
  await expect(table.setProperties({ 'delta.dataSkippingStatsColumns': 'id,' })).rejects.toMatchObject({
    code: 'FILE_SETTING_INVALID',
  })
  const { store, metadata, version } = await table.snapshot()
  const metaData = { ...metadata, configuration: { [codec]: 'lzo' } }
  await commit(store, systemClock, { readVersion: version, actions: [{ metaData }], info: { operation: 'TEST' } })
  await expect(table.append([{ id: 1, v: 'a' }])).rejects.toThrow(message)
})
