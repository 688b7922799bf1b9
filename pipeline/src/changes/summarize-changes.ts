// What has changed, in numbers. Only rows that changed are read: the size of the table is in its log.
import {
  type Engine,
  type EngineValue,
  quoteName,
  quoteText,
  type Row,
  readCommits,
  readSnapshot,
  type StructField,
} from '@tributary/delta'
import { isSameJson, type JsonValue, jsonRow } from '../inspect/json-row.ts'
import { sizeOf } from '../inspect/table-size.ts'
import { readSourceTimes } from '../query/source-times.ts'
import { beforeOf, differsSql } from './change-records.ts'
import type { PlannedChanges } from './plan-changes.ts'
import { CHANGE_OPS, type ChangeOp, type ChangesView, changePairs } from './select-changes.ts'

/** How one column changed by updates. */
export interface ColumnChanges {
  readonly column: string
  /** Updates after which its value is another one. */
  readonly changed: number
  /** Of these, how many were NULL before, and how many are NULL after. */
  readonly wasNull: number
  readonly isNull: number
}

/** The changes of an interval in numbers; the `--summary --json` of `changes`, whose schema is published. */
export interface ChangesSummary {
  readonly schema: 'tributary.changes/1'
  readonly table: string
  /** The interval (since, until] as versions; -1 is before the first commit. */
  readonly since: number
  readonly until: number
  readonly net: boolean
  /** Whether this is the whole table, as a consumer gets it that begins. */
  readonly snapshot: boolean
  readonly commits: number
  /** Times of the first and the last commit of the interval; null when there is none. */
  readonly from: string | null
  readonly to: string | null
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Different keys among the changes, and rows of the table at the end of the interval; null where nobody knows. */
  readonly keys: { readonly touched: number | null; readonly total: number | null }
  /** Columns that updates changed, the most changed first; null where nobody knows which rows belong together. */
  readonly columns: readonly ColumnChanges[] | null
  /** A few of the newest changes, in the form of `-o json-changes`. */
  readonly samples: readonly JsonValue[]
}

const SAMPLES_A_KIND = 2

/** Counts planned changes. Throws what `changePairsSql` throws. */
export async function summarizeChanges(
  engine: Engine,
  { table, planned }: { readonly table: string; readonly planned: PlannedChanges },
  view: ChangesView = {},
): Promise<ChangesSummary> {
  const { since, until, isEmpty, isSnapshot, newest, request } = planned
  const end = until === newest.version ? newest : await readSnapshot(newest.store, { version: Math.max(until, 0) })
  const total = sizeOf(end).rows
  const times = isEmpty ? [] : await timesOf(planned)
  const counts = isEmpty
    ? NO_COUNTS
    : isSnapshot && total !== null && view.ops === undefined
      ? { ...NO_COUNTS, inserted: total, touched: total }
      : await countChanges(engine, planned, view)
  const { touched, ...rest } = counts
  return {
    schema: 'tributary.changes/1',
    table,
    since,
    until,
    net: request.net === true,
    snapshot: isSnapshot,
    commits: until - since,
    from: times[0] ?? null,
    to: times.at(-1) ?? null,
    keys: { touched: planned.key.length === 0 ? null : touched, total },
    ...rest,
  }
}

type Counts = Pick<ChangesSummary, 'inserted' | 'updated' | 'deleted' | 'columns' | 'samples'> & {
  readonly touched: number
}

const NO_COUNTS: Counts = { inserted: 0, updated: 0, deleted: 0, touched: 0, columns: [], samples: [] }

/** The times of the first and the last commit, as far as these are still there. */
async function timesOf({ newest, since, until }: PlannedChanges): Promise<readonly string[]> {
  const times: string[] = []
  for (const version of new Set([since + 1, until])) {
    if ((await newest.store.stat(`_delta_log/${String(version).padStart(20, '0')}.json`)) === undefined) continue
    for await (const { timestampMs } of readCommits(newest.store, { fromVersion: version, toVersion: version }))
      times.push(new Date(timestampMs).toISOString())
  }
  return times
}

