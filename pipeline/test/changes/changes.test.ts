import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { batchRows, readLines, readSnapshot, type Store, systemClock, writeCheckpoint } from '@tributary/delta'
import { beforeAll, describe, expect, test } from 'vitest'
import { changeRecordsSql } from '../../src/changes/change-records.ts'
import { type ChangesWish, planChanges } from '../../src/changes/plan-changes.ts'
import { readTableChanges } from '../../src/changes/read-table-changes.ts'
import { type ChangesView, changePairs } from '../../src/changes/select-changes.ts'
import { summarizeChanges } from '../../src/changes/summarize-changes.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()
const nowMs = Date.parse('2026-01-04T00:00:00Z')
let orders: Store

beforeAll(async () => {
  orders = await ordersTable(engine(), join(folder(), 'orders'), [
    {
      put: [
        { id: 1, amount: '1.00', note: 'a' },
        { id: 2, amount: '2.00' },
        { id: 3, amount: '3.00', note: 'c' },
      ],
      at: '2026-01-01T00:00:00Z',
    },
    { put: [{ id: 2, amount: '2.00', note: 'b' }, { id: 4 }], drop: [3], at: '2026-01-02T00:00:00Z' },
    {
      put: [
        { id: 1, amount: '1.50', note: 'a' },
        { id: 2, amount: '2.00' },
      ],
      at: '2026-01-03T00:00:00Z',
    },
  ])
})

async function recordsOf(wish: Partial<ChangesWish>, view: ChangesView = {}): Promise<readonly unknown[]> {
  const planned = await planChanges(orders, { nowMs, ...wish })
  const fork = await engine().fork()
  try {
    const sql = changeRecordsSql(await changePairs(fork, planned, view), { ...planned, sourceTimes: new Map() })
    const lines = (await Array.fromAsync(readLines(fork, sql))).flat()
    return lines.map((line) => JSON.parse(line))
  } finally {
    await fork.close()
  }
}

async function rowsOf(wish: Partial<ChangesWish> & ChangesView): Promise<readonly string[]> {
  const batches = await Array.fromAsync(readTableChanges(engine(), orders, { nowMs, ...wish }))
  return batches
    .flatMap(batchRows)
    .map(({ _commit_version, _change_type, _commit_timestamp: _, ...row }) =>
      [_commit_version, _change_type, ...Object.values(row)].join(' '),
    )
}

async function summaryOf(store: Store, wish: Partial<ChangesWish> = {}) {
  return summarizeChanges(engine(), { table: 'shop.orders', planned: await planChanges(store, { nowMs, ...wish }) })
}

describe('records', () => {
  test('an update has what differs, an insert the row after it, a delete the row before it', async () => {
    expect(await recordsOf({ since: 'v0', until: 'v1' })).toEqual([
      {
        op: 'update',
        key: { order_id: 2 },
        version: 1,
        committed_at: '2026-01-02T00:00:00.000000Z',
        source_at: null,
        changed: ['note'],
        before: { note: null },
        after: { note: 'b' },
      },
      {
        op: 'delete',
        key: { order_id: 3 },
        version: 1,
        committed_at: '2026-01-02T00:00:00.000000Z',
        source_at: null,
        changed: [],
        before: { order_id: 3, amount: '3.00', note: 'c' },
        after: null,
      },
      {
        op: 'insert',
        key: { order_id: 4 },
        version: 1,
        committed_at: '2026-01-02T00:00:00.000000Z',
        source_at: null,
        changed: [],
        before: null,
        after: { order_id: 4, amount: null, note: null },
      },
    ])
  })

  test('only some kinds, only some columns', async () => {
    expect(await recordsOf({ since: 'v0', columns: ['AMOUNT'] }, { ops: ['update'] })).toMatchObject([
      { key: { order_id: 1 }, version: 2, changed: ['amount'], before: { amount: '1.00' }, after: { amount: '1.50' } },
    ])
  })

  test('a version that is not there yet is told', async () => {
    await expect(planChanges(orders, { nowMs, toVersion: 9 })).rejects.toThrow(/Version 9 does not exist/)
    await expect(planChanges(orders, { nowMs, since: 'v9' })).rejects.toThrow(/Version 9 does not exist/)
  })

  test('an empty interval has none', async () => {
    expect(await recordsOf({ since: 'v2' })).toEqual([])
  })
})

describe('rows', () => {
  test('an update that changed none of the columns is left out, and the others are not given', async () => {
    expect(await rowsOf({ since: 'v0', columns: ['note'], ops: ['update', 'delete'] })).toEqual([
      '1 update_preimage 2 ',
      '1 update_postimage 2 b',
      '1 delete 3 c',
      '2 update_preimage 2 b',
      '2 update_postimage 2 ',
    ])
  })

  test('a bootstrap is the table as inserts', async () => {
    expect((await rowsOf({ bootstrap: true })).toSorted()).toEqual([
      '2 insert 1 1.50 a',
      '2 insert 2 2.00 ',
      '2 insert 4  ',
    ])
    expect(await rowsOf({ bootstrap: true, until: 'v0', columns: ['AMOUNT', 'order_id'] })).toContain('0 insert 3 3.00')
  })

  test('a column that is none is told', async () => {
    for (const wish of [{ bootstrap: true }, { since: 'v0' }])
      await expect(rowsOf({ ...wish, columns: ['price'] })).rejects.toThrow(
        expect.objectContaining({ code: 'COLUMN_NOT_FOUND' }),
      )
  })

  test('--net leaves out what was undone', async () => {
    expect(await rowsOf({ since: 'v0', net: true, ops: ['update'] })).toEqual([
      '2 update_preimage 1 1.00 a',
      '2 update_postimage 1 1.50 a',
    ])
  })
})

