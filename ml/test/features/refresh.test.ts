import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, openEngine, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkFeature } from '../../src/features/check-feature.ts'
import { defineFeature } from '../../src/features/definition.ts'
import { orderFeatures } from '../../src/features/feature-files.ts'
import { featureStatus } from '../../src/features/read-feature.ts'
import { refreshFeature } from '../../src/features/refresh.ts'
import { type FeatureLake, featureLake } from './feature-lake.ts'

let engine: Engine
let place: FeatureLake
beforeAll(async () => {
  engine = await openEngine({ threads: 1 })
  place = await featureLake(engine)
  await place.create('shop.orders', { id: 'long', customer: 'long', amount: 'decimal(9,2)', at: 'timestamp' }, [
    { id: 1n, customer: 1n, amount: '10.00', at: '2026-01-01T10:00:00Z' },
    { id: 2n, customer: 1n, amount: '5.50', at: '2026-01-01T23:00:00Z' },
    { id: 3n, customer: 2n, amount: '7.00', at: '2026-01-01T12:00:00Z' },
  ])
  await place.create('shop.customers', { id: 'long', name: 'string' }, [
    { id: 1n, name: 'Ada' },
    { id: 2n, name: 'Bo' },
    { id: 3n, name: 'Cy' },
  ])
})
afterAll(async () => {
  await place.close()
  await engine.close()
})

const spending = defineFeature({
  name: 'spending',
  entity: ['customer'],
  sql: `SELECT c.id AS customer, any_value(c.name) AS name, count(o.id) AS orders, sum(o.amount) AS total
        FROM shop.customers c LEFT JOIN shop.orders o ON o.customer = c.id GROUP BY c.id`,
  refresh: { mode: 'incremental' },
})

test('a first refresh makes the table, a second one changes the rows of the keys that changed', async () => {
  const first = await refreshFeature(place.lake, engine, spending)
  expect(first).toMatchObject({
    kind: 'refreshed',
    mode: 'full',
    reason: 'this is the first refresh',
    version: 0,
    inserted: 3,
  })
  expect(await place.rowsOf('features.spending')).toEqual(['1 Ada 2 15.50', '2 Bo 1 7.00', '3 Cy 0 null'])

  await place.upsert('shop.orders', 'id', [{ id: 2n, customer: 2n, amount: '5.50', at: '2026-01-01T23:00:00Z' }])
  await place.remove('shop.customers', 'id', 3n)
  const second = await refreshFeature(place.lake, engine, spending)
  expect(second).toMatchObject({
    kind: 'refreshed',
    mode: 'incremental',
    version: 1,
    affected: 3,
    updated: 2,
    deleted: 1,
  })
  expect(await place.rowsOf('features.spending')).toEqual(['1 Ada 1 10.00', '2 Bo 2 12.50'])

  expect(await refreshFeature(place.lake, engine, spending)).toMatchObject({ kind: 'unchanged', version: 1 })
})

const recent = defineFeature({
  name: 'recent',
  entity: ['customer'],
  sql: `SELECT customer, count(*) AS orders FROM shop.orders o WHERE o.at > :as_of - INTERVAL 12 HOUR AND o.at <= :as_of GROUP BY customer`,
  refresh: { mode: 'incremental' },
  keep_history: true,
})

const at = (time: string): { readonly asOfMs: number } => ({ asOfMs: Date.parse(`2026-01-01T${time}:00Z`) })

