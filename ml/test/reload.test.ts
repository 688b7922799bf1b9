// A table that the source loads again between two increments: the feature follows it, and what was known before the reload stays known.
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, type Engine, openEngine, quoteText, type Row, systemClock } from '@tributary/delta'
import { ingest, type Lake, openLake, readConfig } from '@tributary/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clockedStore } from '../../delta/test/store/clocked-store.ts'
import {
  buildDataset,
  checkFeature,
  defineFeature,
  diffDatasets,
  type Manifest,
  parseDefinition,
  refreshFeature,
  verdictText,
  verifyDataset,
} from '../src/index.ts'

const CONFIG = `landing: landing
lake: lake
dms: {AddColumnName: true, IncludeOpForFullLoad: true, TimestampColumnName: ts}
tables:
  shop.orders:
    key: [order_id]
    history: true
    columns: {order_id: long, buyer: string, amount: 'decimal(12,2)'}
  shop.asks:
    key: [ask]
    columns: {ask: long, buyer: string, asked_at: timestamp}
`
const FEATURE = defineFeature({
  name: 'spent',
  entity: ['buyer'],
  sql: 'SELECT buyer, count(*) AS orders, sum(amount) AS total FROM shop.orders GROUP BY buyer',
  refresh: { mode: 'incremental' },
  keep_history: true,
})
const DATASET = parseDefinition(
  `dataset: asks
spine: {sql: 'SELECT ask, buyer, asked_at AS "at" FROM shop.asks WHERE asked_at <= :until', key: [ask], at: at}
features:
  - asof: {table: shop.orders, on: [buyer], select: [order_id, amount], as: newest}
  - feature: {name: spent, on: [buyer]}
`,
  'asks.yml',
)

let engine: Engine
let folder = ''
let lake: Lake
let nowMs = 0
beforeAll(async () => {
  engine = await openEngine({ threads: 2, memoryMiB: 512 })
  folder = await mkdtemp(join(tmpdir(), 'tributary-reload-'))
  await writeFile(join(folder, 'tributary.yaml'), CONFIG)
  const clock: Clock = { ...systemClock, now: () => nowMs }
  lake = openLake(await readConfig(join(folder, 'tributary.yaml')), {
    clock,
    wrapStore: (store) => clockedStore(store, clock),
  })
})
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

async function land(table: string, name: string, lines: readonly string[]): Promise<void> {
  const path = join(folder, 'landing/shop', table, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, `${lines.join('\n')}\n`)
  await utimes(path, nowMs / 1000, nowMs / 1000)
}

const HEADER = 'Op,ts,order_id,buyer,amount'

/** Everything that runs every hour, at an hour of 1 March 2026. */
async function run(hour: number, name: string, lines: readonly string[]): Promise<string> {
  nowMs = Date.UTC(2026, 2, 1, hour)
  await land('orders', name, [HEADER, ...lines])
  const { tables } = await ingest(lake, engine)
  expect(tables.map(({ stopped }) => stopped)).toEqual([null, null])
  return (await refreshFeature(lake, engine, FEATURE)).mode
}

async function build(): Promise<Manifest> {
  const outcome = await buildDataset(lake, engine, DATASET)
  if (outcome.kind === 'refused') throw new Error('refused')
  return outcome.manifest
}

async function rowsOf({ id }: Manifest): Promise<readonly Row[]> {
  const files = quoteText(join(folder, 'lake/_datasets/asks', id, 'all/*.parquet'))
  return (await engine.all(`SELECT * EXCLUDE ("at") FROM read_parquet(${files}) ORDER BY ask`)).map((row) => ({
    ...row,
  }))
}

test('a feature follows a reload by increments, and a dataset keeps what was known before it', async () => {
  nowMs = Date.UTC(2026, 2, 1, 10)
  const hours = [10, 11, 12, 13, 14]
  await land('asks', 'LOAD00000001.csv', [
    'Op,ts,ask,buyer,asked_at',
    ...hours.map((hour) => `I,2026-03-01 10:00:00,${hour},ada,2026-03-01 ${hour}:30:00`),
  ])
  const load = (id: number, buyer: string, amount: string): string => `I,2026-03-01 10:00:00,${id},${buyer},${amount}`
  expect(
    await run(10, 'LOAD00000001.csv', [load(1, 'ada', '10.00'), load(2, 'ada', '20.00'), load(3, 'bo', '5.00')]),
  ).toBe('full')
  expect(await run(11, '20260301-110000000.csv', ['U,2026-03-01 10:50:00,2,ada,25.00'])).toBe('incremental')
  expect(await run(12, '20260301-120000000.csv', ['I,2026-03-01 11:55:00,4,bo,1.00'])).toBe('incremental')
  const before = await build()

  // Order 2 is no more, order 1 is another, and bo's are gone.
  expect(await run(13, 'LOAD00000001.csv', [load(1, 'ada', '11.00'), load(5, 'cy', '7.00')])).toBe('incremental')
  expect((await checkFeature(lake, engine, FEATURE)).examples).toEqual([])
  expect(await run(15, '20260301-150000000.csv', ['I,2026-03-01 14:50:00,6,ada,2.00'])).toBe('incremental')
  expect((await checkFeature(lake, engine, FEATURE)).examples).toEqual([])

  expect(verdictText(await verifyDataset(lake, engine, before))).toBe('REPRODUCED')
  // Until noon, when it was built.
  expect(before.splits['all']?.rows).toBe(2)
  const after = await build()
  expect((await diffDatasets(lake, engine, { from: before, to: after })).rows).toMatchObject({ changed: 0, removed: 0 })
  expect(await rowsOf(after)).toEqual([
    { ask: 10n, buyer: 'ada', newest_order_id: 2n, newest_amount: '20.00', spent_orders: 2n, spent_total: '30.00' },
    { ask: 11n, buyer: 'ada', newest_order_id: 2n, newest_amount: '25.00', spent_orders: 2n, spent_total: '35.00' },
    { ask: 12n, buyer: 'ada', newest_order_id: 2n, newest_amount: '25.00', spent_orders: 2n, spent_total: '35.00' },
    { ask: 13n, buyer: 'ada', newest_order_id: 1n, newest_amount: '11.00', spent_orders: 1n, spent_total: '11.00' },
    { ask: 14n, buyer: 'ada', newest_order_id: 1n, newest_amount: '11.00', spent_orders: 1n, spent_total: '11.00' },
  ])
}, 30_000)
