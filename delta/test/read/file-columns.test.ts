import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataType } from '../../src/protocol/schema.ts'
import { add } from '../log/log-builder.ts'
import { column, foreignTable, linesOf, tableActions } from './foreign-table.ts'
import { workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

let tables = 0

/** What a column of a type reads as where files hold these values. */
async function valuesOf(type: DataType, ...values: readonly string[]): Promise<readonly string[]> {
  tables += 1
  const files = Object.fromEntries(values.map((value, index) => [`${index}.parquet`, `SELECT ${value} AS v`]))
  const actions = [...tableActions([column('v', type)]), ...Object.keys(files).map((path) => add(path))]
  const lines = await linesOf(
    shop.engine,
    await foreignTable(shop.engine, join(shop.folder, `t${tables}`), [actions], files),
  )
  return lines.map((line) => line.slice('{"v":'.length, -1))
}

test.each<readonly [DataType, string, string]>([
  ['long', '7::TINYINT', '7'],
  ['double', '7::INTEGER', '7.0'],
  ['double', '0.5::FLOAT', '0.5'],
  ['decimal(12,3)', '7.25::DECIMAL(8,2)', '"7.250"'],
  ['decimal(20,1)', '7::BIGINT', '"7.0"'],
  ['timestamp_ntz', "DATE '2026-01-02'", '"2026-01-02T00:00:00.000000"'],
  ['timestamp', "TIMESTAMP_NS '2026-01-02 03:04:05.000001002'", '"2026-01-02T03:04:05.000001Z"'],
  ['string', "encode('é')", '"é"'],
  ['binary', "'é'", '"w6k="'],
])('a column of type %s reads %s of an old file', async (type, old, expected) => {
  expect(await valuesOf(type, old)).toEqual([expected])
})

test.each<readonly [DataType, string, string]>([
  ['integer', "'7'", 'VARCHAR and the table says integer'],
  ['decimal(8,1)', '7.25::DECIMAL(8,2)', 'DECIMAL(8,2) and the table says decimal(8,1)'],
  ['long', '7.5::DOUBLE', 'DOUBLE and the table says long'],
  ['date', "TIMESTAMP '2026-01-02 03:04:05'", 'TIMESTAMP and the table says date'],
  [{ type: 'array', elementType: 'long', containsNull: true }, '7', 'INTEGER and the table says array'],
])('a column of type %j is not made of %s', async (type, value, why) => {
  await expect(valuesOf(type, value)).rejects.toThrow(
    `The data file 0.parquet does not fit the table's schema: its column "v" holds ${why}. Read a version before the file was added, or rewrite it with the engine that made it.`,
  )
})

test('a number too large for the column stops the scan', async () => {
  await expect(valuesOf('integer', '3000000000::BIGINT')).rejects.toThrow(
    expect.objectContaining({ code: 'ENGINE_FAILED' }),
  )
})

test('nested values are widened and get the fields they lack', async () => {
  const inner: DataType = { type: 'struct', fields: [column('a', 'long'), column('b', 'string')] }
  const list: DataType = { type: 'array', elementType: inner, containsNull: true }
  const map: DataType = { type: 'map', keyType: 'long', valueType: list, valueContainsNull: true }
  expect(
    await valuesOf(map, `MAP {1::TINYINT: [{'A': 2::SMALLINT}, NULL]}`, `NULL::MAP(BIGINT, STRUCT(a BIGINT)[])`),
  ).toEqual(['[{"key":1,"value":[{"a":2,"b":null},null]}]', 'null'])
})

test('columns that are called as DuckDB calls its own are read', async () => {
  const fields = [column('file_row_number', 'long'), column('s', { type: 'struct', fields: [column('x', 'long')] })]
  const store = await foreignTable(
    shop.engine,
    join(shop.folder, 'hiding'),
    [[...tableActions(fields), add('a.parquet')]],
    { 'a.parquet': `SELECT 42::BIGINT AS file_row_number, {'x': 1::INTEGER} AS s, 'no column' AS "it's"` },
  )
  expect(await linesOf(shop.engine, store)).toEqual(['{"file_row_number":42,"s":{"x":1}}'])
})

test('void columns are NULL, nested ones too', async () => {
  const fields = [
    column('v', 'void'),
    column('s', { type: 'struct', fields: [column('x', 'long'), column('n', 'void')] }),
  ]
  const store = await foreignTable(
    shop.engine,
    join(shop.folder, 'void'),
    [[...tableActions(fields), add('a.parquet')]],
    { 'a.parquet': `SELECT {'x': 1::BIGINT} AS s` },
  )
  expect(await linesOf(shop.engine, store)).toEqual(['{"v":null,"s":{"x":1,"n":null}}'])
})
