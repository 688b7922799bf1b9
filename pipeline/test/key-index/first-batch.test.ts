import { commitInfoOf, readCommits } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdIndex, placeForOnce, takeScannedRowsMax } from '../../src/key-index/index-folder.ts'
import { openTableSession } from '../../src/worker/table-session.ts'
import { deliver, type IndexPair, openIndexPair, rows, TABLE } from '../support/index-pair.ts'

let pair: IndexPair
beforeEach(async () => {
  pair = await openIndexPair()
})
afterEach(() => pair.place.close())

test('a process may read the keys for its first batch, and asks the index from the second on', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 300))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const { indexed } = pair
  const [table] = indexed.config.tables
  if (table === undefined || indexed.index === undefined) throw new Error('the pair has a table and an index')
  const place = { ...indexed.index, firstScannedRowsMax: 1000 }
  pair.sessions = new Map([[TABLE, openTableSession(indexed, table, place)]])
  for (const number of [2, 3, 4]) await deliver(pair, `20260101-00000000${number}.csv`, rows('U', 10, 20))
  const scanned: unknown[] = []
  for await (const { actions } of readCommits(indexed.tableStore(TABLE), { fromVersion: 1, toVersion: 4 }))
    scanned.push(commitInfoOf(actions)?.operationMetrics?.['filesScanned'])
  expect(scanned).toEqual(['1', '2', '0', '0'])
})

test('who comes once reads the keys of some millions of rows, unless it was said how many', () => {
  const once = placeForOnce({ folder: 'cache' })
  if (once === undefined) throw new Error('a place is a place')
  const held = holdIndex(once, 'memory:')
  expect(takeScannedRowsMax(held)).toBeGreaterThan(1_000_000)
  expect(takeScannedRowsMax(held)).toBe(held.scannedRowsMax)
  expect(placeForOnce({ folder: 'cache', scannedRowsMax: 7 })).toEqual({ folder: 'cache', scannedRowsMax: 7 })
  expect(placeForOnce(undefined)).toBeUndefined()
})
