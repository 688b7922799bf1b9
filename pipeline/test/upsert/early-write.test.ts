import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, latestVersion, parseStats, readCommits, type Store, scanSql, systemClock } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import {
  deliver,
  deliverAll,
  expectDone,
  type IndexPair,
  indexFolder,
  indexIn,
  openLoadedPair,
  rows,
  TABLE,
  versionOfIndex,
} from '../support/index-pair.ts'
import { lakeIn, put, snapshotOf } from '../support/workplace.ts'

let pair: IndexPair
beforeEach(async () => {
  pair = await openLoadedPair()
})
afterEach(() => pair.place.close())

test('what is written while the index is read is what the batch turns out to need, and is counted the same', async () => {
  // More keys than the index is asked for at once.
  await deliver(pair, '20260101-000000002.csv', [
    ...rows('U', 100, 1400),
    ...rows('D', 1500, 1600),
    ...rows('I', 3001, 3100),
    // Keys that the table does not hold.
    ...rows('D', 5000, 5010),
    ...rows('U', 6000, 6003),
  ])
  // Some keys come more than once, and some are new and changed in one batch.
  await deliver(pair, '20260101-000000003.csv', [
    ...rows('I', 7000, 7020),
    ...rows('U', 7010, 7030),
    ...rows('U', 1, 40),
    ...rows('D', 30, 50),
    ...rows('D', 8000, 8003),
    ...rows('I', 8002, 8002),
  ])
  await deliverAll(pair, {
    '20260101-000000004.csv': [...rows('U', 1, 600), ...rows('D', 9000, 9001)],
    '20260101-000000005.csv': rows('D', 500, 700),
    '20260101-000000006.csv': [...rows('I', 650, 660), ...rows('U', 655, 670)],
  })
  await deliver(pair, '20260101-000000007.csv', rows('D', 1, 3))
  expect(versionOfIndex(pair), 'the index was asked').toBe((await snapshotOf(pair.indexed, TABLE))?.version)
})

test('an index that proves damaged while the batch is written already costs nothing but time', async () => {
  damageLargestRun()
  await deliver(pair, '20260101-000000002.csv', [...rows('U', 1, 900), ...rows('D', 2000, 2010)])
  const added = new Set<string>()
  const store = pair.indexed.tableStore(TABLE)
  for await (const { actions } of readCommits(store, { fromVersion: 0, toVersion: (await latestVersion(store)) ?? 0 }))
    for (const action of actions) if ('add' in action) added.add(action.add.path)
  const onDisk = readdirSync(join(pair.place.folder, 'indexed/lake/shop/orders')).filter((name) =>
    name.endsWith('.parquet'),
  )
  expect(new Set(onDisk), 'every data file is one of the table').toEqual(added)
})

test('an index that proves damaged while tombstones are still being merged costs nothing but time either', async () => {
  for (let number = 2; number < 9; number += 1)
    await deliver(pair, `20260101-00000000${number}.csv`, rows('D', 2000 + number, 2000 + number))
  damageLargestRun()
  const { promise: isReading, resolve: reads } = Promise.withResolvers<void>()
  // The first segment takes until the stored rows are read, or longer than all else.
  const slow = (store: Store): Store => ({
    ...store,
    sync: async (path) => {
      if (path.includes('tombstones')) await Promise.race([isReading, systemClock.sleep(500)])
      return store.sync(path)
    },
  })
  const lake: Lake = { ...pair.indexed, tableStore: (name) => slow(pair.indexed.tableStore(name)) }
  const slowToRead = (engine: Engine): Engine => ({
    ...engine,
    fork: async () => slowToRead(await engine.fork()),
    streamVectors: async function* (sql) {
      for await (const part of engine.streamVectors(sql)) {
        reads()
        await systemClock.sleep(100)
        yield part
      }
    },
  })
  await deliver(pair, '20260101-000000009.csv', [...rows('U', 1, 900), ...rows('D', 2000, 2000)], async () =>
    expectDone(await ingest(lake, slowToRead(pair.place.engine), { sessions: new Map() })),
  )
})

