import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchRows } from '../src/duckdb/values.ts'
import type { StructType } from '../src/protocol/schema.ts'
import type { Filter } from '../src/read/filter.ts'
import { createTable, openTable, type ScanRequest, type Table, type TableParts } from '../src/table.ts'
import type { TableDefinition } from '../src/write/create-table.ts'
import { schemaOf, workshop } from './read/table.ts'

let place: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  place = await workshop()
})
afterAll(() => place.close())

let tables = 0
const PEOPLE = schemaOf([
  ['id', 'long'],
  ['name', 'string'],
])

function fresh(definition: Partial<TableDefinition> = {}, schema: StructType = PEOPLE): Promise<Table> {
  tables += 1
  const parts: TableParts = { engine: place.engine }
  return createTable(join(place.folder, `table-${tables}`), { schema, ...definition }, parts)
}

async function rowsOf(table: Table, request: ScanRequest = {}): Promise<readonly unknown[]> {
  const batches = await Array.fromAsync((await table.snapshot()).scan(request))
  return batches
    .flatMap(batchRows)
    .map((row) => ({ ...row }))
    .sort((left, right) =>
      JSON.stringify(Object.values(left), plain).localeCompare(JSON.stringify(Object.values(right), plain)),
    )
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

const MARKING: Partial<TableDefinition> = { deletionVectors: true }
const COPYING: Partial<TableDefinition> = {}

test.each([
  ['deletion vectors', MARKING],
  ['copies of files', COPYING],
])('rows are appended, replaced by key and deleted, with %s', async (_, definition) => {
  const table = await fresh(definition)
  expect(
    await table.append([
      { id: 1, name: 'Ada' },
      { id: 2, name: 'Bo' },
      { id: 3, name: null },
    ]),
  ).toEqual({
    kind: 'committed',
    version: 1,
    counts: { inserted: 3, updated: 0, deleted: 0 },
  })
  expect(
    await table.upsert({
      key: ['id'],
      changes: [
        { id: 2, name: 'Bob' },
        { id: 4, name: 'Di' },
      ],
    }),
  ).toEqual({
    kind: 'committed',
    version: 2,
    counts: { inserted: 1, updated: 1, deleted: 0 },
  })
  expect(await table.delete({ kind: '=', column: 'name', value: 'Ada' })).toMatchObject({
    counts: { inserted: 0, updated: 0, deleted: 1 },
  })
  expect(await rowsOf(table)).toEqual([
    { id: 2n, name: 'Bob' },
    { id: 3n, name: null },
    { id: 4n, name: 'Di' },
  ])
  expect(await table.delete({ kind: '=', column: 'id', value: 99 })).toEqual({ kind: 'unchanged', version: 3 })
  expect(await table.append([])).toEqual({ kind: 'unchanged', version: 3 })
})

test('a table is opened again, at any version, and tells its history', async () => {
  const first = await fresh()
  await first.append([{ id: 1, name: 'a' }])
  await first.append([{ id: 2, name: 'b' }])
  const url = (await first.snapshot()).store.url
  await using table = await openTable(url)
  expect(await rowsOf(table)).toHaveLength(2)
  const before = await table.snapshot({ version: 1 })
  expect((await Array.fromAsync(before.scan())).flatMap(batchRows)).toMatchObject([{ id: 1n, name: 'a' }])
  const history = await Array.fromAsync(table.history({ limit: 2 }))
  expect(history.map(({ version, info }) => [version, info?.operation, info?.isBlindAppend])).toEqual([
    [2, 'WRITE', true],
    [1, 'WRITE', true],
  ])
})

test('batches of a scan and SQL are rows to append too', async () => {
  const [from, to] = [await fresh(), await fresh()]
  await from.append({ sql: "SELECT i AS id, 'n' || i AS name FROM range(3) r(i)" })
  await to.append({ batches: (await from.snapshot()).scan() })
  expect(await rowsOf(to)).toEqual(await rowsOf(from))
})

test('there is one table in a place', async () => {
  const table = await fresh()
  const { url } = (await table.snapshot()).store
  await expect(createTable(url, { schema: PEOPLE })).rejects.toThrow(
    `The table cannot be created: there is a Delta table at ${url} already. Open it, or choose another place.`,
  )
})

test('values of every type go in and come out', async () => {
  const schema = schemaOf([
    ['long', 'long'],
    ['byte', 'byte'],
    ['double', 'double'],
    ['decimal', 'decimal(20,2)'],
    ['boolean', 'boolean'],
    ['binary', 'binary'],
    ['date', 'date'],
    ['at', 'timestamp'],
    ['local', 'timestamp_ntz'],
    ['list', { type: 'array', elementType: 'decimal(30,3)', containsNull: true }],
    [
      'point',
      schemaOf([
        ['x', 'double'],
        ['names', { type: 'array', elementType: 'string', containsNull: true }],
      ]),
    ],
    ['map', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }],
  ])
  const table = await fresh({}, schema)
  const row = {
    long: 2n ** 63n - 1n,
    byte: -128,
    double: Number.NaN,
    decimal: '123456789012345678.90',
    boolean: true,
    binary: new Uint8Array([0, 255]),
    date: '2026-03-01',
    at: new Date('2026-03-01T12:00:00.5Z'),
    local: '2026-03-01 12:00:00.000001',
    list: ['123456789012345678901234567.125', null],
    point: { x: 1.5, names: ['a', null] },
    map: [{ key: 'a', value: 2n ** 60n }],
  }
  await table.append([row])
  expect(await rowsOf(table)).toEqual([
    {
      ...row,
      binary: Buffer.from([0, 255]),
      at: '2026-03-01T12:00:00.500000Z',
      local: '2026-03-01T12:00:00.000001',
      point: { x: 1.5, names: ['a', null] },
    },
  ])
})

