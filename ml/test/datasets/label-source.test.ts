import { parseQuery } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { misfit } from '../../../cli/test/published-schema.ts'
import { originsOf } from '../../src/datasets/origins.ts'
import { buildDataset, parseDefinition, planDataset } from '../../src/index.ts'
import { type TestTable, useEngine, useFolders, writeLake } from './lake.ts'

const engine = useEngine(1)
const fresh = useFolders()

const at = '2026-01-01T00:10:00Z'
const trips: TestTable = {
  name: 'fleet.trips',
  key: ['trip'],
  columns: { trip: 'long', lorry: 'string', left_at: 'timestamp', load: 'double', delay: 'double' },
  changes: [1, 2].map((trip) => ({
    op: 'I',
    sourceAt: at,
    values: { trip: BigInt(trip), lorry: 'a', left_at: at, load: trip, delay: trip * 10 },
  })),
}

/** A dataset of trips; `items` are more columns of its spine, and `rest` more of its definition. */
function definitionOf(items: string, rest = ''): string {
  return `dataset: late
spine:
  sql: SELECT trip, lorry, left_at AS "at", delay > 15 AS late${items} FROM fleet.trips t WHERE delay IS NOT NULL
  key: [trip]
  at: at
  label: late
${rest}`
}

const lakes = new Map<string, ReturnType<typeof writeLake>>()
async function lakeOfTrips() {
  const lake = lakes.get('trips') ?? fresh().then((folder) => writeLake(engine(), folder, [trips]))
  lakes.set('trips', lake)
  return (await lake).lake
}

async function warningsOf(items: string, features: readonly string[] = []): Promise<readonly string[]> {
  const rest = features.length === 0 ? '' : `features:\n${features.map((feature) => `  - ${feature}\n`).join('')}`
  const plan = await planDataset(await lakeOfTrips(), engine(), parseDefinition(definitionOf(items, rest), 'late.yml'))
  const printed = JSON.stringify({ schema: 'tributary.dataset-plan/1', ...plan })
  expect(await misfit('dataset-plan', printed)).toBeUndefined()
  return plan.warnings
    .filter((warning) => warning.includes('label'))
    .map((warning) => warning.replace(/ holds? .*/, ''))
}

test.each([
  [', delay AS minutes', [], 'minutes'],
  [', *', [], 'delay'],
  [', delay / load AS slow', [], 'slow'],
  ['', ['current: {table: fleet.trips, on: [trip], select: [load, delay]}'], 'trips_delay'],
  ['', ['asof: {table: fleet.trips, on: [trip], select: [delay], as: now}'], 'now_delay'],
] as const)('what the label is made of is found as a feature: %s %s', async (items, features, found) => {
  expect(await warningsOf(items.replace('*', 't.* EXCLUDE (trip, lorry)'), features)).toEqual([found])
})

test.each([
  // Other columns of the row, other rows of the table, and other things that are called the same.
  [', load', ['current: {table: fleet.trips, on: [trip], select: [load]}']],
  [', lag(delay) OVER (PARTITION BY lorry ORDER BY left_at) AS last_delay', []],
  [', (SELECT max(u.delay) FROM fleet.trips u WHERE u.left_at < t.left_at) AS delay', []],
  ['', ['asof: {table: fleet.trips, on: [lorry], select: [delay]}']],
  ['', ['window: {table: fleet.trips, on: [lorry], time: left_at, over: 1h, agg: {m: avg(delay)}}']],
] as const)('what is harmless is not: %s %s', async (items, features) => {
  expect(await warningsOf(items, features)).toEqual([])
})

test('it warns, and where it is an error nothing is published', async () => {
  const outcomeOf = async (guards: string) => {
    const text = definitionOf(', delay AS minutes', `guards: {${guards}}\n`)
    return buildDataset(await lakeOfTrips(), engine(), parseDefinition(text, 'late.yml'))
  }
  const message = 'minutes holds fleet.trips.delay, which the label is made of: leave it out if known only afterwards'
  expect(await outcomeOf('label_source: error')).toMatchObject({
    kind: 'refused',
    findings: expect.arrayContaining([{ guard: 'label_source', outcome: 'failed', message }]),
  })
  const warned = await outcomeOf('')
  expect(warned.kind === 'published' && warned.manifest.guards).toContainEqual({
    guard: 'label_source',
    outcome: 'warned',
    message,
  })
  const off = await outcomeOf('label_source: off')
  expect(JSON.stringify(off)).not.toContain('"label_source"')
})

test.each([
  ['SELECT t.a + u.b AS x FROM s.t JOIN s.u USING (k)', 's.t.a s.u.b'],
  ['SELECT k AS x FROM s.t JOIN s.u USING (k)', 's.t.k s.u.k'],
  ['WITH q AS (SELECT a AS y, k FROM s.t) SELECT p.y - q.y AS x FROM q JOIN q p USING (k)', 's.t.a s.t.a'],
  ['SELECT * REPLACE (b AS x) FROM (SELECT a AS x, b FROM s.t)', 's.t.b'],
  ['SELECT b AS y, y > 1 AS x FROM s.t', 's.t.b'],
  ['SELECT a AS x FROM s.t UNION ALL SELECT b AS x FROM s.u', 's.t.a s.u.b'],
  ['SELECT t.a.x FROM s.t', 's.t.a'],
  ['SELECT max(a) > 3 AS x FROM s.t GROUP BY k', 's.t.a'],
  ['SELECT lead(a) OVER (ORDER BY k) AS x FROM s.t', ''],
  ['FROM (VALUES (1)) v(x)', ''],
])('the columns behind x are told by the tree: %s', async (sql, expected) => {
  const columns = new Set(['a', 'b', 'k'])
  const origins = originsOf(await parseQuery(engine(), sql), () => columns)('x')
  expect(origins.map(({ table, column }) => `${table}.${column}`).join(' ')).toBe(expected)
})
