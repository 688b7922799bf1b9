import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { StructType } from '../../src/protocol/schema.ts'
import { localStore } from '../../src/store/local.ts'
import { type DataFilesRequest, writeDataFiles } from '../../src/write/data-files.ts'
import { USUAL_SETTINGS } from '../../src/write/file-settings.ts'
import { schemaOf, workshop } from '../read/table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

async function write(schema: StructType, relation: string, options: Partial<DataFilesRequest> = {}) {
  const store = localStore(join(shop.folder, 'table'))
  return writeDataFiles(shop.engine, store, systemClock, { relation, schema, partitionColumns: [], ...options })
}

async function statsOf(schema: StructType, relation: string): Promise<string> {
  const [add] = await write(schema, relation)
  return add?.stats ?? ''
}

test('a partition value of bytes stands in the log as their text, or is refused when they have none', async () => {
  const schema = schemaOf([
    ['id', 'long'],
    ['bytes', 'binary'],
  ])
  const partitioned = (bytes: string) =>
    write(schema, `SELECT 1 AS id, ${bytes} AS bytes`, { partitionColumns: ['bytes'] })
  expect((await partitioned("encode('ü')"))[0]?.partitionValues).toEqual({ bytes: 'ü' })
  await expect(partitioned("'\\xFF'::BLOB")).rejects.toThrow(
    'A value of type binary cannot be a partition value: its bytes are not UTF-8. Partition by another column.',
  )
})

test('no rows make no file', async () => {
  expect(await write(schemaOf([['id', 'long']]), 'SELECT 1 AS id WHERE false')).toEqual([])
  expect(
    await write(
      schemaOf([
        ['id', 'long'],
        ['p', 'long'],
      ]),
      'SELECT 1 AS id, 2 AS p WHERE false',
      { partitionColumns: ['p'] },
    ),
  ).toEqual([])
})

test('an add tells path, size and time of a file that is there', async () => {
  const [add] = await write(schemaOf([['id', 'long']]), 'SELECT 1 AS id')
  expect(add?.path).toMatch(/^part-[0-9a-f-]{36}\.zstd\.parquet$/)
  const { size, mtimeMs } = await stat(join(shop.folder, 'table', add?.path ?? ''))
  expect([add?.size, add?.modificationTime]).toEqual([size, Math.floor(mtimeMs)])
})

test('statistics keep the digits of numbers, cut times and leave out what has no order', async () => {
  const schema = schemaOf([
    ['l', 'long'],
    ['d', 'decimal(38,3)'],
    ['t', 'timestamp'],
    ['n', 'timestamp_ntz'],
    ['day', 'date'],
    ['ok', 'boolean'],
    ['bin', 'binary'],
    ['none', 'string'],
    ['v', 'void'],
  ])
  expect(
    await statsOf(
      schema,
      `SELECT 9007199254740993 AS l, 12345678901234567890.120 AS d, TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS t,
    TIMESTAMP '2026-01-01 00:00:00.123456' AS n, DATE '0001-01-01' AS day, true AS ok, 'x'::BLOB AS bin, NULL AS none`,
    ),
  ).toBe(
    '{"numRecords":1,' +
      '"minValues":{"l":9007199254740993,"d":12345678901234567890.120,"t":"1969-12-31T23:59:59.999Z","n":"2026-01-01T00:00:00.123","day":"0001-01-01"},' +
      '"maxValues":{"l":9007199254740993,"d":12345678901234567890.120,"t":"1969-12-31T23:59:59.999Z","n":"2026-01-01T00:00:00.123","day":"0001-01-01"},' +
      '"nullCount":{"l":0,"d":0,"t":0,"n":0,"day":0,"ok":0,"bin":0,"none":1,"v":1}}',
  )
})

test('NaN anywhere in the file leaves no bounds, also when another row group has none', async () => {
  const schema = schemaOf([
    ['f', 'double'],
    ['g', 'float'],
  ])
  const [add] = await write(
    schema,
    "SELECT CASE WHEN range = 3 THEN 'NaN'::DOUBLE ELSE range END AS f, range AS g FROM range(10000)",
    { rowGroupRows: 2048 },
  )
  expect(add?.stats).toBe('{"numRecords":10000,"minValues":{"g":0},"maxValues":{"g":9999},"nullCount":{"f":0,"g":0}}')
})

test('infinite values have no bounds', async () => {
  expect(
    await statsOf(
      schemaOf([
        ['f', 'double'],
        ['day', 'date'],
      ]),
      `SELECT 'Infinity'::DOUBLE AS f, 'infinity'::DATE AS day`,
    ),
  ).toBe('{"numRecords":1,"minValues":{},"maxValues":{},"nullCount":{"f":0,"day":0}}')
})

