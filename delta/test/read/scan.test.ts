import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scanSql } from '../../src/read/scan.ts'
import { createTestTable, schemaOf, workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

test('a table without files gives no rows and keeps its types', async () => {
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 'empty'),
    schemaOf([
      ['id', 'long'],
      ['at', 'timestamp'],
    ]),
  )
  const sql = await scanSql(shop.engine, await table.snapshot())
  expect(await table.rows()).toEqual([])
  expect((await shop.engine.all(`DESCRIBE ${sql}`)).map((row) => row['column_type'])).toEqual([
    'BIGINT',
    'TIMESTAMP WITH TIME ZONE',
  ])
})

test('columns may have any name', async () => {
  const names = ['at', 'order', 'a"b', '__proto__', "it's", 'a b', 'file_row_number', 'file_index', 'ÄÖ', 'x.y']
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 'names'),
    schemaOf(names.map((name) => [name, 'integer'])),
  )
  await table.append(`SELECT ${names.map((name, index) => `${index} AS "${name.replaceAll('"', '""')}"`).join(', ')}`)
  const [row] = await table.rows()
  expect(Object.entries(row ?? {})).toEqual(names.map((name, index) => [name, index]))
})

test('deleted rows are left out, over several files and vectors', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'dead [1]*'), schemaOf([['id', 'long']]))
  await table.append('SELECT range AS id FROM range(0, 5000)')
  await table.append('SELECT range AS id FROM range(5000, 6000)')
  await table.append('SELECT range AS id FROM range(6000, 6005)')
  await table.replace('id % 7 = 0 AND id < 6000')
  await table.replace('id BETWEEN 5990 AND 5999 OR id = 1', 'SELECT 7000 AS id')
  const ids = (await table.rows()).map((row) => Number(row['id'])).sort((a, b) => a - b)
  const expected = Array.from({ length: 6005 }, (_, id) => id).filter(
    (id) => (id % 7 !== 0 || id >= 6000) && !(id >= 5990 && id <= 5999) && id !== 1,
  )
  expect(ids).toEqual([...expected, 7000])
  expect((await table.rows({ version: 3 })).length).toBe(6005)
})

test('the place of a row is its file and physical position', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'place'), schemaOf([['id', 'long']]))
  const { files } = await table.append(`SELECT range AS id, 'k' || range AS "__row_key" FROM range(3)`, {
    extraColumns: [{ name: '__row_key', type: 'string' }],
  })
  await table.replace('id = 1')
  expect(
    await table.rows({
      withPlace: true,
      extraColumns: [
        { name: '__row_key', type: 'string' },
        { name: '__other', type: 'long' },
      ],
    }),
  ).toEqual([
    { id: 0n, __row_key: 'k0', __other: null, __path: files[0]?.path, __position: 0n },
    { id: 2n, __row_key: 'k2', __other: null, __path: files[0]?.path, __position: 2n },
  ])
  expect(await table.rows()).toEqual([{ id: 0n }, { id: 2n }])
})

test('files of other shapes are read by name, without case, and cast', async () => {
  const folder = join(shop.folder, 'shapes')
  const schema = schemaOf([
    ['id', 'long'],
    ['name', 'string'],
    ['amount', 'decimal(10,2)'],
    [
      'item',
      schemaOf([
        ['a', 'integer'],
        ['b', 'string'],
      ]),
    ],
  ])
  const table = await createTestTable(shop.engine, folder, schema)
  const queries = [
    `SELECT 1::INTEGER AS "ID", 'x'::BLOB AS name`,
    `SELECT 2::BIGINT AS id, 3 AS amount, {b: 'later', "A": 7::SMALLINT} AS item, 5 AS unknown`,
    `SELECT 3::BIGINT AS id, {a: 1} AS item`,
  ]
  const adds = []
  for (const [index, query] of queries.entries()) {
    await shop.engine.run(`COPY (${query}) TO '${folder}/old ${index}.parquet'`)
    adds.push({
      add: { path: `old%20${index}.parquet`, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true },
    })
  }
  await table.commit(adds)
  expect((await table.rows()).toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual([
    { id: 1n, name: 'x', amount: null, item: null },
    { id: 2n, name: null, amount: '3.00', item: { a: 7, b: 'later' } },
    { id: 3n, name: null, amount: null, item: { a: 1, b: null } },
  ])
})

test('partition values come from the log, in their types', async () => {
  const types = [
    ['s', 'string'],
    ['d', 'date'],
    ['t', 'timestamp'],
    ['n', 'timestamp_ntz'],
    ['m', 'decimal(5,2)'],
    ['f', 'double'],
    ['b', 'boolean'],
    ['l', 'long'],
    ['bin', 'binary'],
  ] as const
  const table = await createTestTable(
    shop.engine,
    join(shop.folder, 'partitions'),
    schemaOf([['id', 'integer'], ...types]),
    types.map(([name]) => name),
  )
  await table.append(
    `
    SELECT 1 AS id, 'a b/ü%=' AS s, DATE '2026-01-31' AS d, TIMESTAMPTZ '2026-01-31 10:00:00.5+00' AS t, TIMESTAMP '2026-01-31 10:00:00' AS n,
      1.5 AS m, 'Infinity'::DOUBLE AS f, true AS b, -7 AS l, 'ü'::VARCHAR::BLOB AS bin
    UNION ALL SELECT 2, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    UNION ALL SELECT 3, '__HIVE_DEFAULT_PARTITION__', NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL`.replace(
      "'ü'::VARCHAR::BLOB",
      "encode('ü')",
    ),
  )
  await table.replace('id = 99')
  const rows = (await table.rows({ withPlace: true }))
    .toSorted((a, b) => Number(a['id']) - Number(b['id']))
    .map(({ __path, ...row }) => row)
  const nulls = { d: null, t: null, n: null, m: null, f: null, b: null, l: null, bin: null, __position: 0n }
  expect(rows).toEqual([
    {
      id: 1,
      s: 'a b/ü%=',
      d: '2026-01-31',
      t: '2026-01-31T10:00:00.500000Z',
      n: '2026-01-31T10:00:00.000000',
      m: '1.50',
      f: Infinity,
      b: true,
      l: -7n,
      bin: Buffer.from('ü'),
      __position: 0n,
    },
    { id: 2, s: null, ...nulls },
    { id: 3, s: '__HIVE_DEFAULT_PARTITION__', ...nulls, f: Number.NaN },
  ])
  expect(await table.rows({ columns: ['s'] })).toHaveLength(3)
})

test('a missing data file is named', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'missing'), schemaOf([['id', 'long']]))
  const { files } = await table.append('SELECT 1 AS id')
  const path = join(shop.folder, 'missing', files[0]?.path ?? '')
  await rm(path)
  await expect(table.rows()).rejects.toThrow(
    expect.objectContaining({ code: 'DATA_FILE_MISSING', message: expect.stringContaining(path) }),
  )
})

test('an unknown column is refused', async () => {
  const table = await createTestTable(shop.engine, join(shop.folder, 'unknown'), schemaOf([['id', 'long']]))
  await expect(table.rows({ columns: ['ID', 'nope'] })).rejects.toThrow(
    'There is no column "nope": the table has "id". Use one of these.',
  )
})
