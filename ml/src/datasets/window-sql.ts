// An aggregate over the rows of the last hours or days, as they were known at each time. A state of a row counts from when it is known and
// its time has come until it is replaced or falls out of the window, so each state is one interval of `at`:
//
//     counts in  [ max(known from + delay, time),  min(known until + delay, time + over) )
//
// It adds its value where its interval begins and takes it away where that ends; a running sum over these steps is the aggregate at any
// time. So a correction replaces what it corrects, a delete takes away, and a row that moves to another
// group leaves the old one. What is no difference of sums (min, quantile, last) joins the intervals themselves, found by buckets of time.
import { type DataType, type Engine, quoteName } from '@tributary/delta'
import { type Aggregate, isRunning } from './aggregate.ts'
import type { On } from './definition-schema.ts'
import { AT, microsSql, onSql, ROW_NUMBER, SPINE } from './join-sql.ts'
import { packSums, type Summand } from './pack-sums.ts'
import { finite, scaledTerms, type Terms, termsFor } from './terms.ts'

/** One window. */
export interface WindowRequest {
  readonly feature: string
  readonly on: On
  readonly time: string
  readonly overMs: number
  readonly delayMs: number
  readonly aggregates: readonly { readonly to: string; readonly of: Aggregate }[]
  readonly typeOf: (column: string) => DataType
}

/** SELECTs of the spine's row number and some of the columns each; together they give all. */
export async function windowSql(engine: Engine, states: string, request: WindowRequest): Promise<readonly string[]> {
  const running = request.aggregates.filter(({ of }) => isRunning(of))
  const ranged = request.aggregates.filter(({ of }) => !isRunning(of))
  return [
    ...(running.length === 0 ? [] : [await runningSql(engine, states, { ...request, aggregates: running })]),
    ...(ranged.length === 0 ? [] : [rangedSql(states, { ...request, aggregates: ranged })]),
  ]
}

/** The states with the interval of `at`, in microseconds, in which each counts. */
export function intervals(states: string, { on, time, overMs, delayMs }: WindowRequest): string {
  const at = `CAST(${quoteName(time)} AS TIMESTAMPTZ)`
  const isUsable = [...on.map(({ theirs }) => theirs), time]
    .map((name) => `${quoteName(name)} IS NOT NULL`)
    .join(' AND ')
  return `SELECT * FROM (
      SELECT *, ${microsSql(at)} AS "__time", greatest(${microsSql('"__from"', { plusMs: delayMs })}, ${microsSql(at)}) AS "__start",
        least(${microsSql('"__until"', { plusMs: delayMs })}, ${microsSql(at, { plusMs: overMs })}) AS "__end"
      FROM ${quoteName(states)} WHERE "__live" AND ${isUsable} AND isfinite(${at}))
    WHERE "__start" < "__end"`
}

interface Sums {
  /** What is summed, by the names under which the results know the sums. */
  readonly summands: ReadonlyMap<string, Summand>
  /** The aggregate from the running sums. */
  readonly results: readonly string[]
}

