import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readSnapshot, systemClock } from '@tributary/delta'
import { describe, expect, test } from 'vitest'
import { rowLife } from '../../src/inspect/row.ts'
import { parseKey } from '../../src/inspect/row-key.ts'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import { pinPlaceOf } from '../../src/maintain/pins.ts'
import { ordersTable, useEngine } from './build-table.ts'

const { engine, folder } = useEngine()

const COMMITS = [
  {
    put: [
      { id: 1, amount: '1.00', note: 'a' },
      { id: 2, amount: '2.00' },
    ],
    file: 'shop/orders/LOAD00000001.csv',
  },
  { put: [{ id: 2, amount: '2.50' }], file: 'shop/orders/c1.csv' },
  {
    put: [{ id: 9 }, { id: 1, amount: '1.00', note: 'b' }],
    file: 'shop/orders/c2.csv',
    sourceAt: '2013-01-01T10:00:00Z',
  },
  { drop: [1], file: 'shop/orders/c3.csv' },
  { put: [{ id: 1, amount: '7.00' }], file: 'shop/orders/c4.csv' },
]

describe('the life of a row', () => {
  test('has each insert, update and delete with what changed and where it came from', async () => {
    const store = await ordersTable(engine(), join(folder(), 'life'), COMMITS)
    const life = await rowLife(engine(), store, '1')
    expect(life.changes.map(({ version, op, file, row }) => ({ version, op, file, row }))).toEqual([
      { version: 0, op: 'I', file: 'shop/orders/LOAD00000001.csv', row: 1 },
      { version: 2, op: 'U', file: 'shop/orders/c2.csv', row: 2 },
      { version: 3, op: 'D', file: null, row: null },
      { version: 4, op: 'I', file: 'shop/orders/c4.csv', row: 1 },
    ])
    expect(life.changes[1]?.changed).toEqual([{ column: 'note', from: 'a', to: 'b' }])
    expect(life.changes[1]?.sourceAt).toBe('2013-01-01T10:00:00Z')
    expect(life.changes[2]?.commitFiles).toEqual(['shop/orders/c3.csv'])
    expect({ ...life.row }).toEqual({ order_id: 1, amount: '7.00', note: null })
    expect(life.completeFrom).toBe(0)
  })

  test('ends at the version that is asked for', async () => {
    const store = await ordersTable(engine(), join(folder(), 'at'), COMMITS)
    const life = await rowLife(engine(), store, '1', { version: 3 })
    expect(life.row).toBeNull()
    expect(life.changes.map(({ op }) => op)).toEqual(['I', 'U', 'D'])
    expect({ ...(await rowLife(engine(), store, '1', { version: 1 })).row }).toEqual({
      order_id: 1,
      amount: '1.00',
      note: 'a',
    })
  })

  test('says from where it is complete when an old file was vacuumed', async () => {
    const place = join(folder(), 'vacuumed')
    const store = await ordersTable(engine(), place, [
      { put: [{ id: 1, amount: '1.00' }] },
      { put: [{ id: 1, amount: '2.00' }] },
    ])
    const [old] = (await readSnapshot(store, { version: 0 })).files
    await rm(join(place, old?.path ?? ''))
    const life = await rowLife(engine(), store, '1')
    expect(life.completeFrom).toBe(2)
    expect({ ...life.row }).toEqual({ order_id: 1, amount: '2.00', note: null })
  })

  test('has the time of each change itself where the row tells it, and of a delete that of its commit', async () => {
    const at = '2026-03-01 10:19:01+00'
    const store = await ordersTable(engine(), join(folder(), 'times'), [
      { put: [{ id: 1, note: '2026-03-01 10:15:01.25' }, { id: 2 }], sourceAt: '2026-03-01 10:16:01' },
      { put: [{ id: 1, note: '2026-03-01 10:17:00+00' }], sourceAt: at },
      { drop: [1], sourceAt: at },
    ])
    const timesOf = async (key: string, options: Parameters<typeof rowLife>[3] = {}): Promise<readonly unknown[]> =>
      (await rowLife(engine(), store, key, options)).changes.map(({ sourceAt }) => sourceAt)
    expect(await timesOf('1', { timestampColumn: 'note' })).toEqual([
      '2026-03-01T10:15:01.25Z',
      '2026-03-01T10:17:00Z',
      '2026-03-01T10:19:01Z',
    ])
    expect(await timesOf('2', { timestampColumn: 'note' })).toEqual(['2026-03-01T10:16:01Z'])
    expect(await timesOf('2')).toEqual(['2026-03-01T10:16:01Z'])
  })

  test('a rewrite of files that are gone is no insert', async () => {
    const place = join(folder(), 'rewritten')
    const store = await ordersTable(engine(), place, [
      { put: [{ id: 1, amount: '1.00' }] },
      { put: [{ id: 2, amount: '2.00' }] },
    ])
    const snapshot = await readSnapshot(store)
    await optimizeTable({ engine: engine(), clock: systemClock }, { snapshot, place: pinPlaceOf(store) }, {})
    expect((await rowLife(engine(), store, '1')).changes).toMatchObject([{ version: 0, op: 'I' }])
    for (const { path } of snapshot.files) await rm(join(place, path))
    const life = await rowLife(engine(), store, '1')
    expect([life.changes, life.completeFrom]).toEqual([[], 3])
    expect({ ...life.row }).toEqual({ order_id: 1, amount: '1.00', note: null })
  })

  test('a key that never was is not found; a text that is no key is refused', async () => {
    const store = await ordersTable(engine(), join(folder(), 'none'), COMMITS)
    await expect(rowLife(engine(), store, '77')).rejects.toThrow(/never had a row with the key "77"/)
    await expect(rowLife(engine(), store, 'x')).rejects.toThrow(/"x" is no key of this table/)
  })
})

describe('parseKey', () => {
  const field = (name: string, type: 'timestamp' | 'string' | 'integer') => ({
    name,
    type,
    nullable: true,
    metadata: {},
  })
  const flight = [field('time_hour', 'timestamp'), field('carrier', 'string'), field('flight', 'integer')]

  test('takes parts in key order', () => {
    expect(parseKey('2013-01-01T10:00:00Z/UA/1545', flight).map(({ text }) => text)).toEqual([
      '2013-01-01T10:00:00Z',
      'UA',
      '1545',
    ])
  })

  test('takes a key of one column whole, and an escaped slash elsewhere', () => {
    expect(parseKey('a/b', [field('name', 'string')]).map(({ text }) => text)).toEqual(['a/b'])
    expect(parseKey('a\\/b/3', [field('name', 'string'), field('n', 'integer')]).map(({ text }) => text)).toEqual([
      'a/b',
      '3',
    ])
  })

  test('refuses a wrong number of parts and a wrong type', () => {
    expect(() => parseKey('UA/1545', flight)).toThrow(/it has 2 parts and the key 3/)
    expect(() => parseKey('2013-01-01T10:00:00Z/UA/1545x', flight)).toThrow(/"1545x" is no integer for flight/)
  })
})
