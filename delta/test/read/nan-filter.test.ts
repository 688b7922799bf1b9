import { afterAll, beforeAll, expect, test } from 'vitest'
import { filterFiles } from '../../src/read/filter-files.ts'
import { rowsOf, type TablePlace, tablePlace } from '../write/support.ts'
import { schemaOf } from './table.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

test.each(['float', 'double'] as const)(
  'a NaN of type %s is greater than the greatest value that statistics name',
  async (type) => {
    const table = await place.fresh(schemaOf([['x', type]]))
    await table.append([{ x: 1 }, { x: Number.NaN }])
    // As Spark writes it: NaN is left out of the bounds.
    const snapshot = await table.snapshot()
    const stats = '{"numRecords":2,"minValues":{"x":1.0},"maxValues":{"x":1.0},"nullCount":{"x":0}}'
    const files = snapshot.files.map((file) => ({ ...file, stats }))
    const filter = { kind: '>', column: 'x', value: 5 } as const
    expect(filterFiles({ ...snapshot, files }, filter)).toEqual(files)
    expect(await rowsOf(table, { filter })).toEqual([{ x: Number.NaN }])
  },
)