async function runningSql(engine: Engine, states: string, request: WindowRequest): Promise<string> {
  const { on } = request
  const { summands, results } = await planSums(engine, states, request)
  const packed = await packSums(engine, states, [...summands.values()])
  const ours = on.map((pair) => quoteName(pair.ours)).join(', ')
  const each = (write: (index: number) => string): string => packed.columns.map((_, index) => write(index)).join(', ')
  const place = (at: string, isRow: boolean): string => `${at} * 2 + ${isRow ? 1 : 0}`
  const sums = packed.sums((index) => `q${index}`)
  const names = [...summands.keys()].map((name, index) => `${sums[index]} AS ${name}`)
  // The spine's rows lie among the steps, each after all steps of its time, so one sort finds the sums of all. What begins also ends, and the
  // sums are exact: each group's steps add up to nothing, and the sums may run on from one group to the next.
  return `
    WITH groups AS MATERIALIZED (
      SELECT *, row_number() OVER () AS gid FROM (
        SELECT DISTINCT ${ours} FROM ${quoteName(SPINE)} WHERE ${on.map((pair) => `${quoteName(pair.ours)} IS NOT NULL`).join(' AND ')})
    ),
    spans AS MATERIALIZED (
      SELECT s.gid, t."__start", t."__end", ${each((index) => `t.p${index}`)} FROM (
        SELECT ${on.map(({ theirs }) => quoteName(theirs)).join(', ')}, "__start", "__end", ${each((index) => `${packed.columns[index]} AS p${index}`)}
        FROM (${intervals(states, request)})
      ) t JOIN groups s ON ${onSql(on, { ours: 's', theirs: 't' })}
      -- What adds nothing needs no steps: a flight that has not left yet, where departures are counted.
      WHERE ${packed.columns.map((_, index) => `t.p${index} <> 0`).join(' OR ')}
    ),
    steps(gid, place, n, ${each((index) => `p${index}`)}) AS (
      SELECT gid, ${place('"__start"', false)}, NULL, ${each((index) => `p${index}`)} FROM spans
      UNION ALL SELECT gid, ${place('"__end"', false)}, NULL, ${each((index) => `-p${index}`)} FROM spans
      UNION ALL SELECT gid, ${place(microsSql(quoteName(AT)), true)}, ${quoteName(ROW_NUMBER)}, ${each(() => '0')}
      FROM ${quoteName(SPINE)} JOIN groups USING (${ours})
    )
    SELECT n AS ${quoteName(ROW_NUMBER)}, ${results.join(', ')} FROM (
      SELECT n, ${names.join(', ')} FROM (
        SELECT n, ${each((index) => `sum(p${index}) OVER (ROWS UNBOUNDED PRECEDING) AS q${index}`)}
        FROM (SELECT * FROM steps ORDER BY gid, place)
      ) WHERE n IS NOT NULL
    ) t`
}

async function planSums(engine: Engine, states: string, { feature, aggregates, typeOf }: WindowRequest): Promise<Sums> {
  const summands = new Map<string, Summand>()
  const results: string[] = []
  const nameOf = (sql: string, isWhole = true): string => {
    const known = [...summands].find(([, other]) => other.sql === sql)?.[0]
    const name = known ?? `v${summands.size}`
    summands.set(name, { sql, isWhole })
    return name
  }
  const summed = new Map<string, Terms>()
  for (const { to, of } of aggregates) {
    const as = ` AS ${quoteName(to)}`
    if (of.column === undefined) {
      results.push(`CAST(coalesce(t.${nameOf('CAST(1 AS BIGINT)')}, 0) AS BIGINT)${as}`)
      continue
    }
    const column = quoteName(of.column)
    const type = typeOf(of.column)
    const present = type === 'float' || type === 'double' ? finite(column) : column
    const count = `t.${nameOf(`CAST(CASE WHEN (${present}) IS NULL THEN 0 ELSE 1 END AS BIGINT)`)}`
    if (of.kind === 'count') {
      results.push(`CAST(coalesce(${count}, 0) AS BIGINT)${as}`)
      continue
    }
    const own = summed.get(of.column) ?? (await termsFor(engine, { table: states, column: of.column, type, feature }))
    summed.set(of.column, own)
    if (of.kind === 'var' || of.kind === 'sd') {
      results.push(`${await spread(engine, { states, column, count, nameOf, isRoot: of.kind === 'sd' })}${as}`)
      continue
    }
    const total = `t.${nameOf(`coalesce(${own.term(column)}, 0)`, own.isWhole)}`
    const value = of.kind === 'sum' ? own.sum(total) : `${own.double(total)} / CAST(${count} AS DOUBLE)`
    results.push(`CASE WHEN ${count} > 0 THEN ${value} END${as}`)
  }
  return { summands, results }
}

