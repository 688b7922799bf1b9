// Worth its seconds: upkeep runs beside batches, in every user's table, and must never show in its rows.
import { join } from 'node:path'
import { readChanges, type Store, systemClock, TributaryError } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { explainCommit } from '../../src/inspect/explain.ts'
import { rowLife } from '../../src/inspect/row.ts'
import { takeMessages } from '../../src/lambda/take-messages.ts'
import { planUpkeep } from '../../src/maintain/plan-upkeep.ts'
import { tableOrder } from '../../src/maintain/table-order.ts'
import { planTableVacuum } from '../../src/maintain/vacuum-table.ts'
import { spareTime } from '../../src/worker/keep-tables.ts'
import { batchPace } from '../../src/worker/room.ts'
import { tableFolders } from '../../src/worker/table-folders.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { CONFIG, openFeed, TABLE } from '../support/feed.ts'
import { randomFrom } from '../support/random.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

test('an ingest that ends leaves eight small files merged: rows, their places and the change feed are as if it had not', async () => {
  const feed = await openFeed(workplace, 'ends')
  for (let batch = 1; batch <= 8; batch++) await feed.ingest([`I,${batch},first`, `U,${batch - 1},again`])
  expect(await feed.operations()).toEqual([...Array(8).fill('UPSERT'), 'OPTIMIZE'])
  const snapshot = await feed.snapshot()
  expect(snapshot.files).toHaveLength(1)
  expect(feed.events.flatMap((event) => (event.kind === 'kept' ? [event] : []))).toMatchObject([
    { table: TABLE, version: 8, filesAdded: 1 },
  ])
  expect(await feed.rows()).toEqual([...[0, 1, 2, 3, 4, 5, 6, 7].map((id) => `${id}=again`), '8=first'])
  const life = await rowLife(workplace.engine, snapshot.store, '3')
  expect(JSON.stringify(life)).toContain(feed.fileOf(4))
  const changes = await Array.fromAsync(
    readChanges(workplace.engine, snapshot.store, { fromVersion: 8, toVersion: 8, key: ['id'] }),
  )
  expect(changes).toEqual([])
  expect((await checkTable(workplace.engine, snapshot.store)).findings).toEqual([])
})

test('a table with upkeep: off is left to those who look after it', async () => {
  const feed = await openFeed(workplace, 'off', { config: CONFIG.replace('key: [id]', 'key: [id], upkeep: off') })
  for (let batch = 1; batch <= 9; batch++) await feed.ingest([`I,${batch},x`])
  expect(await feed.operations()).toEqual(Array(9).fill('UPSERT'))
})

test.each([
  { name: 'with a key index', index: true, seed: 1 },
  { name: 'without one', index: false, seed: 2 },
])('batches that go on while files are rewritten, $name, lose no race and no row', async ({ name, index, seed }) => {
  const cache = { index: { folder: join(workplace.folder, 'cache'), scannedRowsMax: 0 } }
  const feed = await openFeed(workplace, name, index ? { lake: cache } : {})
  const random = randomFrom(seed)
  const expected = new Map<number, string>()
  const upkeep = spareTime()
  const options = { sessions: new Map<string, TableSession>(), upkeep }
  for (let batch = 1; batch <= 60; batch++) {
    const ids = new Set(Array.from({ length: random.int(1, 12) }, () => random.int(1, 400)))
    const lines = [...ids].map((id) => {
      const op = !expected.has(id) ? 'I' : random.chance(0.25) ? 'D' : 'U'
      if (op === 'D') expected.delete(id)
      else expected.set(id, `b${batch}`)
      return `${op},${id},b${batch}`
    })
    await feed.ingest(lines, options)
    expect(await feed.rows(), `after batch ${batch}`).toEqual(rowsIn(expected))
  }
  await upkeep.settled()
  expect(await feed.rows()).toEqual(rowsIn(expected))
  for (const session of options.sessions.values()) await session.index?.building
  const operations = await feed.operations()
  expect(operations.filter((operation) => operation === 'OPTIMIZE').length).toBeGreaterThan(4)
  const last = await explainCommit(
    { name: TABLE, store: (await feed.snapshot()).store, upkeep: true },
    { version: operations.lastIndexOf('UPSERT') },
  )
  expect(last.find?.by, 'a rewrite leaves the index in use').toBe(index ? 'key index' : 'scan')
  const snapshot = await feed.snapshot()
  expect(planUpkeep(snapshot, { order: tableOrder(snapshot), bytesMax: 2 ** 29 }).pieces).toEqual([])
  expect((await checkTable(workplace.engine, snapshot.store)).findings).toEqual([])
})

test('a rewrite follows a batch of another process that came in between: what that updated and deleted stays so', async () => {
  const feed = await openFeed(workplace, 'between')
  const sessions = new Map<string, TableSession>()
  const upkeep = spareTime()
  for (let batch = 1; batch <= 8; batch++)
    await feed.ingest([`I,${batch},x`, `I,${batch + 100},x`], { sessions, upkeep })
  // The rewrite is under way, and cannot commit yet.
  const end = await sessions.get(TABLE)?.turns.take()
  await feed.ingest(['U,3,y', 'D,5,y', 'D,6,y', 'D,106,y'], { upkeep: { offer: () => undefined } })
  end?.()
  await upkeep.settled()
  expect((await feed.operations()).slice(7)).toEqual(['UPSERT', 'UPSERT', 'OPTIMIZE'])
  const left = [1, 2, 3, 4, 7, 8].map((id) => `${id}=${id === 3 ? 'y' : 'x'}`)
  expect(await feed.rows()).toEqual([...left, ...[101, 102, 103, 104, 105, 107, 108].map((id) => `${id}=x`)])
  expect((await feed.snapshot()).files).toHaveLength(2)
})

