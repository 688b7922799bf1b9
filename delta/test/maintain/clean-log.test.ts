import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { writeCheckpoint } from '../../src/maintain/checkpoint.ts'
import { cleanLog, planCleanup } from '../../src/maintain/clean-log.ts'
import { writeCheckpointFile } from '../log/log-builder.ts'
import { createTestTable, schemaOf, type TestTable, workshop } from '../read/table.ts'
import { daysLater } from './clocks.ts'

let shop: Awaited<ReturnType<typeof workshop>>
beforeAll(async () => {
  shop = await workshop()
})
afterAll(() => shop.close())

const DAY = 86_400_000
const name = (version: number, rest: string): string => `_delta_log/${String(version).padStart(20, '0')}${rest}`
/** A file of the log, written on a day. */
const on = (day: number, path: string) => ({ path, sizeBytes: 1, modifiedMs: day * DAY + 1 })
const commits = (days: readonly number[]) => days.map((day, version) => on(day, name(version, '.json')))
const NO_LIMITS = { keepVersions: [], protectedBefore: 0 }

test('the newest checkpoint at or before the cutoff stays, with its commit and all that follows', () => {
  const log = [
    ...commits([1, 2, 3, 4, 5, 6]),
    on(1, name(0, '.crc')),
    on(2, name(1, '.checkpoint.parquet')),
    on(4, name(3, '.checkpoint.0000000001.0000000001.parquet')),
    on(6, name(5, '.checkpoint.parquet')),
    on(4, `_delta_log/${'2'.padStart(20, '0')}.${'3'.padStart(20, '0')}.compacted.json`),
    on(1, '_delta_log/_last_checkpoint'),
    on(1, '_delta_log/notes.txt'),
  ]
  const plan = planCleanup(log, { ...NO_LIMITS, cutoffMs: 5 * DAY })
  expect(plan).toEqual({
    firstVersion: 3,
    paths: [
      name(0, '.json'),
      name(1, '.json'),
      name(2, '.json'),
      name(0, '.crc'),
      name(1, '.checkpoint.parquet'),
      `_delta_log/${'2'.padStart(20, '0')}.${'3'.padStart(20, '0')}.compacted.json`,
    ],
  })
})

test('without a whole checkpoint that is old enough nothing goes', () => {
  const young = [...commits([1, 2, 30]), on(30, name(2, '.checkpoint.parquet'))]
  const torn = [...commits([1, 2, 3]), on(2, name(1, '.checkpoint.0000000001.0000000002.parquet'))]
  const empty = [...commits([1, 2, 3]), { ...on(2, name(1, '.checkpoint.parquet')), sizeBytes: 0 }]
  for (const log of [young, torn, empty])
    expect(planCleanup(log, { ...NO_LIMITS, cutoffMs: 10 * DAY })).toEqual({ firstVersion: undefined, paths: [] })
})

test('a clock that goes back makes no commit older than the one before it', () => {
  const log = [...commits([1, 9, 2, 3]), on(3, name(2, '.checkpoint.parquet'))]
  expect(planCleanup(log, { ...NO_LIMITS, cutoffMs: 5 * DAY }).firstVersion).toBeUndefined()
})

test('pinned versions stay readable, and protected ones go all at once or not at all', () => {
  const log = [
    ...commits([1, 2, 3, 4, 5, 6]),
    on(3, name(2, '.checkpoint.parquet')),
    on(5, name(4, '.checkpoint.parquet')),
  ]
  const first = (limits: object) => planCleanup(log, { ...NO_LIMITS, cutoffMs: 20 * DAY, ...limits }).firstVersion
  expect([first({}), first({ keepVersions: [3, 5] }), first({ keepVersions: [1] })]).toEqual([4, 2, undefined])
  expect([first({ protectedBefore: 4 }), first({ protectedBefore: 5 })]).toEqual([4, undefined])
})