test.each<[string, unknown]>([
  ['1.5 is no long, which column id holds', { id: 1.5 }],
  ['"1e3" is no long, which column id holds', { id: '1e3' }],
  ['9223372036854775808 is no long, which column id holds', { id: 2n ** 63n }],
  ['5 is no string, which column name holds', { id: 1, name: 5 }],
])('a value of another type is refused: %s', async (why, row) => {
  const table = await fresh()
  await expect(table.append([row as never])).rejects.toThrow(
    `Nothing was written: ${why}. Change the rows and write again.`,
  )
  expect((await table.snapshot()).version).toBe(0)
})

test('a key is there, and there once', async () => {
  const table = await fresh()
  await expect(table.upsert({ key: ['id'], changes: [{ id: null, name: 'x' }] })).rejects.toThrow(
    'Nothing was written: a change has NULL in its key (id: null). Change the rows and write again.',
  )
  await expect(
    table.upsert({
      key: ['id'],
      changes: [
        { id: 1, name: 'x' },
        { id: 1, name: 'y' },
      ],
    }),
  ).rejects.toThrow(
    'Nothing was written: two changes have the key (id: 1), and nothing says which is newer. Change the rows and write again.',
  )
})

test('keys of several columns, partitions among them', async () => {
  const schema = schemaOf([
    ['day', 'date'],
    ['n', 'long'],
    ['v', 'string'],
  ])
  const table = await fresh({ ...MARKING, partitionColumns: ['day'] }, schema)
  await table.append([
    { day: '2026-03-01', n: 1, v: 'a' },
    { day: '2026-03-02', n: 1, v: 'b' },
  ])
  await table.upsert({
    key: ['day', 'n'],
    changes: [
      { day: '2026-03-02', n: 1, v: 'B' },
      { day: '2026-03-03', n: 1, v: 'c' },
    ],
  })
  expect(await rowsOf(table, { columns: ['v'] })).toEqual([{ v: 'a' }, { v: 'B' }, { v: 'c' }])
})

const FILTERS: readonly [Filter, readonly number[], number][] = [
  [{ kind: '=', column: 'id', value: 5 }, [5], 1],
  [{ kind: '<', column: 'id', value: 2 }, [0, 1], 1],
  [{ kind: '>=', column: 'id', value: 28 }, [28, 29], 1],
  [{ kind: 'in', column: 'id', values: [3, 13, 99] }, [3, 13], 2],
  [{ kind: 'in', column: 'id', values: [] }, [], 0],
  [{ kind: 'not', of: { kind: '<', column: 'id', value: 29 } }, [29], 1],
  [
    {
      kind: 'and',
      of: [
        { kind: '>', column: 'id', value: 8 },
        { kind: '<', column: 'id', value: 11 },
      ],
    },
    [9, 10],
    2,
  ],
  [
    {
      kind: 'or',
      of: [
        { kind: '=', column: 'id', value: 1 },
        { kind: '=', column: 'id', value: 29 },
      ],
    },
    [1, 29],
    2,
  ],
  [
    {
      kind: 'not',
      of: {
        kind: 'or',
        of: [
          { kind: '>', column: 'id', value: 0 },
          { kind: 'isNull', column: 'id' },
        ],
      },
    },
    [0],
    1,
  ],
  [{ kind: '=', column: 'part', value: 'b' }, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 1],
  [{ kind: 'isNull', column: 'part' }, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29], 1],
  [{ kind: 'and', of: [] }, Array.from({ length: 30 }, (_, id) => id), 3],
]

test.each(FILTERS)('%j finds its rows and opens only files that may have them', async (filter, ids, files) => {
  const table = await filtered()
  const snapshot = await table.snapshot()
  expect(
    (await rowsOf(table, { columns: ['id'], filter })).map((row) => Number(Object(row).id)).sort((a, b) => a - b),
  ).toEqual(ids)
  const { filterFiles } = await import('../src/read/filter-files.ts')
  expect(filterFiles(snapshot, filter)).toHaveLength(files)
})

let filteredTable: Promise<Table> | undefined

function filtered(): Promise<Table> {
  filteredTable ??= (async () => {
    const table = await fresh(
      { partitionColumns: ['part'] },
      schemaOf([
        ['id', 'long'],
        ['part', 'string'],
      ]),
    )
    for (const [index, part] of ["'a'", "'b'", 'NULL'].entries())
      await table.append({ sql: `SELECT i AS id, ${part} AS part FROM range(${index * 10}, ${index * 10 + 10}) r(i)` })
    return table
  })()
  return filteredTable
}

test('an unknown column is named, in a filter and in a row', async () => {
  const table = await fresh()
  const message = 'There is no column "nam": the table has "id", "name". Use one of these.'
  await expect(rowsOf(table, { filter: { kind: 'isNull', column: 'nam' } })).rejects.toThrow(message)
  await expect(table.append([{ id: 1, nam: 'x' }])).rejects.toThrow(message)
})
