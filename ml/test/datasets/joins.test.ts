// The joins that read no history of a live table, loads, and what verify says when the sources give other rows.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteText, type Row } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import {
  buildDataset,
  explainRow,
  type Manifest,
  parseDefinition,
  verdictText,
  verifyDataset,
} from '../../src/index.ts'
import { type Change, createIn, type TestLake, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
const at = (minute: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString()

const asks: TestTable = {
  name: 's.asks',
  key: ['ask'],
  columns: { ask: 'long', shop: 'string', t: 'timestamp' },
  changes: [10, 20, 30].map(
    (minute): Change => ({
      op: 'I',
      sourceAt: at(minute),
      values: { ask: BigInt(minute), shop: 'a', t: at(minute) },
    }),
  ),
}
const shops: TestTable = {
  name: 's.shops',
  key: ['shop'],
  columns: { shop: 'string', city: 'string', founded: 'date' },
  changes: [
    { op: 'L', sourceAt: at(25), values: { shop: 'a', city: 'Ulm' } },
    { op: 'U', sourceAt: at(28), batch: 1, values: { shop: 'a', city: 'Bonn' } },
    { op: 'I', sourceAt: at(60), batch: 2, values: { shop: 'b', city: 'Kiel' } },
  ],
}
const SPINE = `dataset: asks
spine: {sql: 'SELECT ask, shop, t AS "at" FROM s.asks', key: [ask], at: at}
`

let lake: TestLake
beforeAll(async () => {
  lake = await writeLake(engine(), await fresh(), [asks, shops])
  const served = await createIn(engine(), lake.folder, 'features.busy__history', {
    shop: 'string',
    orders: 'long',
    __served_at: 'timestamp',
  })
  await served.append([
    { shop: 'a', orders: 1n, __served_at: at(5) },
    { shop: 'a', orders: 2n, __served_at: at(20) },
  ])
  const steady = await createIn(engine(), lake.folder, 'features.steady__history', {
    shop: 'string',
    orders: 'long',
    __served_at: 'timestamp',
    __version: 'long',
    __op: 'string',
    __as_of: 'timestamp',
  })
  const refresh = (minute: number, version: bigint) => ({
    __served_at: at(minute),
    __version: version,
    __op: 'R',
    __as_of: at(minute - 1),
  })
  await steady.append([
    { shop: 'a', orders: 1n, __served_at: at(1), __version: 0n, __op: 'I', __as_of: at(0) },
    refresh(1, 0n),
    refresh(9, 1n),
    refresh(19, 2n),
  ])
}, 30_000)

async function build(text: string): Promise<Manifest> {
  const outcome = await buildDataset(lake.lake, engine(), parseDefinition(SPINE + text, 'asks.yml'))
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.findings))
  return outcome.manifest
}

async function rowsOf({ name, id }: Manifest): Promise<readonly Row[]> {
  const files = join(lake.folder, 'lake/_datasets', name, id, 'all/*.parquet')
  return engine().all(`SELECT * FROM read_parquet(${quoteText(files)}) ORDER BY ask`)
}

test('a stored feature gives what was served at the time, and forgets what is too old', async () => {
  const manifest = await build(
    'features:\n  - feature: {name: busy, on: [shop]}\n  - feature: {name: busy, on: [shop], max_age: 5m, as: brisk}\n  - asof: {table: s.shops, on: [shop], select: [city]}\n',
  )
  expect((await rowsOf(manifest)).map(({ busy_orders, brisk_orders }) => [busy_orders, brisk_orders])).toEqual([
    [1n, 1n],
    [2n, 2n],
    [2n, null],
  ])
})

test('a window by dates, which name no moment, says that it takes them for UTC', async () => {
  const { guards } = await build(
    'features:\n  - window: {table: s.shops, on: [shop], time: founded, over: 7d, agg: {n: count}, as: new}\n',
  )
  expect(guards.find(({ guard }) => guard === 'time_zone')).toEqual({
    guard: 'time_zone',
    outcome: 'warned',
    message: 'founded of s.shops names no moment: new takes it for UTC',
  })
})

