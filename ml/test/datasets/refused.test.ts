// Bad input: a clear message before the work starts, and nothing published.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TributaryError } from '@tributary/delta'
import { afterEach, beforeAll, expect, test } from 'vitest'
import {
  type BuildOptions,
  buildDataset,
  defineFeature,
  parseDefinition,
  planDataset,
  refreshFeature,
} from '../../src/index.ts'
import { type Change, type TestLake, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine()
const fresh = useFolders()
const at = (minute: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString()

const asks: TestTable = {
  name: 's.asks',
  key: ['ask'],
  columns: { ask: 'long', shop: 'string', day: 'long', t: 'timestamp' },
  changes: [10, 20, 30].map(
    (minute): Change => ({
      op: 'I',
      sourceAt: at(minute),
      values: { ask: BigInt(minute), shop: 'a', day: 1n, t: at(minute) },
    }),
  ),
}
const sales: TestTable = {
  name: 's.sales',
  key: ['sale'],
  columns: { sale: 'long', shop: 'string', day: 'long', t: 'timestamp', price: 'double' },
  changes: [1, 2, 60].map(
    (minute): Change => ({
      op: 'I',
      sourceAt: at(minute),
      values: { sale: BigInt(minute), shop: 'a', day: 1n, t: at(minute), price: minute },
    }),
  ),
}

let place: TestLake
beforeAll(async () => {
  place = await writeLake(engine(), await fresh(), [asks, sales])
  const daily = defineFeature({
    name: 'daily',
    entity: ['shop', 'day'],
    sql: 'SELECT shop, day, count(*) AS n FROM s.sales GROUP BY shop, day',
    keep_history: true,
  })
  await refreshFeature(place.lake, engine(), daily)
}, 30_000)

async function published(): Promise<readonly string[]> {
  return readdir(join(place.folder, 'lake/_datasets'), { recursive: true }).catch(() => [])
}
afterEach(async () => {
  expect(await published()).toEqual([])
})

const SPINE = 'SELECT ask, shop, day, t AS "at", ask > 15 AS late FROM s.asks'

function definitionOf(
  more: string,
  { sql = SPINE, spine = '' }: { readonly sql?: string; readonly spine?: string },
): string {
  return `dataset: asks\nspine: {sql: ${JSON.stringify(sql)}, key: [ask], at: at${spine}}\n${more}`
}

/** The message of `plan` and of `build`, which must be one. */
async function messageOf(yaml: string, options: BuildOptions = {}): Promise<string> {
  const said: string[] = []
  for (const work of [planDataset, buildDataset])
    said.push(
      await work(place.lake, engine(), parseDefinition(yaml, 'asks.yml'), options).then(
        () => 'no error',
        (error: unknown) => (error instanceof TributaryError ? error.message : `unexpected: ${String(error)}`),
      ),
    )
  expect(new Set(said).size, said.join('\n')).toBe(1)
  return said[0] ?? ''
}

const of = (feature: string): string => `features:\n  - ${feature}\n`

test('a plan tells the columns of a stored feature, with their types, and the versions that were asked for', async () => {
  const yaml = definitionOf(of('feature: {name: daily, on: [shop, day]}'), {})
  const versions = new Map([['s.asks', 1]])
  const { columns, sources } = await planDataset(place.lake, engine(), parseDefinition(yaml, 'asks.yml'), { versions })
  expect(columns.slice(-2)).toEqual([
    { name: 'late', type: 'boolean', from: 'spine' },
    { name: 'daily_n', type: 'long', from: 'feature daily.n' },
  ])
  expect(sources).toContainEqual({ table: 's.asks', version: 1 })
})

test.each([
  [
    'a column of the spine that its table has not',
    { sql: 'SELECT ask, t AS "at", nothing FROM s.asks' },
    '',
    'The spine of asks cannot be used: Binder Error: Referenced column "nothing" not found in FROM clause. Correct its query.',
  ],
  [
    'a table that is not there',
    { sql: 'SELECT ask, t AS "at" FROM s.askss' },
    '',
    'There is no table "s.askss": it is not configured (or not unique), and no folder of that name holds a Delta table. Did you mean s.asks?',
  ],
  [
    'a label that the spine does not give',
    { spine: ', label: early' },
    '',
    'The spine of asks cannot be used: it has no column early. It gives ask, shop, day, at, late. Add it or correct the name.',
  ],
  [
    'a value of the spine that cannot be computed',
    { sql: `SELECT ask, t AS "at", CAST(shop AS INT) AS n FROM s.asks` },
    '',
    `The spine of asks cannot be used: Conversion Error: Could not convert string 'a' to INT32 when casting from source column shop. Correct its query.`,
  ],
  [
    'no time',
    { sql: `SELECT ask, CASE WHEN ask > 15 THEN t END AS "at" FROM s.asks` },
    '',
    'The spine of asks cannot be used: 1 rows have no key or no time. Leave them out in its query, with WHERE at IS NOT NULL and the like.',
  ],
  [
    'an infinite time',
    { sql: `SELECT ask, CASE WHEN ask > 15 THEN t ELSE TIMESTAMPTZ '-infinity' END AS "at" FROM s.asks` },
    '',
    'The spine of asks cannot be used: 1 rows have no key or no time. Leave them out in its query, with WHERE at IS NOT NULL and the like.',
  ],
  [
    'no rows',
    { sql: `${SPINE} WHERE ask > 100` },
    '',
    'The spine of asks cannot be used: it has no rows. Correct its query, or ask for a later --until.',
  ],
  [
    'a column that the table of a join has not',
    {},
    of('asof: {table: s.sales, on: [shop], select: [cost]}'),
    'The feature sales cannot be joined: s.sales__history has no column cost. It has sale, shop, day, t, price. Correct the name.',
  ],
  [
    'a column that the table of a window has not',
    {},
    of('window: {table: s.sales, on: [shop], time: t, over: 1h, agg: {n: sum(cost)}}'),
    'The feature sales cannot be joined: s.sales__history has no column cost. It has sale, shop, day, t, price. Correct the name.',
  ],
  [
    'a joined column that the spine has not',
    {},
    of('asof: {table: s.sales, on: {shop: store}, select: [price]}'),
    'The spine of asks cannot be used: it has no column store. It gives ask, shop, day, at, late. Add it or correct the name.',
  ],
  [
    'columns that can never be equal',
    {},
    of('asof: {table: s.sales, on: {day: shop}, select: [price]}'),
    'The feature sales cannot be joined: shop of the spine is VARCHAR, and day of s.sales__history is BIGINT. Cast it in the spine.',
  ],
  [
    'a window over what is no time',
    {},
    of('window: {table: s.sales, on: [shop], time: price, over: 1h, agg: {n: count}}'),
    'The feature sales cannot be joined: its time price is no time. Name a column of type timestamp or date.',
  ],
  [
    'a median of texts',
    {},
    of('window: {table: s.sales, on: [day], time: t, over: 1h, agg: {m: median(shop)}}'),
    'The feature sales cannot be joined: shop is VARCHAR, and quantile needs numbers. Use count, min, max or last, or a column of numbers.',
  ],
  [
    'a table without a history',
    {},
    of('asof: {table: s.nothing, on: [shop], select: [price]}'),
    'There is no table "s.nothing": it is not configured (or not unique), and no folder of that name holds a Delta table. Use schema.table as in tributary.yaml, or the path of a Delta table',
  ],
  [
    'a stored feature joined by a part of its entity',
    {},
    of('feature: {name: daily, on: [shop]}'),
    'The feature daily cannot be joined: features.daily__history has a row for each shop, day, and it is joined by shop. Join by all columns of its entity and no others.',
  ],
  [
    'a stored feature that is not there',
    {},
    of('feature: {name: weekly, on: [shop]}'),
    'features.weekly has no history, so nobody can tell what was known of it at an earlier time. Set history: true for it in tributary.yaml and ingest, or use current: where time does not matter.',
  ],
  [
    'a sample of texts',
    { sql: 'SELECT ask, t AS "at", shop FROM s.asks', spine: ', label: shop' },
    'sample: {negatives: 0.5}\n',
    'The spine of asks cannot be used: sample.negatives needs a label of 0 and 1, and shop is VARCHAR. Make a number of it, or keep all rows.',
  ],
])('%s is refused', async (_, spine, more, message) => {
  expect(await messageOf(definitionOf(more, spine))).toBe(message)
})

test('versions that are not there, or of tables that are not read, are refused', async () => {
  const at = (table: string, version: number): BuildOptions => ({ versions: new Map([[table, version]]) })
  expect(await messageOf(definitionOf('', {}), at('s.asks', 7))).toBe(
    'Version 7 does not exist: the latest is 1. Ask for a version from 0 to 1.',
  )
  expect(await messageOf(definitionOf('', {}), at('asks', 0))).toBe(
    'A version is given for asks, and asks does not read that table. It reads s.asks: correct the name.',
  )
})

test('versions whose files VACUUM took are refused', async () => {
  const folder = join(place.folder, 'lake/s/sales__history')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.parquet'))
  const yaml = definitionOf(of('asof: {table: s.sales, on: [shop], select: [price]}'), {})
  for (const name of files) await rm(join(folder, name))
  expect(await messageOf(yaml)).toMatch(
    /^The data file .* is named by the table and is not there: .* vacuumed while an older version was read\. /,
  )
})
