// Worth its seconds: upkeep runs beside batches, in every user's table, and must never show in its rows.
import { join } from 'node:path'
import {
  commitInfoOf,
  readChanges,
  readCommits,
  type Store,
  scanSql,
  systemClock,
  TributaryError,
} from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { rowLife } from '../../src/inspect/row.ts'
import { planUpkeep } from '../../src/maintain/plan-upkeep.ts'
import { planTableVacuum } from '../../src/maintain/vacuum-table.ts'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import { spareTime } from '../../src/worker/keep-tables.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { IngestEvent, IngestOptions } from '../../src/worker/run.ts'
import { randomFrom } from '../support/random.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

const TABLE = 'shop.orders'
const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.orders: {key: [id], columns: {id: long, note: string}}
`

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

test('an ingest that ends leaves eight small files merged: rows, their places and the change feed are as if it had not', async () => {
  const feed = await openFeed('ends')
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
  const feed = await openFeed('off', { config: CONFIG.replace('key: [id]', 'key: [id], upkeep: off') })
  for (let batch = 1; batch <= 9; batch++) await feed.ingest([`I,${batch},x`])
  expect(await feed.operations()).toEqual(Array(9).fill('UPSERT'))
})

test.each([
  { name: 'with a key index', index: true, seed: 1 },
  { name: 'without one', index: false, seed: 2 },
])('batches that go on while files are rewritten, $name, lose no race and no row', async ({ name, index, seed }) => {
  const cache = { index: { folder: join(workplace.folder, 'cache'), scannedRowsMax: 0 } }
  const feed = await openFeed(name, index ? { lake: cache } : {})
  const random = randomFrom(seed)
  const expected = new Map<number, string>()
  const upkeep = spareTime()
  const options = { sessions: new Map(), upkeep }
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
  const operations = await feed.operations()
  expect(operations.filter((operation) => operation === 'OPTIMIZE').length).toBeGreaterThan(4)
  const snapshot = await feed.snapshot()
  expect(planUpkeep(snapshot).pieces).toEqual([])
  expect((await checkTable(workplace.engine, snapshot.store)).findings).toEqual([])
})

test('upkeep that is cut off before its commit loses no row, and what it wrote is found by vacuum', async () => {
  const feed = await openFeed('cut', {
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
  const feed = await openFeed('long')
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

interface Feed {
  readonly lake: Lake
  readonly events: readonly IngestEvent[]
  readonly ingest: (lines: readonly string[], options?: IngestOptions) => Promise<void>
  readonly fileOf: (batch: number) => string
  readonly snapshot: () => Promise<NonNullable<Awaited<ReturnType<typeof snapshotOf>>>>
  readonly rows: () => Promise<readonly string[]>
  readonly operations: () => Promise<readonly (string | undefined)[]>
}

async function openFeed(
  name: string,
  options: { readonly config?: string; readonly lake?: Parameters<typeof lakeIn>[2] } = {},
): Promise<Feed> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, options.config ?? CONFIG, options.lake)
  const events: IngestEvent[] = []
  let batches = 0
  const fileOf = (batch: number): string => `20260301-10${String(batch).padStart(4, '0')}000.csv`
  const snapshot = async () => {
    const found = await snapshotOf(lake, TABLE)
    if (found === undefined) throw new Error('the table is not there')
    return found
  }
  return {
    lake,
    events,
    fileOf,
    snapshot,
    ingest: async (lines, more = {}) => {
      batches += 1
      await put(folder, `shop/orders/${fileOf(batches)}`, `${['Op,id,note', ...lines].join('\n')}\n`)
      const summary = await ingest(lake, workplace.engine, { onEvent: (event) => events.push(event), ...more })
      expect(doneOf(summary)).toEqual([[null, 1]])
    },
    rows: async () => {
      const fork = await workplace.engine.fork()
      try {
        const sql = `SELECT id, note FROM (${await scanSql(fork, await snapshot())}) ORDER BY id`
        return (await fork.all(sql)).map(({ id, note }) => `${id}=${note}`)
      } finally {
        await fork.close()
      }
    },
    operations: async () => {
      const found: (string | undefined)[] = []
      const { store, version } = await snapshot()
      for await (const { actions } of readCommits(store, { fromVersion: 0, toVersion: version }))
        found.push(commitInfoOf(actions)?.operation)
      return found
    },
  }
}

function doneOf({ tables }: IngestSummary): readonly unknown[] {
  return tables.map(({ stopped, commits }) => [stopped, commits])
}

function rowsIn(expected: ReadonlyMap<number, string>): readonly string[] {
  return [...expected].toSorted(([a], [b]) => a - b).map(([id, note]) => `${id}=${note}`)
}

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
