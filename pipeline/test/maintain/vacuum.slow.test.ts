// Worth its seconds: a checkpoint, merged segments and a cleaned log need more than ten commits.
import { type Clock, cleanLog, commit, scanSql, systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { rowLife } from '../../src/inspect/row.ts'
import { keepLog } from '../../src/maintain/log-upkeep.ts'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import { pinPlaceOf, pinVersion, readPins, unpin } from '../../src/maintain/pins.ts'
import { segmentsOf, stateOf } from '../../src/maintain/sidecars.ts'
import { planTableVacuum, vacuumTable } from '../../src/maintain/vacuum-table.ts'
import { placeColumns } from '../../src/upsert/locate.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { type Feed, openFeed, TABLE } from './feed.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

function daysLater(days: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + days * 86_400_000 }
}

/** Eleven commits: a load and ten change files, so that there is a checkpoint at version 10 and ledger segments were merged. */
async function fedTable(name: string): Promise<Feed> {
  const feed = await openFeed(workplace, name)
  await feed.put('LOAD00000001', ['I,1,Ada', 'I,2,Bo'])
  await feed.ingest()
  for (let minute = 10; minute < 20; minute++) {
    await feed.put(`20260301-10${minute}00000`, [`U,1,Ada ${minute}`, `I,${minute},new`])
    await feed.ingest()
  }
  return feed
}

async function sidecars({ lake }: Feed): Promise<readonly string[]> {
  return (await Array.fromAsync(lake.tableStore(TABLE).list('_tributary/'))).map(({ path }) => path)
}

const placeOf = (feed: Feed) => ({ root: feed.lake.root, table: TABLE })

async function vacuumLater(feed: Feed, days: number) {
  const snapshot = await feed.snapshot()
  const plan = await planTableVacuum(daysLater(days), { snapshot, place: placeOf(feed) })
  await vacuumTable(snapshot, plan)
  return plan
}

test('sidecars that a version in the log names stay, and go with the log', async () => {
  const feed = await fedTable('sidecars')
  const stray = '_tributary/ledger/stray.ndjson'
  await feed.lake.tableStore(TABLE).write(stray, new Uint8Array(2))
  const before = await sidecars(feed)
  const first = await vacuumLater(feed, 8)
  expect(first.sidecars.map(({ path }) => path)).toEqual([stray])
  await keepLog(feed.engine, daysLater(40), await feed.snapshot(), placeOf(feed))
  await vacuumLater(feed, 40)
  const state = stateOf(await feed.snapshot())
  const named = state === undefined ? [] : segmentsOf(state).map(({ path }) => path)
  expect(await sidecars(feed)).toEqual(named.toSorted())
  expect(before.length).toBeGreaterThan(named.length + 1)
  expect((await checkTable(feed.engine, feed.lake.tableStore(TABLE), { key: ['id'] })).findings).toEqual([])
})

test('a pinned version outlives vacuum and log cleanup, until it is unpinned', async () => {
  const feed = await fedTable('pinned')
  const store = feed.lake.tableStore(TABLE)
  const rows = await feed.rows(3)
  const place = pinPlaceOf(store)
  expect([place.table, place.root.url]).toEqual([TABLE, feed.lake.root.url])
  await pinVersion(systemClock, { store, place }, { version: 3, name: 'training' })
  expect((await readPins(placeOf(feed))).map(({ version, name }) => [version, name])).toEqual([[3, 'training']])
  await feed.put('20260301-103000000', ['D,2,x', 'D,10,x', 'D,11,x'])
  await feed.ingest()
  await keepLog(feed.engine, daysLater(40), await feed.snapshot(), placeOf(feed))
  expect((await vacuumLater(feed, 40)).pins).toEqual(['training'])
  expect(await feed.rows(3)).toEqual(rows)
  const pinned = stateOf(await feed.snapshot(3))
  const left = await sidecars(feed)
  expect((pinned === undefined ? [] : segmentsOf(pinned)).filter(({ path }) => !left.includes(path))).toEqual([])
  await unpin(place, { name: 'training' })
  expect((await vacuumLater(feed, 40)).files.length).toBeGreaterThan(0)
  await cleanLog(daysLater(40), await feed.snapshot())
  await expect(feed.rows(3)).rejects.toMatchObject({ code: 'VERSION_EXPIRED' })
})