test('time alone changes a feature that looks back, and its served rows are kept', async () => {
  await refreshFeature(place.lake, engine, recent, at('12:00'))
  expect(await place.rowsOf('features.recent')).toEqual(['1 1', '2 1'])

  const later = await refreshFeature(place.lake, engine, recent, at('23:30'))
  expect(later).toMatchObject({
    kind: 'refreshed',
    mode: 'incremental',
    reason: 'time went on',
    affected: 2,
    updated: 1,
  })
  expect(await place.rowsOf('features.recent')).toEqual(['2 2'])

  // It finds nothing, and says that the rows are as of its time: else they would look older than they are.
  expect(await refreshFeature(place.lake, engine, recent, at('23:31'))).toMatchObject({ kind: 'unchanged', version: 2 })
  expect(await refreshFeature(place.lake, engine, recent, at('23:31'))).toMatchObject({ kind: 'unchanged', version: 2 })
  const served = await place.rowsOf('features.recent__history')
  expect(served.map((row) => row.replace(/2026\S+ /, '').replace(/2026-01-01T(\S{5})\S+/, '$1'))).toEqual([
    '1 1 0 I 12:00',
    '1 1 1 D 23:30',
    '2 1 0 I 12:00',
    '2 2 1 U 23:30',
    'null null 0 R 12:00',
    'null null 1 R 23:30',
    'null null 2 R 23:31',
  ])
})

test('a feature is late when its last refresh is longer ago than every, though its inputs are silent', async () => {
  const every = { ...recent, everyMs: 15 * 60_000 }
  const kindAt = async (time: string, commitsAfter = 0): Promise<string> => {
    place.clock.set(at(time).asOfMs)
    const readVersion = async (table: string): Promise<number> =>
      (await readSnapshot(place.lake.tableStore(table))).version + commitsAfter
    return (await featureStatus(place.lake, every, readVersion)).kind
  }
  await refreshFeature(place.lake, engine, every, at('23:40'))
  expect([await kindAt('23:55'), await kindAt('23:55', 1), await kindAt('23:56')]).toEqual(['fresh', 'behind', 'late'])
  expect(await refreshFeature(place.lake, engine, every)).toMatchObject({ kind: 'unchanged' })
  expect(await kindAt('23:56')).toBe('fresh')
  place.clock.set(at('24:00').asOfMs)
})

test('a value that a condition keeps from being compared with the time may be one that cannot be', async () => {
  await place.create('shop.notes', { id: 'long', kind: 'string', text: 'string' }, [
    { id: 1n, kind: 'due', text: '2026-01-01T11:00:00Z' },
    { id: 1n, kind: 'note', text: 'call back' },
    { id: 2n, kind: 'due', text: '2026-01-01T20:00:00Z' },
    { id: 3n, kind: 'note', text: 'none' },
  ])
  const due = defineFeature({
    name: 'due',
    entity: ['id'],
    sql: `SELECT id, count(*) FILTER (WHERE CASE WHEN kind = 'due' THEN CAST(text AS TIMESTAMPTZ) > :as_of END) AS due FROM shop.notes GROUP BY id`,
    refresh: { mode: 'incremental' },
  })
  await refreshFeature(place.lake, engine, due, at('10:00'))
  expect(await place.rowsOf('features.due')).toEqual(['1 1', '2 1', '3 0'])
  expect(await refreshFeature(place.lake, engine, due, at('12:00'))).toMatchObject({ mode: 'incremental', affected: 1 })
  expect(await place.rowsOf('features.due')).toEqual(['1 0', '2 1', '3 0'])
})

test('a full computation of the same SQL finds nothing to write', async () => {
  const full = await refreshFeature(place.lake, engine, spending, { full: true })
  expect(full).toMatchObject({ kind: 'refreshed', mode: 'full', inserted: 0, updated: 0, deleted: 0 })
  expect((await checkFeature(place.lake, engine, spending)).examples).toEqual([])
})

test('other SQL is computed in full, also where it gives other columns', async () => {
  const wider = {
    ...spending,
    sql: spending.sql.replace('sum(o.amount) AS total', 'max(o.amount) AS most, sum(o.amount) AS total'),
  }
  const outcome = await refreshFeature(place.lake, engine, wider)
  expect(outcome).toMatchObject({ kind: 'refreshed', mode: 'full', reason: 'the SQL or the entity has changed' })
  expect(await place.rowsOf('features.spending')).toEqual(['1 Ada 1 10.00 10.00', '2 Bo 2 7.00 12.50'])
})

