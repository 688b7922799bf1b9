import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Filter } from '../../src/read/filter.ts'
import { filterFiles } from '../../src/read/filter-files.ts'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from '../write/support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const SCHEMA = fieldsOf(
  ['id', 'long'],
  ['a', fieldsOf(['b', 'long'], ['c', fieldsOf(['d', 'double'])])],
  ['a.b', 'long'],
)

/** Three files of one row; the last one has no record. */
async function threeFiles(mode: string) {
  const table = await place.fresh(SCHEMA, { configuration: { 'delta.columnMapping.mode': mode } })
  await table.append([{ id: 1, a: { b: 10, c: { d: 0.5 } }, 'a.b': 1 }])
  await table.append([{ id: 2, a: { b: 20, c: { d: 1.5 } }, 'a.b': 2 }])
  await table.append([{ id: 3, a: null, 'a.b': 10 }])
  return table
}

// A file without a record has no bounds for its fields, so it is kept.
test.each<[string, Filter, readonly bigint[], number]>([
  ['a field', { kind: '=', column: 'A.b', value: 10 }, [1n], 2],
  ['a column with a dot', { kind: '=', column: '`a.b`', value: 10 }, [3n], 1],
  ['a field of a field', { kind: '<', column: 'a.c.d', value: 1 }, [1n], 2],
  ['a list', { kind: 'in', column: 'a.b', values: [20, 30] }, [2n], 2],
  ['a field of no record', { kind: 'isNull', column: 'a.b' }, [3n], 3],
])('a filter speaks of %s, and opens only files that may hold it', async (_, filter, ids, files) => {
  for (const mode of ['none', 'name']) {
    const table = await threeFiles(mode)
    expect(await rowsOf(table, { columns: ['id'], filter })).toEqual(ids.map((id) => ({ id })))
    expect(filterFiles(await table.snapshot(), filter)).toHaveLength(files)
    expect((await table.delete(filter)).kind).toBe('committed')
    expect(await rowsOf(table, { columns: ['id'], filter })).toEqual([])
  }
})

test('a name that leads nowhere is refused with the names that do', async () => {
  const table = await threeFiles('none')
  await expect(rowsOf(table, { filter: { kind: '=', column: 'a.x', value: 1 } })).rejects.toThrow(
    'There is no column "a.x": the table has "id", "a", "`a.b`". Use one of these.',
  )
})

test.each([
  ['a.b', [['a', 'b']]],
  ['`a.b`', [['a.b']]],
])('a table is clustered by %s, when it is made and when it is optimized', async (column, clusteringColumns) => {
  const table = await place.fresh(SCHEMA, { clusterBy: [column] })
  const { domains } = await table.snapshot()
  expect(JSON.parse(domains.get('delta.clustering') ?? '{}')).toMatchObject({ clusteringColumns })
  await table.append([{ id: 1, a: { b: 2, c: null }, 'a.b': 1 }])
  await table.append([{ id: 2, a: { b: 1, c: null }, 'a.b': 2 }])
  const order = column === 'a.b' ? [2n, 1n] : [1n, 2n]
  expect((await table.optimize()).versions).toHaveLength(1)
  const orders: unknown[] = []
  for await (const { values } of (await table.snapshot()).scan({ columns: ['id'] })) orders.push(...(values[0] ?? []))
  expect(orders).toEqual(order)
  await expect(table.optimize({ columns: ['a.'] })).rejects.toThrow('it leads to no column')
})