/** Its blocks, not its end: it is found out when it is asked. */
function damageLargestRun(): void {
  const folder = indexFolder(pair)
  const runs = readdirSync(folder).filter((name) => name.endsWith('.run'))
  const [largest] = runs
    .map((name) => ({ path: join(folder, name), bytes: readFileSync(join(folder, name)) }))
    .toSorted((a, b) => b.bytes.length - a.bytes.length)
  if (largest === undefined) throw new Error('the index has runs')
  writeFileSync(largest.path, largest.bytes.fill(0x55, 100, 2000))
}

test('columns may be named as the statements of such a batch name their own', async () => {
  const key = ['f', 'id', 'k', 'part', 'h', 'key_sum']
  const more = ['tag', 'number', 'key', 'rows', 'file', 'i', 'b', 'w', 'note', 'nan', 'first', 'last']
  const names = [...key, ...more]
  const rowsFound: unknown[] = []
  for (const [folder, options] of [
    ['named', indexIn(pair.place)],
    ['unnamed', {}],
  ] as const) {
    const place = join(pair.place.folder, folder)
    const lake = await lakeIn(
      place,
      `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [${key.join(', ')}]\n    columns: {${names.map((name) => `${name}: long`).join(', ')}}\n`,
      options,
    )
    const sessions = new Map<string, TableSession>()
    const take = async (name: string, lines: readonly (readonly [string, number, number])[]): Promise<void> => {
      const text = lines.map(([op, id, value]) =>
        [op, ...names.map((column) => (key.includes(column) ? id : value))].join(','),
      )
      await put(place, `shop/orders/${name}`, `${[['Op', ...names].join(','), ...text].join('\n')}\n`)
      expectDone(await ingest(lake, pair.place.engine, { sessions }))
      for (const { index } of sessions.values()) await index?.building
    }
    await take(
      'LOAD00000001.csv',
      [1, 2, 3, 4, 5].map((id) => ['I', id, 0] as const),
    )
    await take('20260101-000000001.csv', [['U', 1, 1]])
    await take('20260101-000000002.csv', [
      ['U', 2, 2],
      ['D', 3, 2],
      ['I', 6, 2],
      ['U', 6, 3],
      ['D', 9, 2],
    ])
    const snapshot = await snapshotOf(lake, TABLE)
    if (snapshot === undefined) throw new Error('no table')
    const sql = `SELECT * FROM (${await scanSql(pair.place.engine, snapshot)}) ORDER BY ALL`
    rowsFound.push(await pair.place.engine.all(sql))
  }
  expect(rowsFound[0]).toEqual(rowsFound[1])
  expect(rowsFound[0]).toHaveLength(5)
})

test('a batch tells of its rows whether a number of theirs is NaN: then the file that it leaves has no bounds for that column', async () => {
  const place = join(pair.place.folder, 'nan')
  const lake = await lakeIn(
    place,
    `landing: landing\nlake: lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${TABLE}:\n    key: [id]\n    columns: {id: long, a: double, b: double}\n`,
    indexIn(pair.place),
  )
  const sessions = new Map<string, TableSession>()
  const take = async (name: string, lines: readonly string[]): Promise<unknown> => {
    await put(place, `shop/orders/${name}`, `${['Op,id,a,b', ...lines].join('\n')}\n`)
    expectDone(await ingest(lake, pair.place.engine, { sessions }))
    for (const { index } of sessions.values()) await index?.building
    const files = (await snapshotOf(lake, TABLE))?.files.toSorted((x, y) => y.modificationTime - x.modificationTime)
    const { minValues, maxValues, nullCount } = parseStats(files?.[0]?.stats) ?? {}
    return { minValues, maxValues, nullCount }
  }
  await take('LOAD00000001.csv', ['I,1,1,1', 'I,2,1,1'])
  await take('20260101-000000001.csv', ['U,1,2,2'])
  expect(await take('20260101-000000002.csv', ['U,1,2.5,NaN', 'U,2,3.5,', 'I,3,,7'])).toEqual({
    minValues: { id: 1, a: 2.5 },
    maxValues: { id: 3, a: 3.5 },
    nullCount: { id: 0, a: 1, b: 1 },
  })
  expect(await take('20260101-000000003.csv', ['U,1,2.5,4', 'U,2,3.5,'])).toEqual({
    minValues: { id: 1, a: 2.5, b: 4 },
    maxValues: { id: 2, a: 3.5, b: 4 },
    nullCount: { id: 0, a: 0, b: 1 },
  })
})
