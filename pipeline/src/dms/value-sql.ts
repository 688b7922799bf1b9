// Law 7 and dms-format.md §5: the text forms that are values, as SQL. DuckDB's casts take far more (`1.7` for an integer,
// `0x10`, `1_000`, `epoch`, `24:00:00`, a rounded decimal) and are no check. A cast that goes back to the same text is one,
// and costs next to nothing; only what does not go back is looked at with a regular expression.
import { duckdbType, quoteText } from '@tributary/delta'
import type { ColumnType } from '../config/table-settings.ts'

/** SQL over a text column. */
export interface ValueSql {
  /** The typed value; NULL when the text is NULL or is no value. */
  readonly value: string
  /** True when the value lost digits that were not zero; undefined where that cannot be. */
  readonly isCut: string | undefined
}

/** SQL that reads `text`, a VARCHAR expression, as a Delta type. */
export function valueSql(text: string, type: ColumnType): ValueSql {
  const name = duckdbType(type)
  const whole = (value: string): ValueSql => ({ value, isCut: undefined })
  switch (type) {
    case 'string':
      return whole(text)
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return whole(sameText(text, name, `WHEN ${matches(text, '[+-]?[0-9]+')} THEN TRY_CAST(${text} AS ${name})`))
    case 'float':
    case 'double':
      return whole(floatSql(text, name))
    case 'boolean':
      return whole(
        `CASE WHEN lower(${text}) IN ('true', 't', '1', 'y') THEN true WHEN lower(${text}) IN ('false', 'f', '0', 'n') THEN false END`,
      )
    case 'binary':
      return whole(
        `CASE WHEN ${matches(text, '(0[xX])?([0-9a-fA-F]{2})*')} THEN unhex(CASE WHEN ${text}[2:2] IN ('x', 'X') THEN ${text}[3:] ELSE ${text} END) END`,
      )
    case 'date':
      // The length keeps `infinity` out, which goes back to the same text too.
      return whole(
        `CASE WHEN strlen(${text}) = 10 AND CAST(TRY_CAST(${text} AS DATE) AS VARCHAR) = ${text} THEN TRY_CAST(${text} AS DATE) END`,
      )
    case 'timestamp':
    case 'timestamp_ntz':
      return timestampSql(text, name)
    default:
      return whole(decimalSql(text, type, name))
  }
}

function sameText(text: string, type: string, otherwise: string): string {
  return `CASE WHEN CAST(TRY_CAST(${text} AS ${type}) AS VARCHAR) = ${text} THEN TRY_CAST(${text} AS ${type}) ${otherwise} END`
}

function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, ${quoteText(pattern)})`
}

function decimalSql(text: string, type: string, name: string): string {
  const scale = Number(/,([0-9]+)\)$/.exec(type)?.[1] ?? 0)
  const kept = scale === 0 ? '' : `(\\.[0-9]{1,${scale}})?`
  const zeros = scale === 0 ? '(\\.0+)?' : `(\\.[0-9]{1,${scale}}0*)?`
  // Further zeros are cut before the cast: they could overflow it.
  return sameText(
    text,
    name,
    `WHEN ${matches(text, `[+-]?[0-9]+${zeros}`)} THEN TRY_CAST(regexp_extract(${text}, ${quoteText(`^[+-]?[0-9]+${kept}`)}) AS ${name})`,
  )
}

function floatSql(text: string, name: string): string {
  return `CASE
    WHEN isfinite(TRY_CAST(${text} AS ${name})) THEN CASE WHEN CAST(TRY_CAST(${text} AS ${name}) AS VARCHAR) = ${text}
      OR ${matches(text, '[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?')} THEN TRY_CAST(${text} AS ${name}) END
    WHEN lower(${text}) = 'nan' THEN 'nan'::${name}
    WHEN ${matches(text, '(?i)\\+?inf(inity)?')} THEN 'inf'::${name}
    WHEN ${matches(text, '(?i)-inf(inity)?')} THEN '-inf'::${name} END`
}

const TIMESTAMP = '[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?'
const MICROSECONDS_LENGTH = 26

function timestampSql(text: string, name: string): ValueSql {
  const cut = `left(${text}, ${MICROSECONDS_LENGTH})`
  const value = `CASE
    WHEN strlen(${text}) = 19 AND CAST(TRY_CAST(${text} AS TIMESTAMP) AS VARCHAR) = ${text} THEN TRY_CAST(${text} AS TIMESTAMP)
    WHEN ${matches(text, TIMESTAMP)} AND ${text}[1:4] <> '0000' THEN TRY_CAST(${cut} AS TIMESTAMP) END`
  return {
    // The connection's zone is UTC, so the cast to a zoned type keeps the wall clock.
    value: name === 'TIMESTAMP' ? value : `CAST(${value} AS ${name})`,
    isCut: `(strlen(${text}) > ${MICROSECONDS_LENGTH} AND ${matches(text, `${TIMESTAMP.slice(0, -'(\\.[0-9]+)?'.length)}\\.[0-9]{6}[0-9]*[1-9][0-9]*`)})`,
  }
}