/** One pass over the changes makes all numbers and keeps the samples. */
async function countChanges(engine: Engine, planned: PlannedChanges, view: ChangesView): Promise<Counts> {
  const fork = await engine.fork()
  try {
    const { sql, fields } = await changePairs(fork, planned, view)
    const isKey = new Set(planned.key.map((name) => name.toLowerCase()))
    const columns = fields.filter(({ name }) => !isKey.has(name.toLowerCase()))
    const key = [...planned.key].map((name) => `t.${quoteName(name)}`)
    const order = `ROW(${['t._commit_version', ...key].join(', ')})`
    const perColumn = columns.flatMap((field, index) => {
      const differs = `t.__before IS NOT NULL AND ${differsSql('t', field)}`
      return [
        `count(*) FILTER (WHERE ${differs}) AS __changed_${index}`,
        `count(*) FILTER (WHERE ${differs} AND ${beforeOf('t', field)} IS NULL) AS __was_${index}`,
        `count(*) FILTER (WHERE ${differs} AND t.${quoteName(field.name)} IS NULL) AS __is_${index}`,
      ]
    })
    const perOp = CHANGE_OPS.flatMap((op) => {
      const isOp = `WHERE t._change_type = ${quoteText(op)}`
      return [
        `count(*) FILTER (${isOp}) AS __${op}`,
        `arg_max(t, ${order}, ${SAMPLES_A_KIND}) FILTER (${isOp}) AS __samples_${op}`,
      ]
    })
    const [row] = await fork.all(`SELECT
      ${[...perOp, ...perColumn].join(',\n')},
      ${key.length === 0 ? '0' : `count(DISTINCT ROW(${key.join(', ')}))`} AS __touched,
      count(*) FILTER (WHERE t._change_type = 'update' AND t.__before IS NULL) AS __unpaired
      FROM (${sql}) t`)
    const counted = (name: string): number => Number(row?.[name] ?? 0)
    return {
      inserted: counted('__insert'),
      updated: counted('__update'),
      deleted: counted('__delete'),
      touched: counted('__touched'),
      columns:
        counted('__unpaired') > 0 || planned.key.length === 0
          ? null
          : columnsOf(
              columns.map(({ name }) => name),
              counted,
            ),
      samples: planned.key.length === 0 ? [] : await samplesOf(row, fields, planned),
    }
  } finally {
    await fork.close()
  }
}

function columnsOf(names: readonly string[], counted: (name: string) => number): readonly ColumnChanges[] {
  return names
    .map((column, index) => ({
      column,
      changed: counted(`__changed_${index}`),
      wasNull: counted(`__was_${index}`),
      isNull: counted(`__is_${index}`),
    }))
    .filter(({ changed }) => changed > 0)
    .toSorted((left, right) => right.changed - left.changed)
}

/** The kept rows as records; so few are made faster here than by a query of their own. */
async function samplesOf(
  row: Row | undefined,
  fields: readonly StructField[],
  { key, newest }: PlannedChanges,
): Promise<readonly JsonValue[]> {
  const kept = CHANGE_OPS.flatMap((op) => {
    const rows = row?.[`__samples_${op}`]
    return Array.isArray(rows) ? rows.filter(isRow).map((each) => ({ op, row: each })) : []
  })
  const sourceTimes = new Map<number, string>()
  for (const version of new Set(kept.map((each) => Number(each.row['_commit_version']))))
    for (const told of await readSourceTimes(newest.store, { fromVersion: version, toVersion: version }))
      sourceTimes.set(...told)
  const shape = { names: fields.map(({ name }) => name), key, sourceTimes }
  return kept.map((each) => recordOf(each.op, each.row, shape))
}

interface SampleShape {
  readonly names: readonly string[]
  readonly key: readonly string[]
  readonly sourceTimes: ReadonlyMap<number, string>
}

function recordOf(op: ChangeOp, row: Row, { names, key, sourceTimes }: SampleShape): JsonValue {
  const was = row['__before']
  const now = jsonRow(row, names)
  const before = isRow(was) ? jsonRow(was, names) : {}
  const isKey = new Set(key.map((name) => name.toLowerCase()))
  const changed = names.filter((name) => isRow(was) && !isSameJson(before[name] ?? null, now[name] ?? null))
  const only = (values: Readonly<Record<string, JsonValue>>): JsonValue =>
    Object.fromEntries(changed.map((name) => [name, values[name] ?? null]))
  return {
    op,
    key: Object.fromEntries(
      names.filter((name) => isKey.has(name.toLowerCase())).map((name) => [name, now[name] ?? null]),
    ),
    version: Number(row['_commit_version']),
    committed_at: String(row['_commit_timestamp']),
    source_at: sourceTimes.get(Number(row['_commit_version'])) ?? null,
    changed,
    before: op === 'insert' ? null : op === 'delete' ? now : only(before),
    after: op === 'delete' ? null : op === 'insert' ? now : only(now),
  }
}

function isRow(value: EngineValue | undefined): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
