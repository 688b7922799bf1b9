// Types for a table without `columns`: a type is taken only where every value goes back to the same text.
import { type Engine, quoteText } from '@tributary/delta'
import type { ColumnType } from '../config/table-settings.ts'
import { csvRelation, isForFastPath } from './fast-csv.ts'
import type { OpenedFile } from './open-file.ts'
import type { ReadPlan, SourceColumn } from './plan-read.ts'
import { rawName } from './relation-sql.ts'
import { STRICT_TABLE, stageRecords } from './strict-csv.ts'

// Room for values to come: the first load rarely holds the largest.
const DECIMAL_DIGITS_MIN = 18
const DECIMAL_DIGITS_MAX = 38
const NO_SUCH = 'CAST(NULL AS VARCHAR)'

/** The types that all values of a planned CSV file allow, by the source's column names. */
export async function inferTypes(engine: Engine, file: OpenedFile, plan: ReadPlan): Promise<readonly SourceColumn[]> {
  if (plan.columns.length === 0 || plan.rowCount === 0)
    return plan.columns.map(({ source }) => ({ name: source, type: 'string' }))
  let relation = csvRelation(file, plan)
  if (!isForFastPath(file) || plan.context.kind === 'transactions') {
    await stageRecords(engine, file, plan)
    relation = `SELECT * FROM temp.${STRICT_TABLE}`
  }
  const facts = plan.columns.flatMap(({ field }) => columnFacts(field, file.dialect.noSupMarker))
  const [row = {}] = await engine.all(`SELECT ${facts.join(', ')} FROM (${relation})`).catch(async () => {
    // DuckDB's reader gave up on a row: the strict one leaves it out.
    await stageRecords(engine, file, plan)
    return engine.all(`SELECT ${facts.join(', ')} FROM temp.${STRICT_TABLE}`)
  })
  const number = (name: string): number => Number(row[name] ?? 0)
  return plan.columns.map(({ source, field }): SourceColumn => {
    const c = rawName(field)
    return {
      name: source,
      type: typeOf({
        count: number(`${c}_count`),
        is: (kind) => row[`${c}_${kind}`] === true,
        scale: number(`${c}_scale`),
        digits: number(`${c}_digits`),
      }),
    }
  })
}

interface Facts {
  readonly count: number
  readonly is: (kind: 'long' | 'decimal' | 'date' | 'time' | 'boolean' | 'double') => boolean
  readonly scale: number
  readonly digits: number
}

function typeOf({ count, is, scale, digits }: Facts): ColumnType {
  if (count === 0) return 'string'
  if (is('long')) return 'long'
  const precision = Math.max(DECIMAL_DIGITS_MIN, digits + scale)
  if (is('decimal') && precision <= DECIMAL_DIGITS_MAX) return `decimal(${precision},${scale})`
  if (is('date')) return 'date'
  if (is('time')) return 'timestamp'
  if (is('boolean')) return 'boolean'
  return is('double') ? 'double' : 'string'
}

/** Aggregates over one column; an empty text counts as NULL, since it is one in every type but string. */
function columnFacts(field: number, noSupMarker: string | undefined): readonly string[] {
  const c = rawName(field)
  const filled = `nullif(${c}, '')`
  const text = noSupMarker === undefined ? filled : `nullif(${filled}, ${quoteText(noSupMarker)})`
  const decimal = `regexp_full_match(${text}, '-?(0|[1-9][0-9]*)\\.[0-9]+')`
  const point = `strpos(${text}, '.')`
  const same = (type: string): string =>
    `coalesce(CAST(TRY_CAST(${text} AS ${type}) AS VARCHAR), ${NO_SUCH}) IS NOT DISTINCT FROM ${text}`
  const time = `regexp_full_match(${text}, '[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?') AND TRY_CAST(${text} AS TIMESTAMP) IS NOT NULL`
  const all = (condition: string, name: string): string =>
    `bool_and(${condition}) FILTER (WHERE ${text} IS NOT NULL) AS ${c}_${name}`
  return [
    `count(${text}) AS ${c}_count`,
    all(same('BIGINT'), 'long'),
    `coalesce(bool_and(${decimal}) FILTER (WHERE ${text} IS NOT NULL) AND min(strlen(${text}) - ${point}) = max(strlen(${text}) - ${point}), false) AS ${c}_decimal`,
    `max(strlen(${text}) - ${point}) AS ${c}_scale`,
    `max(${point} - 1) AS ${c}_digits`,
    all(`strlen(${text}) = 10 AND ${same('DATE')}`, 'date'),
    `coalesce(bool_and(${time}) FILTER (WHERE ${text} IS NOT NULL) AND min(strlen(${text})) = max(strlen(${text})), false) AS ${c}_time`,
    all(`${text} IN ('true', 'false')`, 'boolean'),
    all(`isfinite(TRY_CAST(${text} AS DOUBLE)) AND ${same('DOUBLE')}`, 'double'),
  ]
}
