// Random lives of rows against the oracle: corrections, deletes, rows that move between groups, late and repeated deliveries, ties.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { quoteText, type Row } from '@tributary/delta'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../../../delta/test/soak.ts'
import { buildDataset, parseDefinition } from '../../src/index.ts'
import { type Change, type TestTable, useEngine, useFolders, writeLake } from './lake.ts'
import { type Known, type KnownBy, knownRows, newest, numbers, within } from './oracle.ts'

const engine = useEngine()
const fresh = useFolders()
const START = Date.parse('2026-01-01T00:00:00Z')
const MINUTE = 60_000
const iso = (minute: number): string => new Date(START + minute * MINUTE).toISOString()

const minute = fc.integer({ min: 0, max: 60 })
// Few values of everything, so that ties and meetings are common; doubles whose sums depend on their order.
const change = fc.record({
  op: fc.constantFrom('I', 'U', 'U', 'D'),
  id: fc.integer({ min: 1, max: 6 }),
  minute,
  late: fc.constantFrom(0, 0, 3, 20),
  group: fc.constantFrom('a', 'b', null),
  time: fc.option(minute, { freq: 6 }),
  value: fc.constantFrom(0.1, 0.2, 0.3, 1e9, -7.7, 1e-3, null),
  whole: fc.constantFrom(1n, 2n, -3n, null),
})
const asked = fc.record({ group: fc.constantFrom('a', 'b', null), minute })
const world = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 40 }),
  asks: fc.array(asked, { minLength: 1, maxLength: 12 }),
  clock: fc.constantFrom('source', 'lake', 'greatest'),
  delay: fc.constantFrom(0, 4),
})

interface World {
  readonly changes: readonly {
    readonly op: string
    readonly id: number
    readonly minute: number
    readonly late: number
    readonly group: string | null
    readonly time: number | null
    readonly value: number | null
    readonly whole: bigint | null
  }[]
  readonly asks: readonly { readonly group: string | null; readonly minute: number }[]
  readonly clock: KnownBy['clock']
  readonly delay: number
}

const OVER = 15
const MAX_AGE = 12

function definitionOf({ clock, delay }: World): string {
  return `dataset: asks
spine: {sql: 'SELECT ask, grp, one, t AS "at" FROM w.asks', key: [ask], at: at}
known_at: {clock: ${clock}, delay: ${delay}m}
features:
  - asof: {table: w.rows, on: {id: one}, select: [value, whole], as: one}
  - asof: {table: w.rows, on: {id: one}, select: [value], max_age: ${MAX_AGE}m, as: young}
  - asof: {table: w.rows, on: [grp], select: [id, value], as: any}
  - window:
      {table: w.rows, on: [grp], time: t, over: ${OVER}m, as: w, agg: {n: count, values: count(value), sum: sum(value), whole: sum(whole), avg: avg(value),
       sd: sd(whole), min: min(value), max: max(whole), last: last(value), mid: median(value)}}
`
}

function tablesOf({ changes, asks }: World): { readonly rows: TestTable; readonly asks: TestTable } {
  const all = changes.map(
    (one, index): Change => ({
      op: one.op === 'D' ? 'D' : one.op === 'I' ? 'I' : 'U',
      sourceAt: iso(one.minute),
      lakeAt: iso(one.minute + one.late),
      seq: String(index % 5),
      batch: one.minute + one.late,
      row: index,
      values: {
        id: BigInt(one.id),
        grp: one.group,
        t: one.time === null ? null : iso(one.time),
        value: one.value,
        whole: one.whole,
      },
    }),
  )
  // A last change after all questions, so that none asks for more than is known.
  const end: Change = { op: 'I', sourceAt: iso(100), batch: 1000, row: 1, values: { id: 99n, grp: 'z' } }
  return {
    rows: {
      name: 'w.rows',
      key: ['id'],
      columns: { id: 'long', grp: 'string', t: 'timestamp', value: 'double', whole: 'long' },
      changes: [...all, end],
    },
    asks: {
      name: 'w.asks',
      key: ['ask'],
      columns: { ask: 'long', grp: 'string', one: 'long', t: 'timestamp' },
      changes: asks.map(
        (ask, index): Change => ({
          op: 'I',
          sourceAt: iso(ask.minute),
          values: { ask: BigInt(index), grp: ask.group, one: BigInt((index % 6) + 1), t: iso(ask.minute) },
        }),
      ),
    },
  }
}

