import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import { readChanges } from '../../src/read/changes.ts'
import type { Table } from '../../src/table.ts'
import { fieldsOf, type TablePlace, tablePlace } from '../write/support.ts'

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

/** Row 2 gets another value, row 3 the one that it has. */
async function upserted(deletionVectors: boolean): Promise<Table> {
  const table = await place.fresh(fieldsOf(['id', 'long'], ['v', 'string']), { deletionVectors })
  await table.append([1, 2, 3, 4, null].map((id) => ({ id, v: 'a' })))
  const changes = [
    { id: 2, v: 'B' },
    { id: 3, v: 'a' },
  ]
  expect(await table.upsert({ key: ['id'], changes })).toMatchObject({ counts: { updated: 2 } })
  return table
}

const text = (row: Readonly<Record<string, unknown>>): string => `${row['_change_type']} ${row['id']}=${row['v']}`

async function feedOf(table: Table, key?: readonly string[]): Promise<readonly string[]> {
  const rows = await Array.fromAsync(table.changes({ fromVersion: 2, ...(key === undefined ? {} : { key }) }))
  return rows.map(text)
}

const UPDATE = ['update_preimage 2=a', 'update_postimage 2=B']

test('rows that a copy-on-write commit carried over are no updates', async () => {
  expect(await feedOf(await upserted(false), ['id'])).toEqual(UPDATE)
})

test('where rows are marked, an update to what the row was is one all the same', async () => {
  const same = ['update_preimage 3=a', 'update_postimage 3=a']
  expect(await feedOf(await upserted(true), ['id'])).toEqual([...UPDATE, ...same])
})

test('without a key, what left and what came is told as it is', async () => {
  expect(await feedOf(await upserted(false))).toHaveLength(10)
})

test('a row whose origin nobody knows is carried over when its values are', async () => {
  const table = await upserted(false)
  const { store, version } = await table.snapshot()
  const request = {
    fromVersion: 2,
    toVersion: version,
    key: ['id'],
    origin: [{ name: '__file', type: 'string' as const }],
  }
  expect((await Array.fromAsync(readChanges(engine, store, request))).map(text)).toEqual(UPDATE)
})
