// Law 7 and dms-format.md §5: the text forms that are values, as SQL. DuckDB's casts take far more (`1.7` for an integer,
// `0x10`, `1_000`, `epoch`, `24:00:00`, a rounded decimal) and are no check. A cast that goes back to the same text is one,
// and costs next to nothing; only what does not go back is looked at with a regular expression. The form in which DMS
// itself writes has SQL of its own, a third of the other's length: for a small batch, planning is most of the work.
import { duckdbType, quoteText } from '@tributary/delta'
import type { ColumnType } from '../config/table-settings.ts'

/** SQL over a text column. */
export interface ValueSql {
  /** The typed value; NULL when the text is NULL or is no value. */
  readonly value: string
  /** True when the value lost digits that were not zero; undefined where that cannot be. */
  readonly isCut: string | undefined
}

/** The type to which a text is first cast, to see whether it goes back; undefined for types that need no cast. */
export function castType(type: ColumnType): string | undefined {
  if (type === 'string' || type === 'boolean' || type === 'binary') return undefined
  return type === 'timestamp' || type === 'timestamp_ntz' ? 'TIMESTAMP' : duckdbType(type)
}

/** SQL over a text column for the usual form of a type. */
export interface UsualSql {
  /** The typed value where the text has the usual form. */
  readonly value: string
  /** True where the text has another form, or is no value at all; false or NULL for a NULL text. */
  readonly isOdd: string
}

/** SQL that reads `text` in the one form that DMS writes; undefined for a type that has several. `cast` as in `valueSql`. */
export function usualSql(text: string, type: ColumnType, cast: string): UsualSql | undefined {
  const only = (isUsual: string): string => `(${text} IS NOT NULL AND (${cast} IS NULL OR NOT (${isUsual})))`
  const isOther = `CAST(${cast} AS VARCHAR) IS DISTINCT FROM ${text}`
  // Going back costs half of what a regular expression does. DuckDB stops early in AND and OR, but not inside of a NOT.
  const isNeither = (pattern: string): string => `(${isOther} AND (${cast} IS NULL OR NOT ${matches(text, pattern)}))`
  switch (type) {
    case 'string':
    case 'binary':
      return undefined
    case 'boolean': {
      const value = `CASE ${text} WHEN 'true' THEN true WHEN 'false' THEN false WHEN '1' THEN true WHEN '0' THEN false END`
      return { value, isOdd: `(${text} IS NOT NULL AND ${value} IS NULL)` }
    }
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return { value: cast, isOdd: isOther }
    case 'float':
    case 'double':
      return { value: cast, isOdd: only(`isfinite(${cast}) AND ${matches(text, FLOAT)}`) }
    case 'date':
      return { value: cast, isOdd: `(strlen(${text}) <> 10 OR ${isOther})` }
    case 'timestamp':
    case 'timestamp_ntz':
      return {
        value: zonedSql(cast, duckdbType(type)),
        // The years keep the infinities out, which go back too.
        isOdd: `(${isNeither(TIMESTAMP)} OR strlen(${text}) > ${MICROSECONDS_LENGTH} OR ${cast} < TIMESTAMP '0001-01-01' OR ${cast} >= TIMESTAMP '10000-01-01')`,
      }
    default: {
      const scale = scaleOf(type)
      const usual = `[+-]?[0-9]+${scale === 0 ? '' : `(\\.[0-9]{1,${scale}})?`}`
      return { value: cast, isOdd: hasWholeDigits(type) ? isNeither(usual) : only(matches(text, usual)) }
    }
  }
}

/**
 * SQL that reads `text`, a VARCHAR expression, as a Delta type. `cast` is the text cast to `castType`, when that is at
 * hand under a name: DuckDB plans what is written twice twice.
 */