test('a pin has a name of a file, does not move, and must be of a version that can be read', async () => {
  const feed = await fedTable('pins')
  const parts = { store: feed.lake.tableStore(TABLE), place: placeOf(feed) }
  await pinVersion(systemClock, parts, { version: 1, name: 'a' })
  const codeOf = (version: number, name: string) =>
    pinVersion(systemClock, parts, { version, name }).then(
      () => 'pinned',
      (error) => error.code,
    )
  expect([await codeOf(2, 'a'), await codeOf(2, '../a'), await codeOf(99, 'b')]).toEqual([
    'PIN_EXISTS',
    'PIN_NAME_INVALID',
    'VERSION_NOT_FOUND',
  ])
  await expect(unpin(parts.place, { name: 'a', version: 2 })).rejects.toMatchObject({ code: 'PIN_NOT_FOUND' })
  await parts.place.root.write('_tributary/pins/shop.orders/torn.json', new Uint8Array(1))
  await expect(vacuumLater(feed, 8)).rejects.toMatchObject({ code: 'PIN_CORRUPT' })
})

test('sidecars stay that only the checkpoint of the first commit names', async () => {
  const feed = await openFeed(workplace, 'checkpoint')
  for (let minute = 10; minute < 20; minute++) {
    await feed.put(`20260301-10${minute}00000`, [`D,${minute},x`])
    await feed.ingest()
  }
  const store = feed.lake.tableStore(TABLE)
  // Version 10 is somebody else's commit, so that its own JSON names no sidecar.
  await commit(store, systemClock, { readVersion: 9, actions: [], info: { operation: 'OTHER' } })
  await keepLog(feed.engine, systemClock, await feed.snapshot(), placeOf(feed))
  const named = stateOf(await feed.snapshot(10))?.tombstones.map(({ path }) => path)
  await resolveTable(feed.lake, feed.engine, TABLE, { kind: 'truncate', reason: 'x' })
  await cleanLog(daysLater(40), await feed.snapshot())
  await vacuumLater(feed, 8)
  expect(named?.length).toBeGreaterThan(0)
  expect(await sidecars(feed)).toEqual(expect.arrayContaining([...(named ?? [])]))
})

test('an optimized table of ours is sound, and its rows know where they came from', async () => {
  const feed = await fedTable('optimized')
  const rows = await feed.rows()
  const snapshot = await feed.snapshot()
  const done = await optimizeTable({ engine: feed.engine, clock: systemClock }, { snapshot, place: placeOf(feed) }, {})
  expect([done.filesAdded, done.filesLeft]).toEqual([1, 0])
  expect(await feed.rows()).toEqual(rows)
  expect((await checkTable(feed.engine, feed.lake.tableStore(TABLE), { key: ['id'] })).findings).toEqual([])
  const fork = await feed.engine.fork()
  const life = await rowLife(fork, feed.lake.tableStore(TABLE), '1', { key: ['id'] })
  const places = await scanSql(fork, await feed.snapshot(), { columns: ['id'], extraColumns: placeColumns })
  expect(await fork.all(`SELECT "__file" AS file, "__row"::INTEGER AS row FROM (${places}) WHERE id = 1`)).toEqual([
    { file: 'shop/orders/20260301-101900000.csv', row: 1 },
  ])
  await fork.close()
  expect(JSON.stringify(life)).toContain('20260301-101900000.csv')
  await feed.put('20260301-103000000', ['U,1,after', 'D,10,x'])
  expect(await feed.ingest()).toBeUndefined()
  expect(await feed.rows()).toEqual(['1=after', ...rows.filter((row) => !/^(1|10)=/.test(row))])
})