/** The sample variance by sums of differences from a middle value: squares of large numbers that lie close together would say nothing. */
async function spread(
  engine: Engine,
  {
    states,
    column,
    count,
    nameOf,
    isRoot,
  }: {
    readonly states: string
    readonly column: string
    readonly count: string
    readonly nameOf: (sql: string, isWhole: boolean) => string
    readonly isRoot: boolean
  },
): Promise<string> {
  const value = finite(`CAST(${column} AS DOUBLE)`)
  const [row] = await engine.all(
    `SELECT quantile_cont(${value}, 0.5) AS middle FROM ${quoteName(states)} WHERE "__live" AND ${value} IS NOT NULL`,
  )
  const middle = Number(row?.['middle'] ?? 0)
  const difference = `(${value} - ${middle}::DOUBLE)`
  const first = await scaledTerms(engine, { table: states, value: difference })
  const second = await scaledTerms(engine, { table: states, value: `${difference} * ${difference}` })
  const sum = first.double(`t.${nameOf(`coalesce(${first.term(difference)}, 0)`, first.isWhole)}`)
  const squares = second.double(
    `t.${nameOf(`coalesce(${second.term(`${difference} * ${difference}`)}, 0)`, second.isWhole)}`,
  )
  const n = `CAST(${count} AS DOUBLE)`
  // Equal values have no spread: what is left of two roundings would be one, and its root is seven digits larger.
  const rest = `(${squares} - ${sum} * ${sum} / ${n})`
  const variance = `CASE WHEN ${rest} > ${squares} * ${ROUNDING} THEN ${rest} / (${n} - 1) ELSE 0::DOUBLE END`
  return `CASE WHEN ${count} > 1 THEN ${isRoot ? `sqrt(${variance})` : variance} END`
}

/** The squares, the sum and its square are rounded six times, to 53 bits each. */
const ROUNDING = `${2 ** -50}::DOUBLE`

// The first moment that DuckDB's timestamps know, so that whole division never meets a number below zero.
const ORIGIN_US = '-210866803200000000'

function rangedSql(states: string, request: WindowRequest): string {
  const { on, overMs, aggregates, typeOf } = request
  const width = BigInt(Math.round(overMs)) * 1000n
  const bucket = (micros: string, minusUs = 0): string => `((${micros} - ${minusUs} - ${ORIGIN_US}) // ${width})`
  const results = aggregates.map(({ to, of }) => `${rangedResult(of, typeOf)} AS ${quoteName(to)}`)
  const at = microsSql(`s.${quoteName(AT)}`)
  // A row counts for no longer than the window is wide, so it lies in two buckets at most and meets only the spine's rows of these.
  return `
    WITH spans AS (
      SELECT *, unnest(range(${bucket('"__start"')}, ${bucket('"__end"', 1)} + 1)) AS "__bucket" FROM (${intervals(states, request)})
    )
    SELECT s.${quoteName(ROW_NUMBER)}, ${results.join(', ')}
    FROM ${quoteName(SPINE)} s JOIN spans t
    ON ${onSql(on, { ours: 's', theirs: 't' })} AND ${bucket(at)} = t."__bucket" AND ${at} >= t."__start" AND ${at} < t."__end"
    GROUP BY s.${quoteName(ROW_NUMBER)}`
}

function rangedResult({ kind, column, at }: Aggregate, typeOf: (column: string) => DataType): string {
  const name = column ?? ''
  const type = typeOf(name)
  const value = type === 'float' || type === 'double' ? finite(`t.${quoteName(name)}`) : `t.${quoteName(name)}`
  switch (kind) {
    case 'min':
    case 'max':
      return `${kind}(${value})`
    case 'last':
      // Missing values are passed over; of rows of one time the one that was written last decides.
      return `arg_max(${value}, {t: t."__time", o: t."__order"})`
    default:
      return `quantile_cont(CAST(${value} AS DOUBLE), ${at ?? 0.5})`
  }
}