function expectedRow(rows: TestTable, ask: Change, by: KnownBy): Row {
  const atMs = Date.parse(ask.sourceAt)
  const known = knownRows(rows, atMs, by)
  const one = known.find(({ values }) => values['id'] === ask.values['one'])
  const group = known.filter(({ values }) => values['grp'] !== null && values['grp'] === ask.values['grp'])
  const last = newest(group)
  const inside = within(group, 't', { atMs, overMs: OVER * MINUTE })
  const [values, wholes] = [numbers(inside, 'value'), numbers(inside, 'whole')]
  return {
    ask: ask.values['ask'] as bigint,
    one_value: cell(one, 'value'),
    one_whole: cell(one, 'whole'),
    young_value: one !== undefined && atMs - one.knownMs <= MAX_AGE * MINUTE ? cell(one, 'value') : null,
    any_id: cell(last, 'id'),
    any_value: cell(last, 'value'),
    w_n: BigInt(inside.length),
    w_values: BigInt(values.length),
    w_sum: close(values.length === 0 ? null : sum(values)),
    w_whole: wholes.length === 0 ? null : BigInt(sum(wholes)),
    w_avg: close(values.length === 0 ? null : sum(values) / values.length),
    w_sd: close(wholes.length < 2 ? null : deviation(wholes)),
    w_min: values.length === 0 ? null : Math.min(...values),
    w_max: wholes.length === 0 ? null : BigInt(Math.max(...wholes)),
    w_last: lastValue(inside),
    w_mid: close(median(values)),
  }
}

function cell(known: Known | undefined, column: string): Row[string] {
  return (known?.values[column] ?? null) as Row[string]
}

// Smallest first, so that the order of the rows says nothing; what is left is far below what the comparison rounds away.
function sum(values: readonly number[]): number {
  return values.toSorted((a, b) => Math.abs(a) - Math.abs(b)).reduce((total, value) => total + value, 0)
}

function deviation(values: readonly number[]): number {
  const mean = sum(values) / values.length
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1))
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

function lastValue(rows: readonly Known[]): Row[string] {
  const present = rows.filter(({ values }) => values['value'] !== null)
  const ordered = present.toSorted((a, b) => order(a) - order(b))
  return cell(ordered.at(-1), 'value')
  function order(row: Known): number {
    const t = Date.parse(String(row.values['t']))
    return t * 1000 + present.toSorted((a, b) => compare(a.change, b.change)).indexOf(row)
  }
}

function compare(a: Change, b: Change): number {
  return a.sourceAt < b.sourceAt
    ? -1
    : a.sourceAt > b.sourceAt
      ? 1
      : Number(a.seq) - Number(b.seq) || (a.batch ?? 0) - (b.batch ?? 0) || (a.row ?? 0) - (b.row ?? 0)
}

/** Twelve digits: what two ways of adding doubles agree in. */
function close(value: unknown): number | null {
  return typeof value === 'number' ? Number(value.toPrecision(12)) || 0 : null
}

test('every value is what a walk through the changes known at its time gives', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (drawn) => {
      const tables = tablesOf(drawn)
      const folder = await fresh()
      const { lake } = await writeLake(engine(), folder, [tables.rows, tables.asks])
      const outcome = await buildDataset(lake, engine(), parseDefinition(definitionOf(drawn), 'asks.yml'))
      if (outcome.kind === 'refused') throw new Error('refused')
      const files = join(folder, 'lake/_datasets/asks', outcome.manifest.id, 'all/*.parquet')
      const found = await engine().all(`SELECT * FROM read_parquet(${quoteText(files)}) ORDER BY ask`)
      const rounded = found.map(({ grp: _, one: __, at: ___, ...row }) => ({
        ...row,
        w_sum: close(row['w_sum']),
        w_avg: close(row['w_avg']),
        w_sd: close(row['w_sd']),
        w_mid: close(row['w_mid']),
      }))
      const by: KnownBy = { clock: drawn.clock, delayMs: drawn.delay * MINUTE }
      expect(rounded).toEqual(tables.asks.changes.map((ask) => expectedRow(tables.rows, ask, by)))
      await rm(folder, { recursive: true, force: true })
    }),
    { numRuns: times(6, 300), endOnFailure: true },
  )
}, 300_000)

test('equal values have no spread, however far they lie from the others', async () => {
  const values = [39.02, 39.02, 39.02, 39.02, 39.02, ...Array.from({ length: 9 }, () => 12.34)]
  const rows = values.map((value, index): Change => {
    const [id, grp, t] = [BigInt(index), value === 39.02 ? 'a' : 'b', iso(index)]
    return { op: 'I', sourceAt: t, values: { id, grp, t, value } }
  })
  const columns = { id: 'long', grp: 'string', t: 'timestamp', value: 'double' } as const
  const { lake, folder } = await writeLake(engine(), await fresh(), [
    { name: 'w.rows', key: ['id'], columns, changes: rows },
  ])
  const definition = `dataset: flat
spine: {sql: 'SELECT id, grp, t AS "at" FROM w.rows', key: [id], at: at}
features:
  - window: {table: w.rows, on: [grp], time: t, over: 1h, as: w, agg: {sd: sd(value), var: var(value)}}
`
  const outcome = await buildDataset(lake, engine(), parseDefinition(definition, 'flat.yml'))
  if (outcome.kind === 'refused') throw new Error('refused')
  const files = join(folder, 'lake/_datasets/flat', outcome.manifest.id, 'all/*.parquet')
  const found = await engine().all(`SELECT DISTINCT w_sd, w_var FROM read_parquet(${quoteText(files)}) ORDER BY ALL`)
  expect(found.map((row) => [row['w_sd'], row['w_var']])).toEqual([
    [0, 0],
    [null, null],
  ])
}, 30_000)