test('processes that take in and rewrite the same table at the same time lose no row', async () => {
  const feed = await openFeed(workplace, 'race')
  const random = randomFrom(3)
  const expected = new Map<number, string>()
  const worker = { sessions: new Map(), upkeep: spareTime() }
  for (let batch = 1; batch <= 40; batch++) {
    const ids = new Set(Array.from({ length: random.int(1, 12) }, () => random.int(1, 300)))
    for (const id of ids) expected.set(id, `b${batch}`)
    await feed.put([...ids].map((id) => `U,${id},b${batch}`))
    // Whoever is first takes the file in; both then look for files to merge, the worker while the next file comes.
    for (const { tables } of await Promise.all([worker, {}].map((options) => feed.take(options))))
      expect(tables.map(({ stopped }) => stopped)).toEqual([null])
    expect(await feed.rows(), `after batch ${batch}`).toEqual(rowsIn(expected))
  }
  await worker.upkeep.settled()
  expect(await feed.rows()).toEqual(rowsIn(expected))
  const operations = await feed.operations()
  expect(operations.filter((operation) => operation === 'UPSERT')).toHaveLength(40)
  expect(operations.filter((operation) => operation === 'OPTIMIZE').length).toBeGreaterThan(3)
  expect((await checkTable(workplace.engine, (await feed.snapshot()).store)).findings).toEqual([])
})

test('a function merges files when its time allows it, and leaves that to a later call when it does not', async () => {
  const feed = await openFeed(workplace, 'function')
  const { lake } = feed
  const parts = { lake, engine: workplace.engine, folders: tableFolders(lake), sessions: new Map() }
  const call = async (batch: number, remainingMs: number): Promise<void> => {
    await feed.put([`I,${batch},x`])
    const room = {
      memoryBytes: 1e9,
      diskBytes: 1e9,
      wholeMs: 900_000,
      remainingMs: () => remainingMs,
      pace: batchPace(),
    }
    const place = { bucket: 'b', prefix: '' }
    const { left, faults } = await takeMessages({ ...parts, place }, { kind: 'sweep' }, { room })
    expect({ left, faults }).toEqual({ left: [], faults: [] })
  }
  for (let batch = 1; batch <= 8; batch++) await call(batch, 24_000)
  expect(await feed.operations()).toEqual(Array(8).fill('UPSERT'))
  await call(9, 60_000)
  expect((await feed.operations()).slice(8)).toEqual(['UPSERT', 'OPTIMIZE'])
})

test('upkeep that is cut off before its commit loses no row, and what it wrote is found by vacuum', async () => {
  const feed = await openFeed(workplace, 'cut', {
    lake: {
      wrapStore: (store, what) => (what === 'table' ? refusing(store, (text) => text.includes('"OPTIMIZE"')) : store),
    },
  })
  for (let batch = 1; batch <= 8; batch++) await feed.ingest([`I,${batch},x`])
  expect(feed.events.filter(({ kind }) => kind === 'warning')).toMatchObject([
    { message: expect.stringContaining('its files could not be rewritten: ') },
  ])
  expect(await feed.operations()).toEqual(Array(8).fill('UPSERT'))
  expect(await feed.rows()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `${id}=x`))
  const later = { ...systemClock, now: () => systemClock.now() + 8 * 86_400_000 }
  const plan = await planTableVacuum(later, {
    snapshot: await feed.snapshot(),
    place: { root: feed.lake.root, table: TABLE },
  })
  expect(plan.files.map(({ path }) => path)).toEqual([expect.stringMatching(/\.parquet$/)])
})

test('after 200 commits a table opens from one checkpoint and ten commits at most, and its files are few', async () => {
  const feed = await openFeed(workplace, 'long')
  const options = { sessions: new Map(), upkeep: spareTime() }
  for (let batch = 1; batch <= 200; batch++) {
    await feed.ingest([`I,${batch},x`, `U,${1 + ((batch * 7) % batch)},y`], options)
    await options.upkeep.settled()
  }
  const snapshot = await feed.snapshot()
  const names = (await Array.fromAsync(snapshot.store.list('_delta_log/'))).map(({ path }) => path)
  const checkpoint = Math.max(...names.flatMap((path) => Number(/(\d{20})\.checkpoint/.exec(path)?.[1] ?? -1)))
  expect(snapshot.version - checkpoint).toBeLessThanOrEqual(10)
  // Three tiers hold 200 rows.
  expect(snapshot.files.length).toBeLessThanOrEqual(3 * 7)
})

/** A store that is out of reach for some commits, as for a process that is killed there. */
function refusing(store: Store, isRefused: (text: string) => boolean): Store {
  return {
    ...store,
    locate: (path) => store.locate(path),
    create: async (path, bytes) => {
      if (path.startsWith('_delta_log/') && isRefused(Buffer.from(bytes).toString()))
        throw new TributaryError('unavailable', 'STORE_FAILED', 'the disk is gone. A test did this.')
      return store.create(path, bytes)
    },
  }
}

function rowsIn(expected: ReadonlyMap<number, string>): readonly string[] {
  return [...expected].toSorted(([a], [b]) => a - b).map(([id, note]) => `${id}=${note}`)
}
