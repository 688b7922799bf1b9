import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataType } from '../../src/protocol/schema.ts'
import type { TableDefinition } from '../../src/write/create-table.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const MAPPED = { 'delta.columnMapping.mode': 'name', 'delta.enableTypeWidening': 'true' }
const HOME = fieldsOf(['city', 'string'], ['zip', 'integer'])
const POINTS: DataType = {
  type: 'array',
  elementType: fieldsOf(['x', 'integer'], ['note', 'string']),
  containsNull: true,
}
const BY_NAME: DataType = { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true }

const tableOf = (more: Partial<TableDefinition> = {}) =>
  place.fresh(fieldsOf(['id', 'long'], ['Home', HOME], ['points', POINTS], ['sizes', BY_NAME]), {
    ...more,
    configuration: { ...MAPPED, ...more.configuration },
  })

const OLD = {
  id: 1,
  Home: { city: 'Rom', zip: 7 },
  points: [{ x: 1, note: 'n' }, null],
  sizes: [{ key: 'a', value: 1 }],
}

test('fields of records are added, renamed and dropped, and rows that are there keep the rest', async () => {
  const table = await tableOf()
  await table.append([OLD, { id: 2, Home: null, points: null, sizes: null }])
  await table.addColumns(fieldsOf(['street', 'string']).fields, { within: 'home' })
  await table.addColumns(fieldsOf(['y', 'long']).fields, { within: 'points.element' })
  await table.renameColumn('home.CITY', 'town')
  await table.renameColumn('points.element.x', 'X')
  await table.dropColumn('home.zip')
  await table.dropColumn('points.element.note')
  await table.append([{ id: 3, Home: { town: 'Bonn', street: 's' }, points: [{ X: 2, y: 3 }], sizes: null }])
  expect(await rowsOf(table)).toEqual([
    { id: 1n, Home: { town: 'Rom', street: null }, points: [{ X: 1, y: null }, null], sizes: [{ key: 'a', value: 1 }] },
    { id: 2n, Home: null, points: null, sizes: null },
    { id: 3n, Home: { town: 'Bonn', street: 's' }, points: [{ X: 2, y: 3n }], sizes: null },
  ])
})

test('the old values of a dropped field do not come back under its name', async () => {
  const table = await tableOf()
  await table.append([OLD])
  await table.dropColumn('Home.zip')
  await table.addColumns(fieldsOf(['zip', 'integer']).fields, { within: 'Home' })
  expect((await rowsOf(table, { columns: ['Home'] }))[0]).toEqual({ Home: { city: 'Rom', zip: null } })
})

test('fields, and what arrays and maps hold, get wider types, and old files are read as these', async () => {
  const table = await tableOf()
  await table.append([OLD])
  await table.widenColumn('home.zip', 'long')
  await table.widenColumn('points.element.x', 'double')
  await table.widenColumn('sizes.value', 'long')
  const big = 2n ** 40n
  await table.append([
    { id: 2, Home: { city: null, zip: big }, points: [{ x: 0.5, note: null }], sizes: [{ key: 'b', value: big }] },
  ])
  expect(await rowsOf(table)).toEqual([
    {
      id: 1n,
      Home: { city: 'Rom', zip: 7n },
      points: [{ x: 1, note: 'n' }, null],
      sizes: [{ key: 'a', value: 1n }],
    },
    { id: 2n, Home: { city: null, zip: big }, points: [{ x: 0.5, note: null }], sizes: [{ key: 'b', value: big }] },
  ])
  // PROTOCOL.md, "Type Widening": what is no field itself is told by its way from the nearest one.
  const { schema } = await table.snapshot()
  expect(schema.fields[3]?.metadata['delta.typeChanges']).toEqual([
    { fromType: 'integer', toType: 'long', fieldPath: 'value' },
  ])
})

test('columns keep their statistics when they are renamed, and lose them when they are dropped', async () => {
  const stats = 'delta.dataSkippingStatsColumns'
  const table = await tableOf({ configuration: { [stats]: 'id,home.city,Home.zip,sizes' } })
  await table.renameColumn('Home', 'a.b')
  await table.renameColumn('`a.b`.zip', 'code')
  await table.dropColumn('sizes')
  await table.dropColumn('`A.B`.city')
  expect((await table.snapshot()).metadata.configuration[stats]).toBe('id,`a.b`.code')
})

test.each<[string, (table: Awaited<ReturnType<typeof tableOf>>) => Promise<unknown>, string]>([
  [
    'a field that is there',
    (table) => table.addColumns(fieldsOf(['ZIP', 'long']).fields, { within: 'Home' }),
    'the new column ZIP is there already, or has no name. Choose another name.',
  ],
  [
    'a field of what has none',
    (table) => table.addColumns(fieldsOf(['x', 'long']).fields, { within: 'sizes.value' }),
    'sizes.value is no record, so it has no fields. Name a column that is a record.',
  ],
  [
    'the rename to a name beside it',
    (table) => table.renameColumn('Home.city', 'Zip'),
    'there is a column Zip already, or the name is empty. Choose another name.',
  ],
  [
    'the rename of what has no name',
    (table) => table.renameColumn('points.element', 'x'),
    'points.element is a part of points and no field. Name a column or a field.',
  ],
  [
    'the drop of a field that clusters the table',
    (table) => table.dropColumn('Home.zip'),
    'Home.zip says where rows are stored. Make a new table without it.',
  ],
  [
    'the drop of a record around it',
    (table) => table.dropColumn('Home'),
    'Home says where rows are stored. Make a new table without it.',
  ],
  [
    'a narrower type',
    (table) => table.widenColumn('sizes.value', 'short'),
    'sizes.value cannot be widened from integer to short. Choose a type that holds all values of the old one.',
  ],
])('%s is refused', async (_, change, why) => {
  const table = await tableOf({ clusterBy: ['Home.zip'] })
  await expect(change(table)).rejects.toThrow(`The table was not changed: ${why}`)
  expect((await table.snapshot()).version).toBe(0)
})

test('a record keeps one field, and a rule that speaks of it keeps them all', async () => {
  const one = fieldsOf(['only', 'long'])
  const table = await place.fresh(fieldsOf(['id', 'long'], ['r', one], ['s', HOME]), {
    configuration: { ...MAPPED, 'delta.constraints.c': 's.zip > 0' },
  })
  await expect(table.dropColumn('r.only')).rejects.toThrow('r.only is the only field of its record. Drop the record.')
  await expect(table.renameColumn('s.zip', 'code')).rejects.toThrow('delta.constraints.c may speak about s.zip')
  await expect(table.renameColumn('r.none', 'x')).rejects.toMatchObject({ code: 'COLUMN_NOT_FOUND' })
})
