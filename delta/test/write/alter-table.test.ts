import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataType } from '../../src/protocol/schema.ts'
import { isWidening } from '../../src/write/widen-column.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const MAPPED = { 'delta.columnMapping.mode': 'name' }
const NESTED: DataType = {
  type: 'array',
  elementType: fieldsOf(
    ['x', 'long'],
    ['tags', { type: 'map', keyType: 'string', valueType: fieldsOf(['y', 'long']), valueContainsNull: true }],
  ),
  containsNull: true,
}

test('columns are added, and rows that are there have NULL in them', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long']))
  await table.append([{ id: 1 }])
  await table.addColumns(fieldsOf(['note', 'string']).fields)
  await table.append([{ id: 2, note: 'x' }])
  expect(await rowsOf(table)).toEqual([
    { id: 1n, note: null },
    { id: 2n, note: 'x' },
  ])
})

test.each(['name', 'id'])('a table mapped by %s is written by physical names and ids, at every depth', async (mode) => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['p', 'string'], ['deep', NESTED]), {
    configuration: { 'delta.columnMapping.mode': mode },
    partitionColumns: ['p'],
    deletionVectors: true,
  })
  const deep = [{ x: 1, tags: [{ key: 'k', value: { y: 2 } }] }, null]
  await table.append([
    { id: 1, p: 'a', deep },
    { id: 2, p: null, deep: null },
  ])
  await table.upsert({ key: ['id', 'p'], changes: [{ id: 1, p: 'a', deep: [{ x: 7, tags: null }] }] })
  expect(await rowsOf(table)).toMatchObject([
    { id: 1n, p: 'a', deep: [{ x: 7n, tags: null }] },
    { id: 2n, p: null, deep: null },
  ])
  const { files, schema } = await table.snapshot()
  const names = Object.keys(files[0]?.partitionValues ?? {})
  expect(names).toEqual([schema.fields[1]?.metadata['delta.columnMapping.physicalName']])
  expect(files[0]?.stats).not.toContain('"id"')
})

test('columns of a mapped table are renamed and dropped without touching files', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['name', 'string'], ['old', 'string'], ['p', 'long']), {
    configuration: MAPPED,
    partitionColumns: ['p'],
  })
  await table.append([{ id: 1, name: 'a', old: 'x', p: 1 }])
  await table.renameColumn('name', 'label')
  await table.renameColumn('p', 'part')
  await table.dropColumn('old')
  // The name is free again, and the old values do not come back under it.
  await table.addColumns(fieldsOf(['old', 'string']).fields)
  await table.append([{ id: 2, label: 'b', old: 'y', part: 2 }])
  expect(await rowsOf(table)).toEqual([
    { id: 1n, label: 'a', part: 1n, old: null },
    { id: 2n, label: 'b', part: 2n, old: 'y' },
  ])
  expect(await rowsOf(table, { version: 1 })).toEqual([{ id: 1n, name: 'a', old: 'x', p: 1n }])
})

test('mapping is switched on later, and the files that are there stay readable', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['name', 'string']))
  await table.append([{ id: 1, name: 'a' }])
  await table.setProperties(MAPPED)
  expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 2, minWriterVersion: 5 })
  await table.renameColumn('name', 'label')
  await table.append([{ id: 2, label: 'b' }])
  expect(await rowsOf(table)).toEqual([
    { id: 1n, label: 'a' },
    { id: 2n, label: 'b' },
  ])
  await expect(table.setProperties({ 'delta.columnMapping.mode': 'id' })).rejects.toThrow(
    'The table was not changed: column mapping cannot go from name to id. It may only be set to name, on a table without it.',
  )
})

test('a type is widened, and old files are read as the new one', async () => {
  const table = await place.fresh(fieldsOf(['id', 'integer'], ['price', 'decimal(5,2)']))
  await table.append([{ id: 1, price: '1.25' }])
  await expect(table.widenColumn('id', 'long')).rejects.toThrow(
    'The table was not changed: its property delta.enableTypeWidening is not set. Set it to true first.',
  )
  await table.setProperties({ 'delta.enableTypeWidening': 'true' })
  await table.widenColumn('id', 'long')
  await table.widenColumn('price', 'decimal(10,4)')
  await table.append([{ id: 2n ** 40n, price: '123456.7891' }])
  expect(await rowsOf(table)).toEqual([
    { id: 1n, price: '1.2500' },
    { id: 2n ** 40n, price: '123456.7891' },
  ])
  const { schema, protocol } = await table.snapshot()
  expect(schema.fields[0]?.metadata).toEqual({ 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] })
  expect(protocol.readerFeatures).toEqual(['typeWidening'])
})