test('a check that fails publishes nothing', async () => {
  const checked = {
    ...recent,
    name: 'checked',
    checks: [{ column: 'orders', min: 2, max: undefined, nullShareMax: undefined }],
  }
  const outcome = await refreshFeature(place.lake, engine, checked, at('12:00'))
  expect(outcome).toMatchObject({ kind: 'checks-failed', failures: [{ column: 'orders', rule: 'min 2', found: '1' }] })
  await expect(place.rowsOf('features.checked')).rejects.toThrow(/^There is no Delta table/)
})

test('a table that was made anew is computed in full, which mode: incremental refuses', async () => {
  await place.create('shop.stock', { id: 'long', n: 'long' }, [{ id: 1n, n: 1n }])
  const stock = defineFeature({ name: 'stock', entity: ['id'], sql: 'SELECT id, n FROM shop.stock' })
  await refreshFeature(place.lake, engine, stock)
  await rm(place.pathOf('shop.stock'), { recursive: true })
  await place.create('shop.stock', { id: 'long', n: 'long' }, [{ id: 1n, n: 2n }])
  await expect(refreshFeature(place.lake, engine, { ...stock, mode: 'incremental' })).rejects.toThrow(
    'The feature stock could only be computed in full, and its mode is incremental: shop.stock is another table than at the last refresh. Run `tributary feature refresh stock --full` once, or set mode: auto.',
  )
  expect(await refreshFeature(place.lake, engine, stock)).toMatchObject({ mode: 'full', updated: 1 })
})

test('where files of the old state are gone everything is computed', async () => {
  await place.create('shop.gone', { id: 'long', n: 'long' }, [{ id: 1n, n: 1n }])
  const gone = defineFeature({
    name: 'gone',
    entity: ['id'],
    sql: 'SELECT id, n FROM shop.gone',
    refresh: { max_affected: 1 },
  })
  await refreshFeature(place.lake, engine, gone)
  await place.upsert('shop.gone', 'id', [{ id: 1n, n: 5n }])
  await removeFirstFiles('shop.gone')
  const outcome = await refreshFeature(place.lake, engine, gone)
  const reason = 'the old state of its tables cannot be read any more (DATA_FILE_MISSING)'
  expect(outcome).toMatchObject({ kind: 'refreshed', mode: 'full', reason, updated: 1 })
})

/** What VACUUM does in time: the files of the first rows go. */
async function removeFirstFiles(table: string): Promise<void> {
  const folder = place.pathOf(table)
  const first = await readFile(join(folder, '_delta_log', `${'1'.padStart(20, '0')}.json`), 'utf8')
  for (const name of await readdir(folder))
    if (name.endsWith('.parquet') && first.includes(name)) await rm(join(folder, name))
}

test('in mode: incremental that is refused, and nothing is written', async () => {
  await place.create('shop.lost', { id: 'long', n: 'long' }, [{ id: 1n, n: 1n }])
  const lost = defineFeature({
    name: 'lost',
    entity: ['id'],
    sql: 'SELECT id, n FROM shop.lost',
    refresh: { mode: 'incremental' },
  })
  await refreshFeature(place.lake, engine, lost)
  await place.upsert('shop.lost', 'id', [{ id: 1n, n: 5n }])
  await removeFirstFiles('shop.lost')
  await expect(refreshFeature(place.lake, engine, lost)).rejects.toThrow(
    'The feature lost could only be computed in full, and its mode is incremental: the old state of its tables cannot be read any more (DATA_FILE_MISSING). Run `tributary feature refresh lost --full` once, or set mode: auto.',
  )
  expect(await place.rowsOf('features.lost')).toEqual(['1 1'])
})

