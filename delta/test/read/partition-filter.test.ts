import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FilterValue } from '../../src/read/filter.ts'
import { rowsOf, type TablePlace, tablePlace } from '../write/support.ts'
import { schemaOf } from './table.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

test.each<[string, FilterValue]>([
  ['b', 'TRUE'],
  ['b', 't'],
  ['b', 1],
  ['d', '2026-1-5'],
  ['d', '2026-01-05 00:00:00'],
  ['k', '+7'],
  ['k', '007'],
])('a partition is found by any spelling of its value: %s = %j', async (column, value) => {
  const columns = [
    ['id', 'long'],
    ['b', 'boolean'],
    ['d', 'date'],
    ['k', 'long'],
  ] as const
  const row = { id: 1n, b: true, d: '2026-01-05', k: 7n }
  for (const partitionColumns of [[], ['b', 'd', 'k']]) {
    const table = await place.fresh(schemaOf(columns), { partitionColumns })
    await table.append([row])
    expect(await rowsOf(table, { filter: { kind: '=', column, value } })).toEqual([row])
  }
})