export function valueSql(
  text: string,
  type: ColumnType,
  cast = `TRY_CAST(${text} AS ${castType(type) ?? 'VARCHAR'})`,
): ValueSql {
  const name = duckdbType(type)
  const whole = (value: string): ValueSql => ({ value, isCut: undefined })
  switch (type) {
    case 'string':
      return whole(text)
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return whole(sameText(text, cast, `WHEN ${matches(text, '[+-]?[0-9]+')} THEN ${cast}`))
    case 'float':
    case 'double':
      return whole(floatSql(text, name, cast))
    case 'boolean':
      return whole(
        `CASE ${text} WHEN 'true' THEN true WHEN 'false' THEN false ELSE CASE WHEN lower(${text}) IN ('true', 't', '1', 'y') THEN true WHEN lower(${text}) IN ('false', 'f', '0', 'n') THEN false END END`,
      )
    case 'binary':
      return whole(
        `CASE WHEN ${matches(text, '(0[xX])?([0-9a-fA-F]{2})*')} THEN unhex(CASE WHEN ${text}[2:2] IN ('x', 'X') THEN ${text}[3:] ELSE ${text} END) END`,
      )
    case 'date':
      // The length keeps `infinity` out, which goes back to the same text too.
      return whole(`CASE WHEN strlen(${text}) = 10 AND CAST(${cast} AS VARCHAR) = ${text} THEN ${cast} END`)
    case 'timestamp':
    case 'timestamp_ntz':
      return timestampSql(text, name, cast)
    default:
      return whole(decimalSql(text, type, name, cast))
  }
}

function sameText(text: string, cast: string, otherwise: string): string {
  return `CASE WHEN CAST(${cast} AS VARCHAR) = ${text} THEN ${cast} ${otherwise} END`
}

function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, ${quoteText(pattern)})`
}

/** DuckDB writes a decimal that has fraction digits only without a zero in front, which is no legal form. */
function hasWholeDigits(type: string): boolean {
  return Number(/^decimal\(([0-9]+),/.exec(type)?.[1] ?? 0) > scaleOf(type)
}

function scaleOf(type: string): number {
  return Number(/,([0-9]+)\)$/.exec(type)?.[1] ?? 0)
}

function decimalSql(text: string, type: string, name: string, cast: string): string {
  const scale = scaleOf(type)
  const kept = scale === 0 ? '' : `(\\.[0-9]{1,${scale}})?`
  const zeros = scale === 0 ? '(\\.0+)?' : `(\\.[0-9]{1,${scale}}0*)?`
  // Further zeros are cut before the cast: they could overflow it.
  const otherwise = `WHEN ${matches(text, `[+-]?[0-9]+${zeros}`)} THEN TRY_CAST(regexp_extract(${text}, ${quoteText(`^[+-]?[0-9]+${kept}`)}) AS ${name})`
  return hasWholeDigits(type) ? sameText(text, cast, otherwise) : `CASE ${otherwise} END`
}

const FLOAT = '[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?'

function floatSql(text: string, name: string, cast: string): string {
  return `CASE
    WHEN isfinite(${cast}) THEN CASE WHEN CAST(${cast} AS VARCHAR) = ${text}
      OR ${matches(text, FLOAT)} THEN ${cast} END
    WHEN lower(${text}) = 'nan' THEN 'nan'::${name}
    WHEN ${matches(text, '(?i)\\+?inf(inity)?')} THEN 'inf'::${name}
    WHEN ${matches(text, '(?i)-inf(inity)?')} THEN '-inf'::${name} END`
}

const TIMESTAMP = '[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?'
const MICROSECONDS_LENGTH = 26

function timestampSql(text: string, name: string, cast: string): ValueSql {
  const cut = `left(${text}, ${MICROSECONDS_LENGTH})`
  const value = `CASE
    WHEN strlen(${text}) = 19 AND CAST(${cast} AS VARCHAR) = ${text} THEN ${cast}
    WHEN ${matches(text, TIMESTAMP)} AND ${text}[1:4] <> '0000' THEN TRY_CAST(${cut} AS TIMESTAMP) END`
  return {
    value: zonedSql(value, name),
    isCut: `(strlen(${text}) > ${MICROSECONDS_LENGTH} AND ${matches(text, `${TIMESTAMP.slice(0, -'(\\.[0-9]+)?'.length)}\\.[0-9]{6}[0-9]*[1-9][0-9]*`)})`,
  }
}

/** The text is UTC. A cast to the zoned type asks a calendar for each value, which takes twenty times as long. */
function zonedSql(value: string, name: string): string {
  return name === 'TIMESTAMP' ? value : `make_timestamptz(epoch_us(${value}))`
}
