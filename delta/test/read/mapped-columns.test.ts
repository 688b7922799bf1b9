import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSnapshot } from '../../src/log/snapshot.ts'
import type { Action } from '../../src/protocol/actions.ts'
import type { DataType, StructField } from '../../src/protocol/schema.ts'
import { filesThatMayHold } from '../../src/read/skipping.ts'
import { add, remove } from '../log/log-builder.ts'
import { changeLinesOf, column, foreignTable, linesOf, tableActions } from './foreign-table.ts'
import { workshop } from './table.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

function field(name: string, physical: string, id: number, type: DataType = 'long'): StructField {
  return column(name, type, { 'delta.columnMapping.physicalName': physical, 'delta.columnMapping.id': id })
}

function mapped(
  mode: 'name' | 'id',
  fields: readonly StructField[],
  partitionColumns: readonly string[] = [],
): Action[] {
  return tableActions(fields, {
    protocol: { minReaderVersion: 2, minWriterVersion: 5 },
    partitionColumns,
    configuration: { 'delta.columnMapping.mode': mode },
  })
}

test('columns are found by physical name: nested ones, and partition values too', async () => {
  const point: DataType = { type: 'struct', fields: [field('x', 'c-x', 3), field('added', 'c-new', 4)] }
  const points: DataType = { type: 'array', elementType: point, containsNull: true }
  const byName: DataType = { type: 'map', keyType: 'string', valueType: point, valueContainsNull: true }
  const fields = [
    field('id', 'c-id', 1),
    field('points', 'c-points', 2, points),
    field('byName', 'c-map', 6, byName),
    field('day', 'c-day', 5, 'date'),
  ]
  const commit = [...mapped('name', fields, ['day']), add('a.parquet', { partitionValues: { 'c-day': '2026-01-02' } })]
  const store = await foreignTable(shop.engine, join(shop.folder, 'names'), [commit], {
    'a.parquet': `SELECT 1::BIGINT AS "c-id", [{'c-x': 7::BIGINT}, NULL] AS "c-points", MAP {'k': {'c-x': 8::BIGINT}} AS "c-map", 9 AS id`,
  })
  expect(await linesOf(shop.engine, store)).toEqual([
    '{"id":1,"points":[{"x":7,"added":null},null],"byName":[{"key":"k","value":{"x":8,"added":null}}],"day":"2026-01-02"}',
  ])
})

test('in id mode names do not matter', async () => {
  const commit = [...mapped('id', [field('a', 'c-a', 1), field('b', 'c-b', 2)]), add('a.parquet')]
  const store = await foreignTable(shop.engine, join(shop.folder, 'ids'), [commit], {
    'a.parquet': { query: 'SELECT 10::BIGINT AS b, 20::BIGINT AS a', options: ', FIELD_IDS {b: 1, a: 2}' },
  })
  expect(await linesOf(shop.engine, store)).toEqual(['{"a":10,"b":20}'])
})

test('files that differ in field ids alone are told apart', async () => {
  const commit = [...mapped('id', [field('a', 'c-a', 1)]), add('a.parquet'), add('b.parquet')]
  const store = await foreignTable(shop.engine, join(shop.folder, 'two-ids'), [commit], {
    'a.parquet': { query: 'SELECT 10::BIGINT AS x, 20::BIGINT AS y', options: ', FIELD_IDS {x: 1, y: 2}' },
    'b.parquet': { query: 'SELECT 30::BIGINT AS x, 40::BIGINT AS y', options: ', FIELD_IDS {x: 2, y: 1}' },
  })
  expect(await linesOf(shop.engine, store)).toEqual(['{"a":10}', '{"a":40}'])
})

test('a file without field ids is refused in id mode', async () => {
  const store = await foreignTable(
    shop.engine,
    join(shop.folder, 'no-ids'),
    [[...mapped('id', [field('a', 'a', 1)]), add('a.parquet')]],
    { 'a.parquet': 'SELECT 10::BIGINT AS a' },
  )
  await expect(linesOf(shop.engine, store)).rejects.toThrow(
    "The data file a.parquet does not fit the table's schema: it has no field ids, and the table finds its columns by them. Read a version before the file was added, or rewrite it with the engine that made it.",
  )
})

test('statistics know columns by physical name', async () => {
  const stats = (least: number, most: number): string =>
    JSON.stringify({ numRecords: 1, minValues: { 'c-a': least, a: 99 }, maxValues: { 'c-a': most, a: 99 } })
  const commit = [
    ...mapped('name', [field('a', 'c-a', 1)]),
    add('low.parquet', { stats: stats(1, 5) }),
    add('high.parquet', { stats: stats(6, 9) }),
  ]
  const snapshot = await readSnapshot(await foreignTable(shop.engine, join(shop.folder, 'stats'), [commit]))
  const found = filesThatMayHold(snapshot, [{ column: 'a', min: 7, max: 7 }])
  expect(found.map(({ path }) => path)).toEqual(['high.parquet'])
})

test('the change feed of a renamed column reads old files by their physical names', async () => {
  const on = { 'delta.enableChangeDataFeed': 'true', 'delta.columnMapping.mode': 'name' }
  const protocol = { minReaderVersion: 2, minWriterVersion: 5 }
  const before = tableActions([field('old', 'c-a', 1)], { protocol, configuration: on })
  const after = tableActions([field('new', 'c-a', 1)], { protocol, configuration: on }).slice(1)
  const cdc: Action = { cdc: { path: '_change_data/c.parquet', partitionValues: {}, size: 1, dataChange: false } }
  const store = await foreignTable(
    shop.engine,
    join(shop.folder, 'feed'),
    [[...before, add('a.parquet')], after, [remove('a.parquet'), add('b.parquet'), cdc]],
    {
      'a.parquet': 'SELECT 1::BIGINT AS "c-a"',
      'b.parquet': 'SELECT 2::BIGINT AS "c-a"',
      '_change_data/c.parquet': `FROM (VALUES (1::BIGINT, 'update_preimage'), (2, 'update_postimage')) t("c-a", _change_type)`,
    },
  )
  expect(await changeLinesOf(shop.engine, store, { fromVersion: 0, toVersion: 2 })).toEqual([
    '{"new":1,"_change_type":"insert","_commit_version":0}',
    '{"new":1,"_change_type":"update_preimage","_commit_version":2}',
    '{"new":2,"_change_type":"update_postimage","_commit_version":2}',
  ])
})
