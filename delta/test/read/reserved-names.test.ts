import { afterAll, beforeAll, expect, test } from 'vitest'
import { rowsOf, type TablePlace, tablePlace } from '../write/support.ts'
import { schemaOf } from './table.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const REFUSED = { code: 'COLUMN_NAME_RESERVED' }

test.each(['__path', '__Position', '__gone'])(
  'a file with a column %s is read, and not rewritten wrongly',
  async (name) => {
    const table = await place.fresh(
      schemaOf([
        ['id', 'long'],
        [name, 'string'],
      ]),
    )
    const rows = [
      { id: 1n, [name]: 'a' },
      { id: 2n, [name]: 'b' },
    ]
    await table.append(rows)
    expect(await rowsOf(table)).toEqual(rows)
    await expect(table.upsert({ key: ['id'], changes: [{ id: 2, [name]: 'B' }] })).rejects.toMatchObject(REFUSED)
    expect(await rowsOf(table)).toEqual(rows)
  },
)

test.each(['filename', 'FileName', 'file_row_number', 'File_Index'])(
  'a column %s is not taken for what the engine tells of a row',
  async (name) => {
    const definition = { deletionVectors: true }
    const table = await place.fresh(
      schemaOf([
        ['id', 'long'],
        [name, 'long'],
      ]),
      definition,
    )
    for (const first of [0, 3])
      await table.append([0, 1, 2].map((at) => ({ id: first + at, [name]: at === 2 ? 0 : 1 })))
    await table.delete({ kind: 'in', column: 'id', values: [0, 5] })
    await table.upsert({ key: ['id'], changes: [{ id: 4, [name]: 7 }] })
    expect(await rowsOf(table)).toEqual([
      { id: 1n, [name]: 1n },
      { id: 2n, [name]: 0n },
      { id: 3n, [name]: 1n },
      { id: 4n, [name]: 7n },
    ])
  },
)

test.each(['__sign', '__turn', '__rank', '_change_type'])(
  'the changes of a table with a column %s are refused',
  async (name) => {
    const table = await place.fresh(
      schemaOf([
        ['id', 'long'],
        [name, 'string'],
      ] as const),
    )
    await table.append([{ id: 1, [name]: 'a' }])
    await expect(Array.fromAsync(table.changes({ fromVersion: 1, key: ['id'] }))).rejects.toMatchObject(REFUSED)
  },
)