test('long texts get bounds that hold', async () => {
  const [add] = await write(
    schemaOf([['s', 'string']]),
    `SELECT repeat('a', 31) || '😀z' AS s UNION ALL SELECT repeat('b', 400)`,
  )
  expect(JSON.parse(add?.stats ?? '')).toMatchObject({
    minValues: { s: `${'a'.repeat(31)}😀` },
    maxValues: { s: `${'b'.repeat(32)}\u007f` },
  })
})

test('nested fields nest, arrays and maps only count their NULLs, whatever their names', async () => {
  const schema = schemaOf([
    [
      'a"b',
      schemaOf([
        ['__proto__', 'integer'],
        ['l', { type: 'array', elementType: 'integer', containsNull: true }],
      ]),
    ],
    ['__proto__', 'long'],
    ['m', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }],
  ])
  expect(
    await statsOf(
      schema,
      `SELECT {'__proto__': 5, 'l': NULL} AS "a""b", 7 AS "__proto__", MAP {'k': 1} AS m UNION ALL SELECT NULL, 8, NULL`,
    ),
  ).toBe(
    '{"numRecords":2,"minValues":{"a\\"b":{"__proto__":5},"__proto__":7},"maxValues":{"a\\"b":{"__proto__":5},"__proto__":8},"nullCount":{"a\\"b":{"__proto__":1,"l":2},"__proto__":0,"m":1}}',
  )
})

test('only the first columns are indexed, and none outside of the schema', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `c${index}`)
  const [add] = await write(
    schemaOf(names.map((name) => [name, 'integer'])),
    `SELECT ${names.map((name) => `1 AS ${name}`).join(', ')}, 'x' AS "__file"`,
    { extraColumns: [{ name: '__file', type: 'string' }] },
  )
  expect(Object.keys(JSON.parse(add?.stats ?? '').nullCount)).toEqual(names.slice(0, 32))
})

test('a text that is the same in all rows is stored as a text that the rows bring', async () => {
  const schema = schemaOf([['id', 'long']])
  const extraColumns = [{ name: '__file', type: 'string' as const }]
  const text = `it's/ä.csv`
  const [brought] = await write(schema, `SELECT range AS id, 'it''s/ä.csv' AS "__file" FROM range(5000)`, {
    extraColumns,
  })
  const [constant] = await write(schema, 'SELECT range AS id FROM range(5000)', {
    extraColumns,
    constants: new Map([['__file', text]]),
  })
  const stored = async (add: typeof brought): Promise<readonly unknown[]> => {
    const path = join(shop.folder, 'table', add?.path ?? '')
    const columns = await shop.engine.all(`SELECT * EXCLUDE (file_name) FROM parquet_schema('${path}')`)
    const rows = await shop.engine.all(
      `SELECT "__file", count(*) AS n, sum(id)::BIGINT AS ids FROM '${path}' GROUP BY ALL`,
    )
    const bounds = await shop.engine.all(
      `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count FROM parquet_metadata('${path}')`,
    )
    return [columns, rows, bounds]
  }
  expect(await stored(constant)).toEqual(await stored(brought))
  expect((await stored(constant))[1]).toEqual([{ __file: text, n: 5000n, ids: 12_497_500n }])
})

test('each partition has files of its own, which do not hold its columns, and whose names do not grow with its values', async () => {
  const schema = schemaOf([
    ['p', 'string'],
    ['id', 'long'],
  ])
  const adds = await write(
    schema,
    `FROM (VALUES ('x/ä', 1), ('', 2), (NULL, 3), ('n', 4), (repeat('ท', 2000), 5)) t(p, id)`,
    {
      partitionColumns: ['p'],
    },
  )
  expect(adds.map((add) => add.partitionValues['p']).sort()).toEqual(['n', null, null, 'x/ä', 'ท'.repeat(2000)].sort())
  expect(adds.every((add) => !add.stats?.includes('"p"'))).toBe(true)
  for (const { path } of adds) expect(path).toMatch(/^part-[0-9a-f-]{36}\/part-[0-9]+\.zstd\.parquet$/)
})

test('a column that is named like what DuckDB partitions by keeps its values', async () => {
  const schema = schemaOf([
    ['p', 'string'],
    ['tributary_p0', 'string'],
    ['Tributary_PP1', 'long'],
  ])
  const adds = await write(schema, `SELECT 'x' AS p, 'mine' AS "tributary_p0", 7 AS "Tributary_PP1"`, {
    partitionColumns: ['p'],
  })
  expect(adds.map(({ partitionValues, stats }) => [partitionValues, JSON.parse(stats ?? '').minValues])).toEqual([
    [{ p: 'x' }, { tributary_p0: 'mine', Tributary_PP1: 7 }],
  ])
})

