import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import type { RowOrder } from '../../src/maintain/cluster-key.ts'
import { rewriteFiles } from '../../src/maintain/rewrite-files.ts'
import {
  isInOrder,
  isInOtherOrder,
  orderColumns,
  orderOfFiles,
  orderTags,
  rowOrderOf,
} from '../../src/maintain/row-order.ts'
import type { AddFile } from '../../src/protocol/actions.ts'
import { encodeStats, type JsonObject } from '../../src/protocol/stats.ts'
import type { Table } from '../../src/table.ts'
import { schemaOf } from '../read/table.ts'
import { type TablePlace, tablePlace } from '../write/support.ts'

let place: TablePlace
let engine: Engine
beforeAll(async () => {
  place = await tablePlace()
  engine = await openEngine({ threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await place.close()
})

const LINES = schemaOf([
  ['shop', 'string'],
  ['line', 'long'],
  ['v', 'string'],
])
const KEY = ['shop', 'line']

async function orderOf(table: Table, key: readonly string[] = KEY): Promise<readonly string[] | undefined> {
  const order = rowOrderOf(await table.snapshot(), key)
  return order === undefined ? undefined : [order.curve, ...orderColumns(order)]
}

test('a table’s order is that of its clustering, else of its key without partitions, else none', async () => {
  expect(await orderOf(await place.fresh(LINES))).toEqual(['lexical', 'shop', 'line'])
  expect(await orderOf(await place.fresh(LINES, { clusterBy: ['v', 'line'] }))).toEqual(['z', 'v', 'line'])
  expect(await orderOf(await place.fresh(LINES, { partitionColumns: ['shop'] }))).toEqual(['lexical', 'line'])
  expect(await orderOf(await place.fresh(LINES, { partitionColumns: ['shop'] }), ['shop'])).toBeUndefined()
  const clustered = await (await place.fresh(LINES, { clusterBy: ['v'] })).snapshot()
  const foreign = new Map([['delta.clustering', '{"clusteringColumns":[["gone"]]}']])
  expect(rowOrderOf({ ...clustered, domains: foreign }, KEY), 'clustered by what we do not know').toBeUndefined()
})

test('rows sorted by a key of two columns lie by the first and then by the second, and the file says so after a rename too', async () => {
  const table = await place.fresh(LINES, { configuration: { 'delta.columnMapping.mode': 'name' } })
  for (const line of [3, 1, 2]) await table.append(['b', 'a'].map((shop) => ({ shop, line, v: 'x' })))
  const snapshot = await table.snapshot()
  const order = rowOrderOf(snapshot, KEY)
  if (order === undefined) throw new Error('the table has a key')
  expect(snapshot.files.map((file) => isInOrder(file, order))).toEqual([false, false, false])
  const bins = [{ files: snapshot.files, liveBytes: 1000 }]
  const clustering = { order, targetBytes: 1 << 20, as: 'sortBy' } as const
  await rewriteFiles(engine, systemClock, { snapshot, bins, clustering }, {})
  const rows = await Array.fromAsync((await table.snapshot()).scan())
  expect(
    rows.flatMap(({ values: [shops = [], lines = []] }) => lines.map((line, at) => `${shops[at]}${line}`)),
  ).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  await table.renameColumn('shop', 'store')
  const renamed = await table.snapshot()
  const after = rowOrderOf(renamed, ['store', 'line'])
  expect(renamed.files.map((file) => after !== undefined && isInOrder(file, after))).toEqual([true])
  const other = rowOrderOf(renamed, ['line'])
  expect(renamed.files.map((file) => other !== undefined && isInOrder(file, other))).toEqual([false])
})

test.each<[string, RowOrder['columns'][number]['type'], readonly (JsonObject[string] | undefined)[]]>([
  ['numbers', 'long', [-5, 3, 3n, 2n ** 60n]],
  ['texts by their bytes', 'string', ['Z', 'a', 'ab', 'é']],
  ['times', 'timestamp', ['2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.001Z', '2024-01-02T00:00:00.000Z']],
  ['dates', 'date', ['2024-01-31', '2024-02-01']],
])('files are in the order of their least values: %s', (_, type, values) => {
  const files = values.map((value, at) => boundedFile(`f${at}`, value, value))
  const { compare } = orderOfFiles({ columns: [{ path: ['k'], physicalPath: ['k'], type }], curve: 'lexical' })
  expect(
    [...files]
      .reverse()
      .sort(compare)
      .map(({ stats }) => stats),
  ).toEqual(files.map(({ stats }) => stats))
})

test('files overlap where one may begin before the other ends, and where nobody knows', () => {
  const column = { path: ['a', 'k'], physicalPath: ['a', 'k'], type: 'timestamp' } as const
  const { compare, overlap } = orderOfFiles({ columns: [column], curve: 'lexical' })
  const at = (ms: number): string => `2024-01-01T00:00:00.${String(ms).padStart(3, '0')}Z`
  const file = (from: number, to: number): AddFile => {
    const add = boundedFile('f', at(from), at(to))
    return { ...add, stats: encodeStats(nested(at(from), at(to))) }
  }
  expect(overlap(file(1, 5), file(4, 9))).toBe(true)
  // Statistics cut times to milliseconds: the file may go on to almost 6.
  expect(overlap(file(1, 5), file(5, 9))).toBe(true)
  expect(overlap(file(1, 5), file(6, 9))).toBe(false)
  const unknown = { ...file(1, 5), stats: '{"numRecords":1}' }
  expect([overlap(unknown, file(6, 9)), overlap(file(1, 5), unknown)]).toEqual([true, true])
  expect(compare(unknown, file(1, 5))).toBeLessThan(0)
  expect(compare(file(1, 5), unknown)).toBeGreaterThan(0)
})

test('of a key of two columns the second decides where all rows of two files have one value of the first', () => {
  const columns = ['shop', 'line'].map((name, at) => ({
    path: [name],
    physicalPath: [name],
    type: at === 0 ? ('string' as const) : ('long' as const),
  }))
  const { compare, overlap } = orderOfFiles({ columns, curve: 'lexical' })
  const file = (shops: readonly [string, string], lines: readonly [number, number]): AddFile => ({
    ...boundedFile('f', undefined, undefined),
    stats: encodeStats({
      numRecords: 2,
      minValues: { shop: shops[0], line: lines[0] },
      maxValues: { shop: shops[1], line: lines[1] },
    }),
  })
  expect(overlap(file(['a', 'a'], [1, 9]), file(['a', 'a'], [1, 9]))).toBe(true)
  expect(overlap(file(['a', 'a'], [1, 4]), file(['a', 'a'], [5, 9]))).toBe(false)
  // Rows of shop b are in both, whatever their lines.
  expect(overlap(file(['a', 'b'], [1, 4]), file(['b', 'c'], [5, 9]))).toBe(true)
  expect(overlap(file(['a', 'a'], [1, 9]), file(['b', 'b'], [1, 9]))).toBe(false)
  expect(compare(file(['a', 'a'], [1, 4]), file(['a', 'b'], [5, 9]))).toBeLessThan(0)
})

test('a Z-order over the columns of the key is another order than the key’s', () => {
  const columns = ['shop', 'line'].map((name) => ({ path: [name], physicalPath: [name], type: 'long' as const }))
  const tagged = (order: RowOrder): AddFile => ({ ...boundedFile('f', 1, 2), tags: orderTags(order) })
  const [lexical, z]: readonly RowOrder[] = [
    { columns, curve: 'lexical' },
    { columns, curve: 'z' },
  ]
  if (lexical === undefined || z === undefined) throw new Error('two orders')
  expect([isInOrder(tagged(z), z), isInOrder(tagged(z), lexical), isInOrder(tagged(lexical), z)]).toEqual([
    true,
    false,
    false,
  ])
  expect([isInOtherOrder(tagged(z), lexical), isInOtherOrder(boundedFile('f', 1, 2), lexical)]).toEqual([true, false])
  const one = columns.slice(0, 1)
  expect(isInOrder(tagged({ columns: one, curve: 'z' }), { columns: one, curve: 'lexical' })).toBe(true)
})

function nested(min: string, max: string): Parameters<typeof encodeStats>[0] {
  return { numRecords: 2, minValues: { a: { k: min } }, maxValues: { a: { k: max } } }
}

function boundedFile(path: string, min: JsonObject[string] | undefined, max: JsonObject[string] | undefined): AddFile {
  const bounds = (value: JsonObject[string] | undefined): JsonObject => (value === undefined ? {} : { k: value })
  return {
    path,
    partitionValues: {},
    size: 1,
    modificationTime: 1,
    dataChange: true,
    stats: encodeStats({ numRecords: 2, minValues: bounds(min), maxValues: bounds(max) }),
  }
}
