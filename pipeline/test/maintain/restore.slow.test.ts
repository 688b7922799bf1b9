import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { releaseTable } from '../../src/maintain/adopt-table.ts'
import { planTableRestore, restoreTable } from '../../src/maintain/restore-table.ts'
import { segmentsOf, stateOf } from '../../src/maintain/sidecars.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { type Feed, keyOf, openFeed, TABLE } from './feed.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

/** Version 0 is the load, 1 and 2 a change file each. */
async function fedTable(name: string): Promise<Feed> {
  const feed = await openFeed(workplace, name)
  await feed.put('LOAD00000001', ['I,1,Ada', 'I,2,Bo'])
  await feed.ingest()
  await feed.put('20260301-101500000', ['U,1,Ada L.'])
  await feed.ingest()
  await feed.put('20260301-101600000', ['D,2,Bo', 'I,3,bad'])
  await feed.ingest()
  return feed
}

async function plan(feed: Feed, version: number, withProject = true) {
  const [current, target] = [await feed.snapshot(), await feed.snapshot(version)]
  return planTableRestore(systemClock, { current, target }, withProject ? { lake: feed.lake, table: TABLE } : undefined)
}

async function soundness(feed: Feed): Promise<readonly unknown[]> {
  return (await checkTable(feed.engine, feed.lake.tableStore(TABLE), { key: ['id'] })).findings
}

test('the ledger comes back with the rows, and the next ingest reads the later files again', async () => {
  const feed = await fedTable('again')
  expect(await feed.rows()).toEqual(['1=Ada L.', '3=bad'])
  const restoring = await plan(feed, 0)
  expect(restoring.again).toEqual([keyOf('20260301-101500000'), keyOf('20260301-101600000')])
  const batchOf = async (): Promise<number | undefined> =>
    (await feed.snapshot()).transactions.get(`tributary/${TABLE}`)?.version
  const before = await batchOf()
  expect(await restoreTable(systemClock, restoring)).toBe(3)
  // A transaction identifier that went back would look like one already applied.
  expect(await batchOf()).toBe((before ?? 0) + 1)
  expect(await feed.rows()).toEqual(['1=Ada', '2=Bo'])
  expect(await soundness(feed)).toEqual([])
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['1=Ada L.', '3=bad'])
  expect(await soundness(feed)).toEqual([])
})

test('a bad file is undone: restore, leave it out, ingest', async () => {
  const feed = await fedTable('undone')
  await restoreTable(systemClock, await plan(feed, 1))
  const skip = { kind: 'skip', file: keyOf('20260301-101600000'), reason: 'bad' } as const
  await resolveTable(feed.lake, feed.engine, TABLE, skip)
  await feed.ingest()
  expect(await feed.rows()).toEqual(['1=Ada L.', '2=Bo'])
  // The decision outlives another restore.
  await restoreTable(systemClock, await plan(feed, 0))
  await feed.ingest()
  expect(await feed.rows()).toEqual(['1=Ada L.', '2=Bo'])
  expect(await soundness(feed)).toEqual([])
})

test('a restore is refused while a file that would be read again is gone or changed', async () => {
  const feed = await fedTable('left')
  await rm(join(feed.folder, 'landing', keyOf('20260301-101500000')))
  await feed.put('20260301-101600000', ['D,2,other bytes'])
  await expect(plan(feed, 0)).rejects.toThrow(
    "shop.orders can't be restored: the next ingest would have to read again what came since, and shop/orders/20260301-101500000.csv, shop/orders/20260301-101600000.csv left the landing or changed there. Put them back, restore a newer version, or load the table anew.",
  )
})

test('back across a reload: only the reload has to be there', async () => {
  const feed = await fedTable('reload')
  await feed.put('LOAD00000001', ['I,7,Gus'])
  await feed.ingest()
  expect(await feed.rows()).toEqual(['7=Gus'])
  await rm(join(feed.folder, 'landing', keyOf('20260301-101600000')))
  await restoreTable(systemClock, await plan(feed, 1))
  expect(await feed.rows()).toEqual(['1=Ada L.', '2=Bo'])
  await feed.ingest()
  expect(await feed.rows()).toEqual(['7=Gus'])
  expect(await soundness(feed)).toEqual([])
})

test('back across a reload: the changes that it replaced do not come after it', async () => {
  const feed = await fedTable('replaced')
  await feed.put('LOAD00000001', ['I,1,final'])
  await feed.ingest()
  await restoreTable(systemClock, await plan(feed, 0))
  expect(await feed.rows()).toEqual(['1=Ada', '2=Bo'])
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['1=final'])
  expect(await soundness(feed)).toEqual([])
})

test('back across a truncate, which is undone: the changes before it have to be there', async () => {
  const feed = await fedTable('truncated')
  await resolveTable(feed.lake, feed.engine, TABLE, { kind: 'truncate', reason: 'x' })
  expect((await plan(feed, 0)).again).toHaveLength(2)
  await rm(join(feed.folder, 'landing', keyOf('20260301-101500000')))
  await expect(plan(feed, 0)).rejects.toMatchObject({ code: 'RESTORE_FILES_LEFT' })
  await restoreTable(systemClock, await plan(feed, 1))
  await feed.ingest()
  expect(await feed.rows()).toEqual(['1=Ada L.', '3=bad'])
})

test('a file that an earlier restore brought in again is asked for once, and not when the version knows it', async () => {
  const feed = await fedTable('twice')
  await restoreTable(systemClock, await plan(feed, 0))
  await feed.ingest()
  await rm(join(feed.folder, 'landing', keyOf('20260301-101500000')))
  expect((await plan(feed, 1)).again).toEqual([keyOf('20260301-101600000')])
})

test('a released table stays released: its old ledger knows nothing of what came between', async () => {
  const feed = await fedTable('released')
  await releaseTable(systemClock, TABLE, await feed.snapshot())
  await restoreTable(systemClock, await plan(feed, 0))
  const restored = await feed.snapshot()
  expect([await feed.rows(), stateOf(restored)]).toEqual([['1=Ada', '2=Bo'], undefined])
  expect(await feed.ingest()).toBe('TABLE_NOT_OURS')
})

test('a table of ours is not restored by its path, nor without its sidecars', async () => {
  const feed = await fedTable('refused')
  await expect(plan(feed, 0, false)).rejects.toMatchObject({ code: 'RESTORE_NEEDS_PROJECT' })
  const state = stateOf(await feed.snapshot(0))
  const [segment] = state === undefined ? [] : segmentsOf(state)
  const current = await feed.snapshot()
  const named = stateOf(current)
  await rm(join(feed.folder, 'lake/shop/orders', segment?.path ?? ''))
  expect(named?.ledger.length).toBeGreaterThan(0)
  await expect(plan(feed, 0)).rejects.toMatchObject({ code: 'RESTORE_SIDECARS_GONE' })
})
