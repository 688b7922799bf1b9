// No value of a row may have become known after its time. That is so by the way values are found; whether that way is right is asked here, on
// a sample, in the plainest way there is: of each row that may count, the newest change that was known in time, straight from the history.
import { type Engine, quoteName, type StructField } from '@tributary/delta'
import { historyTimeOrderSql } from '@tributary/pipeline'
import type { Aggregate } from './aggregate.ts'
import type { Definition, Feature } from './definition.ts'
import { type Extracted, ROWS } from './extract.ts'
import { type ExtractedFeature, typeOf } from './extract-features.ts'
import { AT, microsSql, onSql } from './join-sql.ts'
import type { GuardFinding } from './manifest.ts'
import { type Source, sourceSql } from './sources.ts'
import { knownSql, NEWEST_FIRST, SYSTEM } from './states.ts'
import { finite } from './terms.ts'

const ROWS_MAX = 100
const ROWS_MIN = 20
/** Each row of the sample may meet all changes of a history. */
const PAIRS_MAX = 5_000_000

type Timed = Feature & { readonly kind: 'asof' | 'window' }

/** Computes values of asof joins and windows anew, for the rows whose keys' digests come first. Nothing where there are none of them. */
export async function knownAfterAt(
  engine: Engine,
  definition: Definition,
  { features, fields }: Pick<Extracted, 'features' | 'fields'>,
): Promise<readonly GuardFinding[]> {
  const different: string[] = []
  const imprecise: string[] = []
  let columns = 0
  let most = 0
  for (const { feature, source } of features) {
    if (feature.kind !== 'asof' && feature.kind !== 'window') continue
    const { rows, values } = await compareFeature(engine, definition, { feature, source, fields })
    columns += values.length
    most = Math.max(most, rows)
    for (const { column, isExact, count } of values)
      if (count > 0) (isExact ? different : imprecise).push(`${column} (${count} of ${rows} rows)`)
  }
  if (columns === 0) return []
  const said = (which: readonly string[]): string =>
    `another value follows from what was known in time: ${which.join(', ')}. Please report this`
  if (different.length > 0) return [{ guard: 'known_after_at', outcome: 'failed', message: said(different) }]
  if (imprecise.length > 0) return [{ guard: 'known_after_at', outcome: 'warned', message: said(imprecise) }]
  return [
    {
      guard: 'known_after_at',
      outcome: 'passed',
      message: `${columns} columns of up to ${most} rows follow from what was known in time`,
    },
  ]
}

interface Request {
  readonly feature: Timed
  readonly source: ExtractedFeature['source']
  readonly fields: readonly StructField[]
}

interface Compared {
  readonly column: string
  /** Sums of floating numbers have other last digits in another order. */
  readonly isExact: boolean
  readonly count: number
}