test('a value that a refresh found unchanged is as old as that refresh', async () => {
  const feature = (minutes: number) => `feature: {name: steady, on: [shop], max_age: ${minutes}m, as: up_to_${minutes}}`
  const known = 'asof: {table: s.shops, on: [shop], select: [city]}'
  const manifest = await build(`features:\n  - ${[...[1, 2, 11, 12].map(feature), known].join('\n  - ')}\n`)
  // Asked at 10, 20 and 30; served as of 8 and 18.
  expect((await rowsOf(manifest)).map((row) => [1, 2, 11, 12].map((age) => row[`up_to_${age}_orders`]))).toEqual([
    [null, 1n, 1n, 1n],
    [null, 1n, 1n, 1n],
    [null, null, null, 1n],
  ])
  const stats = JSON.parse(
    await readFile(join(lake.folder, 'lake/_datasets', manifest.name, manifest.id, manifest.stats), 'utf8'),
  )
  expect(stats.splits.all.ages.up_to_12).toMatchObject({ matched: 3, min: 120, median: 120, max: 720 })
  const { features } = await explainRow(lake.lake, engine(), manifest, '30')
  expect(features.slice(0, 4).map(({ feature: name, count }) => [name, count])).toEqual([
    ['up_to_1', 0],
    ['up_to_2', 0],
    ['up_to_11', 0],
    ['up_to_12', 1],
  ])
})

test('a loaded row is known from the load on, or all the time where the load is trusted', async () => {
  const features = 'features:\n  - asof: {table: s.shops, on: [shop], select: [city]}\n'
  expect((await rowsOf(await build(features))).map((row) => row['shops_city'])).toEqual([null, null, 'Bonn'])
  const trusted = await build(`known_at: {trust_load: true}\n${features}`)
  expect((await rowsOf(trusted)).map((row) => row['shops_city'])).toEqual(['Ulm', 'Ulm', 'Bonn'])
})

test('a current join reads the table as it is, and the manifest warns of it', async () => {
  const manifest = await build('features:\n  - current: {table: s.shops, on: [shop], select: [city]}\n')
  expect((await rowsOf(manifest)).map((row) => row['shops_city'])).toEqual(['Bonn', 'Bonn', 'Bonn'])
  expect(manifest.guards.find(({ guard }) => guard === 'current')).toMatchObject({ outcome: 'warned' })
})

test('verify names the keys of rows that the sources give differently', async () => {
  const manifest = await build('')
  // For 20 this is NULL, as if the source said something else today.
  const yaml = manifest.spec.yaml.replace('ask, shop', 'ask, nullif(shop, chr(97 + (ask <> 20)::INT)) AS shop')
  const verdict = await verifyDataset(lake.lake, engine(), { ...manifest, spec: { ...manifest.spec, yaml } })
  expect(verdictText(verdict)).toBe('ROWS DIFFER (keys 20)')
})

test('a spine with two rows of one key, or with times of no zone, is refused', async () => {
  const refused = (sql: string) =>
    buildDataset(
      lake.lake,
      engine(),
      parseDefinition(`dataset: asks\nspine: {sql: ${JSON.stringify(sql)}, key: [shop], at: at}\n`, 'asks.yml'),
    )
  await expect(refused('SELECT shop, t AS "at" FROM s.asks')).rejects.toThrow(
    'The spine of asks cannot be used: 3 rows have the key a. One row is one example: add the columns that tell them apart to spine.key.',
  )
  await expect(refused(`SELECT shop, t AT TIME ZONE 'UTC' AS "at" FROM s.asks`)).rejects.toThrow(
    "The spine of asks cannot be used: its time at is TIMESTAMP, which names no moment. Make it one in the zone that is meant: CAST(… AS TIMESTAMPTZ), or … AT TIME ZONE 'UTC'.",
  )
  await expect(refused(`SELECT shop, now() AS "at" FROM s.asks`)).rejects.toThrow(
    'The spine of asks cannot be used: its SQL has the function now. Write :until, the end of the data.',
  )
})