async function tableOf(path: string, configuration: Readonly<Record<string, string>> = {}): Promise<TestTable> {
  const table = await createTestTable(shop.engine, join(shop.folder, path), schemaOf([['id', 'long']]))
  const { metadata } = await table.snapshot()
  await table.commit([{ metaData: { ...metadata, configuration: { ...metadata.configuration, ...configuration } } }])
  for (const id of [1, 2, 3]) await table.append(`SELECT ${id} AS id`)
  await writeCheckpoint(shop.engine, systemClock, await table.snapshot())
  await table.append('SELECT 4 AS id')
  return table
}

async function listLog({ store }: TestTable): Promise<readonly string[]> {
  return (await Array.fromAsync(store.list('_delta_log/'))).map(({ path }) => path.slice('_delta_log/'.length))
}

test('what is older than the retention leaves the log, and the table reads as before', async () => {
  const table = await tableOf('cleaned')
  const before = await listLog(table)
  expect((await cleanLog(daysLater(29), await table.snapshot())).paths).toEqual([])
  expect(await listLog(table)).toEqual(before)
  // A commit of today, and all others a month old.
  const cleaned = await cleanLog(daysLater(32), await table.snapshot())
  expect(cleaned.firstVersion).toBe(4)
  expect(await listLog(table)).toEqual([
    `${'4'.padStart(20, '0')}.checkpoint.parquet`,
    `${'4'.padStart(20, '0')}.json`,
    `${'5'.padStart(20, '0')}.json`,
    '_last_checkpoint',
  ])
  expect((await table.rows()).map(({ id }) => id).sort()).toEqual([1n, 2n, 3n, 4n])
  expect(await table.rows({ version: 4 })).toHaveLength(3)
})

test('a table that wants its log whole keeps it, and one with a short retention loses it sooner', async () => {
  const kept = await tableOf('kept', { 'delta.enableExpiredLogCleanup': 'false' })
  expect((await cleanLog(daysLater(400), await kept.snapshot())).paths).toEqual([])
  const short = await tableOf('short', { 'delta.logRetentionDuration': 'interval 2 days' })
  expect((await cleanLog(daysLater(4), await short.snapshot())).firstVersion).toBe(4)
})

test('sidecars that no checkpoint names go after a day, and none while a checkpoint cannot be read', async () => {
  const table = await tableOf('sidecars')
  const checkpoint = name(4, '.checkpoint.00000000-0000-0000-0000-000000000001.parquet')
  await writeCheckpointFile(table.store, checkpoint, [{ sidecar: { path: 'named.parquet', sizeInBytes: 1 } }])
  for (const sidecar of ['named', 'lost'])
    await table.store.write(`_delta_log/_sidecars/${sidecar}.parquet`, new Uint8Array(1))
  await table.store.write(name(4, '.checkpoint.00000000-0000-0000-0000-000000000002.parquet'), new Uint8Array(9))
  const isSidecar = (path: string) => path.includes('_sidecars')
  expect((await cleanLog(daysLater(32), await table.snapshot())).paths.filter(isSidecar)).toEqual([])
  await table.store.delete(name(4, '.checkpoint.00000000-0000-0000-0000-000000000002.parquet'))
  await table.append('SELECT 5 AS id')
  await writeCheckpoint(shop.engine, systemClock, await table.snapshot())
  await cleanLog(daysLater(0.5), await table.snapshot())
  expect((await listLog(table)).filter(isSidecar)).toHaveLength(2)
})

test('a log compaction is no checkpoint: the commits before it stay', () => {
  const log = [
    ...commits([1, 2, 3, 4]),
    on(3, `_delta_log/${'1'.padStart(20, '0')}.${'2'.padStart(20, '0')}.compacted.json`),
  ]
  expect(planCleanup(log, { ...NO_LIMITS, cutoffMs: 10 * DAY })).toEqual({ firstVersion: undefined, paths: [] })
})