async function compareFeature(
  engine: Engine,
  { knownAt }: Definition,
  { feature, source, fields }: Request,
): Promise<{ readonly rows: number; readonly values: readonly Compared[] }> {
  const read = readColumns(feature, source)
  const key = source.key.map(quoteName)
  const history = `SELECT ${read.map(quoteName).join(', ')}, ${SYSTEM.map(quoteName).join(', ')}, ${microsSql(knownSql(knownAt, key.join(', ')), { plusMs: knownAt.delayMs })} AS "__k"
    FROM (${await sourceSql(engine, source, [...read, ...SYSTEM])})`
  const [counted] = await engine.all(`SELECT count(*) AS n FROM (${await sourceSql(engine, source, source.key)})`)
  const limit = Math.max(ROWS_MIN, Math.min(ROWS_MAX, Math.floor(PAIRS_MAX / Math.max(1, Number(counted?.['n'])))))
  const ours = [...new Set(feature.on.map((pair) => quoteName(pair.ours)))].join(', ')
  const { picked, values } = feature.kind === 'asof' ? asofValues(feature) : windowValues(feature, source, fields)
  const at = microsSql(`s.${quoteName(AT)}`)
  const isThere = `${onSql(feature.on, { ours: 's', theirs: 'h' })} AND ${countsSql(feature, 'h', { at, delayMs: knownAt.delayMs })}`
  const differing = values.map(({ given, sql, scale }, index) => {
    const isOther = scale === undefined ? `${given} IS DISTINCT FROM (${sql})` : isFarSql(given, { sql, scale })
    return `count(*) FILTER (WHERE ${isOther}) AS d${index}`
  })
  const [row] = await engine.all(`
    WITH examples AS (SELECT * FROM ${quoteName(ROWS)} ORDER BY "__order" LIMIT ${limit}),
    sample AS MATERIALIZED (SELECT "__order" AS "__example", ${quoteName(AT)}, ${ours} FROM examples),
    history AS (${history}),
    -- Rows that may count: some change of them says so, though a newer one may say otherwise.
    candidates AS MATERIALIZED (
      SELECT DISTINCT s."__example", s.${quoteName(AT)}, ${source.key.map((name) => `h.${quoteName(name)}`).join(', ')}
      FROM sample s JOIN history h ON ${isThere} AND h."__k" <= ${at}
    ),
    newest AS (
      SELECT c."__example", h.* FROM candidates c JOIN history h
      ON ${source.key.map((name) => `c.${quoteName(name)} IS NOT DISTINCT FROM h.${quoteName(name)}`).join(' AND ')} AND h."__k" <= ${microsSql(`c.${quoteName(AT)}`)}
      QUALIFY row_number() OVER (PARTITION BY c."__example", ${source.key.map((name) => `h.${quoteName(name)}`).join(', ')} ORDER BY ${NEWEST_FIRST}) = 1
    ),
    live AS (
      SELECT h.*, row_number() OVER (PARTITION BY h."__example" ORDER BY ${historyTimeOrderSql()}) AS "__place"
      FROM newest h JOIN sample s USING ("__example") WHERE h."__op" <> 'D' AND ${isThere}
    ),
    picked AS (${picked})
    SELECT count(*) AS n, ${differing.join(', ')} FROM examples r LEFT JOIN picked p ON r."__order" = p."__example"`)
  return {
    rows: Number(row?.['n']),
    values: values.map(({ column, scale }, index) => ({
      column,
      isExact: scale === undefined,
      count: Number(row?.[`d${index}`]),
    })),
  }
}

function readColumns(feature: Timed, source: Source): readonly string[] {
  const own =
    feature.kind === 'asof'
      ? feature.select
      : [feature.time, ...Object.values(feature.agg).flatMap(({ column }) => column ?? [])]
  return [...new Set([...source.key, ...feature.on.map(({ theirs }) => theirs), ...own])]
}

/** Whether a change, if it is the newest, lets its row count at a time in microseconds. */
function countsSql(
  feature: Timed,
  from: string,
  { at, delayMs }: { readonly at: string; readonly delayMs: number },
): string {
  if (feature.kind === 'asof')
    return feature.max_age === undefined
      ? 'true'
      : `${at} <= ${from}."__k" - ${BigInt(delayMs) * 1000n} + ${BigInt(feature.max_age) * 1000n}`
  const time = `CAST(${from}.${quoteName(feature.time)} AS TIMESTAMPTZ)`
  return `isfinite(${time}) AND ${microsSql(time)} <= ${at} AND ${microsSql(time, { plusMs: feature.over })} > ${at}`
}

interface Values {
  /** One row for each row of the sample that has any. */
  readonly picked: string
  readonly values: readonly {
    readonly column: string
    /** What the dataset has, what follows anew, and, where digits may differ, by how large numbers it was computed. */
    readonly given: string
    readonly sql: string
    readonly scale: string | undefined
  }[]
}