describe('summary', () => {
  test('counts changes, keys and columns, and says which interval it is of', async () => {
    const { samples, ...summary } = await summaryOf(orders, { since: '2026-01-01' })
    expect(summary).toEqual({
      schema: 'tributary.changes/1',
      table: 'shop.orders',
      since: 0,
      until: 2,
      net: false,
      snapshot: false,
      commits: 2,
      from: '2026-01-02T00:00:00.000Z',
      to: '2026-01-03T00:00:00.000Z',
      inserted: 1,
      updated: 3,
      deleted: 1,
      keys: { touched: 4, total: 3 },
      columns: [
        { column: 'note', changed: 2, wasNull: 1, isNull: 1 },
        { column: 'amount', changed: 1, wasNull: 0, isNull: 0 },
      ],
    })
    expect(samples).toMatchObject([
      { op: 'insert', key: { order_id: 4 } },
      { op: 'update', version: 2 },
      { op: 'update', version: 2 },
      { op: 'delete', key: { order_id: 3 } },
    ])
  })

  test('of a bootstrap needs no row to be read', async () => {
    const store = await ordersTable(engine(), join(folder(), 'unread'), [{ put: [{ id: 1 }, { id: 2 }] }])
    for (const { path } of (await readSnapshot(store)).files) await store.delete(path)
    expect(await summaryOf(store, { bootstrap: true })).toMatchObject({
      snapshot: true,
      inserted: 2,
      keys: { touched: 2, total: 2 },
    })
  })

  test('opens no file that the interval did not touch', async () => {
    const store = await ordersTable(engine(), join(folder(), 'untouched'), [
      { put: [{ id: 1 }, { id: 2 }] },
      { put: [{ id: 3 }] },
      { put: [{ id: 1, note: 'new' }] },
    ])
    const added = (await readSnapshot(store, { version: 1 })).files.map(({ path }) => path)
    const others = (await readSnapshot(store, { version: 0 })).files.map(({ path }) => path)
    for (const path of added) if (!others.includes(path)) await store.delete(path)
    expect(await summaryOf(store, { since: 'v1' })).toMatchObject({
      updated: 1,
      keys: { touched: 1, total: 3 },
      columns: [{ column: 'note', changed: 1, wasNull: 1 }],
    })
  })

  test('of an empty interval has zeros', async () => {
    expect(await summaryOf(orders, { since: 'v2' })).toMatchObject({
      commits: 0,
      from: null,
      inserted: 0,
      keys: { touched: 0, total: 3 },
      columns: [],
    })
  })
})

describe('what was cleaned up', () => {
  const put = (amount: string) => ({ put: [{ id: 1, amount }], at: `2026-01-0${amount[0]}T04:10:00Z` })
  const build = async (name: string): Promise<Store> =>
    ordersTable(engine(), join(folder(), name), [put('1.00'), put('2.00'), put('3.00'), put('4.00')])
  const planOf = (store: Store, wish: Partial<ChangesWish> = {}) => planChanges(store, { nowMs, ...wish })
  const message = (store: Store, wanted: string, missing: string, oldest: string): string =>
    `The changes of ${store.url} ${wanted} can no longer be read: ${missing} was cleaned up, oldest readable is ${oldest}. Ask with --since ${oldest.split(' ')[0]}, or read the table anew.`

  test('a range that needs a vacuumed file is refused with the oldest version that can be read', async () => {
    const store = await build('vacuumed')
    const [file] = (await readSnapshot(store, { version: 1 })).files.filter(({ deletionVector }) => !deletionVector)
    const path = file?.path ?? ''
    await rm(join(folder(), 'vacuumed', path))
    const because = message(store, 'since version 0', path, 'v2 (2026-01-03 04:10)')
    await expect(planOf(store, { since: 'v0' })).rejects.toThrow(because)
    await expect(planOf(store, { since: 'v1' })).rejects.toThrow(/oldest readable is v2 /)
    expect(await planOf(store, { since: 'v2' })).toMatchObject({ since: 2, until: 3 })
    // The file came and went within the range, so the ends can be compared.
    expect(await planOf(store, { since: 'v0', net: true })).toMatchObject({ since: 0 })
    await expect(planOf(store, { since: 'v1', net: true })).rejects.toThrow(/oldest readable is v2 /)
  })

  test('so is one that begins before the log', async () => {
    const store = await build('cleaned')
    await writeCheckpoint(engine(), systemClock, await readSnapshot(store))
    for (const version of [0, 1])
      await rm(join(folder(), 'cleaned', `_delta_log/${String(version).padStart(20, '0')}.json`))
    const because = message(store, 'from the first version on', 'its log', 'v2 (2026-01-03 04:10)')
    await expect(planOf(store)).rejects.toThrow(because)
    await expect(planOf(store, { since: '2025-12-31' })).rejects.toThrow(because)
    await expect(planOf(store, { since: 'v0' })).rejects.toThrow(/oldest readable is v2 /)
    expect(await planOf(store, { since: 'v1' })).toMatchObject({ since: 1, until: 3 })
  })
})
