import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitInfoOf, readCommits } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdIndex, placeForOnce, takeScannedRowsMax } from '../../src/key-index/index-folder.ts'
import { openTableSession } from '../../src/worker/table-session.ts'
import { deliver, type IndexPair, indexFolder, openIndexPair, rows, TABLE } from '../support/index-pair.ts'
import { snapshotOf } from '../support/workplace.ts'

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
  const place = {
    ...indexed.index,
    folder: join(pair.place.folder, 'cache of another machine'),
    firstScannedRowsMax: 1000,
  }
  pair.sessions = new Map([[TABLE, openTableSession(indexed, table, place)]])
  for (const number of [2, 3, 4]) await deliver(pair, `20260101-00000000${number}.csv`, rows('U', 10, 20))
  expect(await scannedFiles(pair, 1)).toEqual(['1', '2', '2', '0'])
})

async function scannedFiles({ indexed }: IndexPair, fromVersion: number): Promise<readonly unknown[]> {
  const scanned: unknown[] = []
  const toVersion = (await snapshotOf(indexed, TABLE))?.version ?? 0
  for await (const { actions } of readCommits(indexed.tableStore(TABLE), { fromVersion, toVersion }))
    scanned.push(commitInfoOf(actions)?.operationMetrics?.['filesScanned'])
  return scanned
}

test('a process that finds an index of nearly that version asks it at once', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 300))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const { indexed } = pair
  const [table] = indexed.config.tables
  if (table === undefined || indexed.index === undefined) throw new Error('the pair has a table and an index')
  const place = { ...indexed.index, firstScannedRowsMax: 1000 }
  pair.sessions = new Map([[TABLE, openTableSession(indexed, table, place)]])
  await deliver(pair, '20260101-000000002.csv', rows('U', 10, 20))
  expect(await scannedFiles(pair, 2)).toEqual(['0'])
  const far = holdIndex(place, indexed.tableStore(TABLE).url)
  expect(takeScannedRowsMax(far, 100)).toBe(1000)
})

test('a process that finds an index which is not what was written reads the keys, and nothing stops', async () => {
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 300))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const { indexed } = pair
  const [table] = indexed.config.tables
  if (table === undefined || indexed.index === undefined) throw new Error('the pair has a table and an index')
  const folder = indexFolder(pair)
  const [manifest = ''] = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const place = { ...indexed.index, firstScannedRowsMax: 1000 }
  const deliverTo = async (number: number): Promise<void> => {
    pair.sessions = new Map([[TABLE, openTableSession(indexed, table, place)]])
    await deliver(pair, `20260101-00000000${number}.csv`, rows('U', 10, 20))
  }
  writeFileSync(join(folder, manifest), 'no manifest')
  await deliverTo(2)
  // Listed, and gone when it is read: another process is a step ahead.
  rmSync(join(folder, manifest))
  symlinkSync('gone', join(folder, manifest))
  await deliverTo(3)
  expect(await scannedFiles(pair, 2)).toEqual(['2', '2'])
})

test('who comes once reads the keys of some millions of rows, unless it was said how many', () => {
  const once = placeForOnce({ folder: 'cache' })
  if (once === undefined) throw new Error('a place is a place')
  const held = holdIndex(once, 'memory:')
  expect(takeScannedRowsMax(held, 1)).toBeGreaterThan(1_000_000)
  expect(takeScannedRowsMax(held, 1)).toBe(held.scannedRowsMax)
  expect(placeForOnce({ folder: 'cache', scannedRowsMax: 7 })).toEqual({ folder: 'cache', scannedRowsMax: 7 })
  expect(placeForOnce(undefined)).toBeUndefined()
})