test('a target size splits the rows over files, in order', async () => {
  const adds = await write(schemaOf([['id', 'long']]), 'SELECT range AS id FROM range(300000)', {
    targetFileBytes: 200_000,
    rowGroupRows: 20_000,
  })
  expect(adds.length).toBeGreaterThan(1)
  expect(adds.map((add) => JSON.parse(add.stats ?? '').numRecords).reduce((sum, count) => sum + count, 0)).toBe(300_000)
})

test('a second copy that fails leaves no file behind', async () => {
  const url = join(shop.folder, 'failing-copy')
  const clock = { ...systemClock, uuid: () => 'u' }
  await mkdir(join(url, 'part-u.zstd-1.parquet'), { recursive: true })
  const written = writeDataFiles(shop.engine, localStore(url), clock, {
    relation: 'SELECT range / 7 AS ratio FROM range(30000)',
    schema: schemaOf([['ratio', 'double']]),
    partitionColumns: [],
    rows: 'many',
    settings: { ...USUAL_SETTINGS, parquetVersion: 2 },
  })
  await expect(written).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  expect(await readdir(url)).toEqual(['part-u.zstd-1.parquet'])
})

test.each([{}, { partitionColumns: ['half'] }, { targetFileBytes: 50_000, rowGroupRows: 20_000 }])(
  'a copy that fails in its midst leaves no file behind: %o',
  async (layout) => {
    const url = join(shop.folder, `broken-copy-${JSON.stringify(layout).length}`)
    const written = writeDataFiles(shop.engine, localStore(url), systemClock, {
      relation: `SELECT range AS id, range % 2 AS half, CASE WHEN range < 900000 THEN 'x' ELSE error('a test did this') END AS note
        FROM range(1000000)`,
      schema: schemaOf([
        ['id', 'long'],
        ['half', 'long'],
        ['note', 'string'],
      ]),
      partitionColumns: [],
      ...layout,
    })
    await expect(written).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    const left = await readdir(url, { recursive: true, withFileTypes: true })
    expect(left.filter((entry) => entry.isFile())).toEqual([])
  },
)

test.each([{}, { partitionColumns: ['half'] }, { targetFileBytes: 1_000_000 }])(
  'what DuckDB would split into streams of bytes is written once more, where it was and as it was: %o',
  async (layout) => {
    const [url, rows] = [join(shop.folder, `ratios-${JSON.stringify(layout).length}`), 30_000]
    const store = localStore(url)
    const schema = schemaOf([
      ['id', 'long'],
      ['half', 'long'],
      ['ratio', 'double'],
    ])
    const write = (start: number) =>
      writeDataFiles(shop.engine, store, systemClock, {
        relation: `SELECT range AS id, range % 2 AS half, range / 7 AS ratio FROM range(${start}, ${start + rows})`,
        schema,
        partitionColumns: [],
        rows: 'many',
        settings: { ...USUAL_SETTINGS, parquetVersion: 2 },
        ...layout,
      })
    // The second time it is known of the table.
    const adds = [...(await write(0)), ...(await write(rows))]
    const written = (await readdir(url, { recursive: true })).filter((name) => name.endsWith('.parquet'))
    expect(adds.map(({ path }) => path).sort()).toEqual(written.sort())
    const counts = adds.map(({ stats }) => JSON.parse(stats ?? '{}').numRecords)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2 * rows)
    const [encodings] = await shop.engine.all(
      `SELECT list(DISTINCT encodings ORDER BY encodings) AS found FROM parquet_metadata('${url}/**/*.parquet')`,
    )
    expect(JSON.stringify(encodings)).not.toContain('SPLIT')
    for (const [index, { path, partitionValues, stats }] of adds.entries()) {
      const [read] = await shop.engine.all(
        `SELECT count(*) AS count, min(id) AS low, max(ratio) AS high, bool_and(ratio = id / 7) AS same FROM read_parquet('${url}/${path}', hive_partitioning = false)`,
      )
      const { numRecords, minValues, maxValues } = JSON.parse(stats ?? '{}')
      expect([Number(read?.['count']), Number(read?.['low']), read?.['high']], `file ${index}`).toEqual([
        numRecords,
        minValues.id,
        maxValues.ratio,
      ])
      expect(read?.['same']).toBe(true)
      if ('partitionColumns' in layout) expect(partitionValues).toEqual({ half: String(minValues.id % 2) })
    }
  },
)
