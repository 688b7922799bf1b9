import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { quoteFileName } from '../../src/duckdb/sql.ts'
import { decodePath } from '../../src/protocol/paths.ts'
import type { Table } from '../../src/table.ts'
import { commit } from '../../src/write/commit.ts'
import { workshop } from '../read/table.ts'
import { newerEncodings } from '../readers/newer-encodings.ts'
import { ourRows, peerRows } from '../readers/peers.ts'
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

/** By column: with what its values, and a dictionary of them, are encoded in any file. */
async function encodingsOf(table: Table): Promise<Readonly<Record<string, string>>> {
  const { files, store } = await table.snapshot()
  const names = files.map(({ path }) => quoteFileName(fileURLToPath(new URL(path, store.url))))
  const rows =
    await shop.engine.all(`SELECT path_in_schema AS name, string_agg(DISTINCT encodings, ' ' ORDER BY encodings) AS encodings
    FROM parquet_metadata([${names.join(', ')}]) GROUP BY ALL`)
  return Object.fromEntries(rows.map(({ name, encodings }) => [String(name), String(encodings)]))
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

test('a table that asks for Parquet 2 gets its encodings, from an optimize too, and other readers see its rows', async () => {
  const table = await newerEncodings(place)
  const encodings = { id: 'DELTA_BINARY_PACKED', text: 'DELTA_LENGTH_BYTE_ARRAY', at: 'DELTA_BINARY_PACKED' }
  expect(await encodingsOf(table)).toMatchObject(encodings)
  await table.optimize()
  expect(await encodingsOf(table)).toMatchObject(encodings)
  const snapshot = await table.snapshot()
  expect(await peerRows(fileURLToPath(snapshot.store.url), place.folder, snapshot.version)).toEqual(
    await ourRows(shop.engine, snapshot),
  )
  await table.setProperties({ 'delta.parquet.format.version': '1.0.0' })
  await table.upsert({ key: ['id'], changes: [{ id: 60_000, text: 'new' }] })
  await table.optimize()
  expect(await encodingsOf(table)).toMatchObject({ id: 'PLAIN', text: 'PLAIN' })
})

test.each([{ partitionColumns: [] }, { partitionColumns: ['half'] }])(
  'floating point is never split into streams of bytes, which Spark refuses: %o',
  async ({ partitionColumns }) => {
    const schema = fieldsOf(
      ['id', 'long'],
      ['half', 'long'],
      ['ratio', { type: 'array', elementType: 'double', containsNull: true }],
    )
    const configuration = { 'delta.parquet.format.version': '2.12.0' }
    const table = await place.fresh(schema, { configuration, partitionColumns })
    for (let start = 0; start < 3 * MANY; start += MANY) await table.append(manyRatios(start))
    await table.optimize()
    expect(await encodingsOf(table)).toMatchObject({ id: 'PLAIN', 'ratio, list, element': 'PLAIN' })
    const { files, store } = await table.snapshot()
    const written = await readdir(fileURLToPath(store.url), { recursive: true })
    const parts = 1 + partitionColumns.length
    expect(files).toHaveLength(parts)
    expect(written.filter((name) => name.endsWith('.parquet'))).toHaveLength(4 * parts)
    expect(new Set(files.map(({ partitionValues }) => partitionValues['half']))).toEqual(
      new Set(partitionColumns.length === 0 ? [undefined] : ['0', '1']),
    )
    const ids = await rowsOf(table)
    expect(ids).toHaveLength(3 * MANY)
    expect(ids.at(-1)).toEqual({ id: BigInt(3 * MANY - 1), half: 0n, ratio: [(3 * MANY - 1) / 7, null] })
  },
)

const MANY = 6001

function manyRatios(start: number) {
  const row = (id: number) => ({ id, half: id % 2, ratio: [id / 7, null] })
  return Array.from({ length: MANY }, (_, index) => row(start + index))
}

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
  await expect(place.fresh(ROWS, { configuration: { 'delta.parquet.format.version': '3.0.0' } })).rejects.toThrow(
    'the table\'s property delta.parquet.format.version is "3.0.0", which asks for what is not known here. Set it to 1.0.0, which every reader knows, or to 2.12.0.',
  )
  const { store, metadata, version } = await table.snapshot()
  const metaData = { ...metadata, configuration: { [codec]: 'lzo' } }
  await commit(store, systemClock, { readVersion: version, actions: [{ metaData }], info: { operation: 'TEST' } })
  await expect(table.append([{ id: 1, v: 'a' }])).rejects.toThrow(message)
})