test.each<[string, string, boolean]>([
  ['byte', 'short', true],
  ['integer', 'double', true],
  ['long', 'double', false],
  ['long', 'integer', false],
  ['float', 'double', true],
  ['date', 'timestamp_ntz', true],
  ['date', 'timestamp', false],
  ['decimal(5,2)', 'decimal(6,3)', true],
  ['decimal(5,2)', 'decimal(6,4)', false],
  ['decimal(5,2)', 'decimal(5,2)', false],
  ['integer', 'decimal(10,0)', true],
  ['long', 'decimal(20,0)', true],
  ['long', 'decimal(20,1)', false],
])('%s to %s: %s', (from, to, expected) => {
  expect(isWidening(from, to)).toBe(expected)
})

test.each<[string, (table: Awaited<ReturnType<TablePlace['fresh']>>) => Promise<unknown>, string]>([
  [
    'a name that is taken',
    (table) => table.addColumns(fieldsOf(['ID', 'long']).fields),
    'the new column ID is there already, or has no name. Choose another name.',
  ],
  [
    'NOT NULL',
    (table) => table.addColumns(fieldsOf(['n', 'long', { nullable: false }]).fields),
    'the new column n is NOT NULL, and the rows that are there have no value. Make it nullable.',
  ],
  [
    'a default',
    (table) => table.addColumns(fieldsOf(['n', 'long', { metadata: { CURRENT_DEFAULT: '1' } }]).fields),
    'the new column n has a default. Add the column without a default first.',
  ],
  [
    'a rename to a name that is taken',
    (table) => table.renameColumn('v', 'Id'),
    'there is a column Id already, or the name is empty. Choose another name.',
  ],
  [
    'a rename of a column in a constraint',
    (table) => table.renameColumn('id', 'key'),
    'delta.constraints.c may speak about id: "id > 0". Drop that rule first.',
  ],
  [
    'the drop of a partition column',
    (table) => table.dropColumn('p'),
    'p says where rows are stored. Make a new table without it.',
  ],
  [
    'a property that writers count',
    (table) => table.setProperties({ 'delta.columnMapping.maxColumnId': '1' }),
    'delta.columnMapping.maxColumnId is counted by writers. Leave it alone.',
  ],
])('%s is refused', async (_, change, why) => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['v', 'string'], ['p', 'long']), {
    configuration: { ...MAPPED, 'delta.constraints.c': 'id > 0' },
    partitionColumns: ['p'],
  })
  await expect(change(table)).rejects.toThrow(`The table was not changed: ${why}`)
  expect((await table.snapshot()).version).toBe(0)
})

test('a table without mapping renames nothing', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['v', 'string']))
  await expect(table.renameColumn('v', 'w')).rejects.toThrow(
    'The table was not changed: columns are only renamed in tables with column mapping. Set delta.columnMapping.mode to name first.',
  )
})

test('a table with a change feed gets no column by the name of one of the feed', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['v', 'string']), {
    configuration: { ...MAPPED, 'delta.enableChangeDataFeed': 'true' },
  })
  const taken = /a change feed has a column/
  await expect(table.addColumns(fieldsOf(['_change_type', 'string']).fields)).rejects.toThrow(taken)
  await expect(table.renameColumn('v', '_Commit_Version')).rejects.toThrow(taken)
})

test('a type that Delta does not have is refused as a wish, and the table stays as it is', async () => {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['price', 'decimal(10,2)']), {
    configuration: { 'delta.enableTypeWidening': 'true' },
  })
  const refused = { code: 'ALTERATION_INVALID' }
  await expect(table.addColumns(fieldsOf(['x', 'decimal(50,2)']).fields)).rejects.toMatchObject(refused)
  await expect(table.widenColumn('price', 'decimal(50,2)')).rejects.toMatchObject(refused)
  expect((await table.snapshot()).version).toBe(0)
})