test.each([
  [
    'count(*) FILTER (WHERE o.amount > :as_of)',
    'Binder Error: Cannot compare values of type DECIMAL(9,2) and type TIMESTAMP WITH TIME ZONE - an explicit cast is required',
  ],
  [
    'max(CAST(left(name, 0) AS DATE))',
    'Conversion Error: invalid date field format: "", expected format is (YYYY-MM-DD)',
  ],
])('SQL that cannot be computed is told with the name of its feature: %s', async (item, why) => {
  const sql = `SELECT c.id AS customer, ${item} AS x FROM shop.customers c LEFT JOIN shop.orders o ON o.customer = c.id GROUP BY c.id`
  await expect(
    refreshFeature(place.lake, engine, defineFeature({ name: 'odd', entity: ['customer'], sql })),
  ).rejects.toThrow(`The SQL of the feature odd cannot be computed: ${why}. Nothing was written: correct it.`)
})

test('a table that is not there is told by the name that was meant', async () => {
  const sql = 'SELECT id, count(*) AS n FROM shop.customer GROUP BY id'
  await expect(refreshFeature(place.lake, engine, defineFeature({ name: 'odd', entity: ['id'], sql }))).rejects.toThrow(
    'There is no table "shop.customer": it is not configured (or not unique), and no folder of that name holds a Delta table. Use schema.table as in tributary.yaml, or the path of a Delta table',
  )
})

test('a check of a column that the SQL does not give is refused', async () => {
  const checks = [{ column: 'nothing', min: 1, max: undefined, nullShareMax: undefined }]
  await expect(refreshFeature(place.lake, engine, { ...recent, name: 'unread', checks })).rejects.toThrow(
    'feature unread, line 1: checks: nothing is no column of its SQL. Correct the name',
  )
})

test('two refreshes at once do the work once', async () => {
  await place.upsert('shop.stock', 'id', [{ id: 7n, n: 7n }])
  const stock = defineFeature({ name: 'stock', entity: ['id'], sql: 'SELECT id, n FROM shop.stock' })
  const outcomes = await Promise.all([
    refreshFeature(place.lake, engine, stock),
    refreshFeature(place.lake, engine, stock),
  ])
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['refreshed', 'unchanged'])
  expect(await place.rowsOf('features.stock')).toEqual(['1 2', '7 7'])
})

test('refreshes that change a few rows each do not pile up files, and tell nobody of a change when they merge them', async () => {
  const counted = defineFeature({
    name: 'counted',
    entity: ['id'],
    sql: 'SELECT id, n FROM shop.stock',
    keep_history: true,
  })
  for (let id = 20n; id < 25n; id++) {
    await place.upsert('shop.stock', 'id', [{ id, n: id }])
    await refreshFeature(place.lake, engine, counted)
  }
  const { files, version } = await readSnapshot(place.lake.tableStore('features.counted'))
  // Merged after the fourth.
  expect([files.length, version]).toEqual([2, 5])
  expect(await place.rowsOf('features.counted')).toEqual(await place.rowsOf('shop.stock'))
  const served = await place.rowsOf('features.counted__history')
  expect(served.filter((row) => !row.startsWith('null ')).length).toBe((await place.rowsOf('shop.stock')).length)
})

test('a feature that reads another comes after it, and a cycle is refused', async () => {
  const define = (feature: string, table: string) =>
    defineFeature({ name: feature, entity: ['id'], sql: `SELECT id, n FROM ${table}` })
  const [last, first] = [define('a', 'features.b'), define('b', 'shop.stock')]
  expect((await orderFeatures(engine, [last, first])).map(({ name }) => name)).toEqual(['b', 'a'])
  await expect(orderFeatures(engine, [last, define('b', 'features.a')])).rejects.toThrow(
    'The features a → b → a read each other: none of them can be first. Let one of them read the live tables instead.',
  )
})

test('several rows of one key are refused and nothing is written', async () => {
  const twice = defineFeature({ name: 'twice', entity: ['customer'], sql: 'SELECT customer, id FROM shop.orders' })
  await place.upsert('shop.orders', 'id', [{ id: 9n, customer: 1n, amount: '1.00', at: '2026-01-01T23:00:00Z' }])
  await expect(refreshFeature(place.lake, engine, twice)).rejects.toThrow(/gives several rows for customer = [12]/)
})