function asofValues(feature: Timed & { readonly kind: 'asof' }): Values {
  return {
    picked: `SELECT * FROM live QUALIFY row_number() OVER (PARTITION BY "__example" ORDER BY "__k" DESC, "__place" DESC) = 1`,
    values: feature.select.map((name) => ({
      column: `${feature.as}_${name}`,
      given: `r.${quoteName(`${feature.as}_${name}`)}`,
      sql: `p.${quoteName(name)}`,
      scale: undefined,
    })),
  }
}

function windowValues(
  feature: Timed & { readonly kind: 'window' },
  source: Source,
  fields: readonly StructField[],
): Values {
  const aggregates = Object.entries(feature.agg).map(([name, of], index) => {
    const column = `${feature.as}_${name}`
    const type = fields.find((field) => field.name === column)?.type
    return { column, of, index, isWhole: type === 'long' || (typeof type === 'string' && type.startsWith('decimal(')) }
  })
  const items = aggregates.flatMap(({ of, index }) => {
    const { value, scale } = aggregateSql(of, source)
    return [`${value} AS a${index}`, `${scale} AS s${index}`]
  })
  return {
    picked: `SELECT "__example", ${items.join(', ')} FROM (SELECT *, ${microsSql(`CAST(${quoteName(feature.time)} AS TIMESTAMPTZ)`)} AS "__time" FROM live) t GROUP BY "__example"`,
    values: aggregates.map(({ column, of, index, isWhole }) => ({
      column,
      given: of.kind === 'sd' ? `r.${quoteName(column)} * r.${quoteName(column)}` : `r.${quoteName(column)}`,
      sql: of.kind === 'count' ? `coalesce(p.a${index}, 0)` : `p.a${index}`,
      scale: ['avg', 'var', 'sd'].includes(of.kind) || (of.kind === 'sum' && !isWhole) ? `p.s${index}` : undefined,
    })),
  }
}

/** An aggregate over the live rows, a deviation as its square. */
function aggregateSql(
  { kind, column, at }: Aggregate,
  source: Source,
): { readonly value: string; readonly scale: string } {
  if (column === undefined) return { value: 'count(*)', scale: 'NULL' }
  const type = typeOf(source, column)
  const name = quoteName(column)
  const value =
    type === 'float' || type === 'double' ? finite(name) : type === 'boolean' ? `CAST(${name} AS INTEGER)` : name
  const number = `CAST(${value} AS DOUBLE)`
  switch (kind) {
    case 'count':
      return { value: `count(${value})`, scale: 'NULL' }
    case 'sum':
      return {
        value: type === 'float' || type === 'double' ? `fsum(${number})` : `sum(${value})`,
        scale: `fsum(abs(${number}))`,
      }
    case 'avg':
      return { value: `favg(${number})`, scale: `favg(abs(${number}))` }
    case 'var':
    case 'sd': {
      const n = `count(${number})`
      const squares = `fsum(${number} * ${number})`
      return {
        value: `CASE WHEN ${n} > 1 THEN (${squares} - fsum(${number}) * favg(${number})) / (${n} - 1) END`,
        scale: squares,
      }
    }
    case 'last':
      return { value: `arg_max(${type === 'boolean' ? name : value}, {t: "__time", o: "__place"})`, scale: 'NULL' }
    case 'quantile':
      return { value: `quantile_cont(${number}, ${at ?? 0.5})`, scale: 'NULL' }
    default:
      return { value: `${kind}(${type === 'boolean' ? name : value})`, scale: 'NULL' }
  }
}

/** Whether two numbers are farther apart than sums of such numbers may be. */
function isFarSql(given: string, { sql, scale }: { readonly sql: string; readonly scale: string }): string {
  return `(${given} IS NULL) <> (${sql} IS NULL) OR (isfinite(${scale}) AND abs(CAST(${given} AS DOUBLE) - ${sql}) > 1e-6::DOUBLE * ${scale})`
}
