import { type Engine, openEngine } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineFeature } from '../../src/features/definition.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  await place.create('m.trades', { id: 'long', stock: 'string', at: 'timestamp' }, [
    { id: 1n, stock: 'A', at: at(10) },
    { id: 2n, stock: 'A', at: at(20) },
    { id: 3n, stock: 'A', at: at(30) },
    { id: 4n, stock: 'B', at: at(30) },
  ])
  await place.create('m.quotes', QUOTES, [
    { id: 1n, stock: 'A', at: at(5), price: 100 },
    { id: 2n, stock: 'A', at: at(25), price: 300 },
  ])
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

const QUOTES = { id: 'long', stock: 'string', at: 'timestamp', price: 'integer' } as const

function at(minute: number): string {
  return `2026-01-01T10:${minute}:00Z`.replace(/:(\d):/, ':0$1:')
}

function priced(quotes: string): ReturnType<typeof defineFeature> {
  const sql = `SELECT t.id, q.price FROM m.trades t ASOF LEFT JOIN ${quotes} q ON t.stock = q.stock AND t.at >= q.at`
  return defineFeature({ name: 'priced', entity: ['id'], sql, refresh: { mode: 'incremental' } })
}

test('a row that comes late takes the place of another from its time on, and gives it back when it goes', async () => {
  await refreshFeature(place.lake, engine, priced('m.quotes'))
  expect(await place.rowsOf('features.priced')).toEqual(['1 100', '2 100', '3 300', '4 null'])
  await place.upsert('m.quotes', 'id', [{ id: 3n, stock: 'A', at: at(15), price: 200 }])
  // Trades before it and of other stocks are not looked at.
  const late = await refreshFeature(place.lake, engine, priced('m.quotes'))
  expect(late).toMatchObject({ mode: 'incremental', affected: 2, updated: 1 })
  expect(await place.rowsOf('features.priced')).toEqual(['1 100', '2 200', '3 300', '4 null'])
  await place.remove('m.quotes', 'id', 3n)
  await refreshFeature(place.lake, engine, priced('m.quotes'))
  expect(await place.rowsOf('features.priced')).toEqual(['1 100', '2 100', '3 300', '4 null'])
})

test('of rows with one time the greatest is taken, wherever they lie', async () => {
  const prices = [7, 9, 8]
  for (const [name, list] of [
    ['m.up', prices],
    ['m.down', prices.toReversed()],
  ] as const) {
    const rows = list.map((price, index) => ({ id: BigInt(index), stock: 'A', at: at(10), price }))
    await place.create(name, QUOTES, rows)
    await refreshFeature(place.lake, engine, priced(name), { full: true })
    expect(await place.rowsOf('features.priced')).toEqual(['1 9', '2 9', '3 9', '4 null'])
  }
})

test('of changes in a history with one time the newest is taken', async () => {
  const history = {
    ...QUOTES,
    __op: 'string',
    __source_at: 'timestamp',
    __seq: 'string',
    __generation: 'long',
    __batch: 'long',
    __committed_at: 'timestamp',
    __file: 'string',
    __row: 'long',
  } as const
  const change = (row: bigint, op: string, price: number) => ({
    ...{ id: 1n, stock: 'A', at: at(10), price, __op: op, __source_at: at(Number(row)), __seq: null, __generation: 1n },
    ...{ __batch: 1n, __committed_at: at(59), __file: 'a.csv', __row: row },
  })
  await place.create('m.quotes__history', history, [change(1n, 'I', 5), change(3n, 'U', 4), change(2n, 'U', 6)])
  await refreshFeature(place.lake, engine, priced('m.quotes__history'), { full: true })
  expect(await place.rowsOf('features.priced')).toEqual(['1 4', '2 4', '3 4', '4 null'])
})
