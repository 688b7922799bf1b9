// A value in the JSON of a log beside the value that a feature's table holds: how both become comparable, by the type of the column.

import { type DataType, duckdbType, jsonValueSql, quoteText } from '@tributary/delta'

/** How far floating numbers may be apart, as a share of the greater: both sides round. */
const RELATIVE_MAX = 1e-12

/** Where a name is in a JSON object, as DuckDB takes it. */
export function jsonPath(name: string): string {
  return quoteText(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

/** SQL of a value in `__text`; NULL where it is null, is not there, or is none of the type. */
export function servedValue(name: string, type: DataType): string {
  const path = jsonPath(name)
  const kind = `json_type(__text, ${path})`
  const text = `json_extract_string(__text, ${path})`
  const only = (kinds: readonly string[], value: string): string =>
    `CASE WHEN ${kind} IN (${kinds.map(quoteText).join(', ')}) THEN ${value} END`
  if (typeof type !== 'string')
    return only(['ARRAY', 'OBJECT'], `TRY_CAST(json_extract(__text, ${path}) AS ${duckdbType(type)})`)
  if (type === 'boolean') return only(['BOOLEAN'], `TRY_CAST(${text} AS BOOLEAN)`)
  if (type === 'string' || type === 'binary') return only(['VARCHAR'], text)
  if (type === 'variant') return `CASE WHEN ${kind} <> 'NULL' THEN CAST(json_extract(__text, ${path}) AS VARCHAR) END`
  const wide = wideType(type)
  // A number may come as text: JSON has no NaN, and readers round large integers.
  if (wide !== undefined) return only([...NUMBERS, 'VARCHAR'], `TRY_CAST(${text} AS ${wide})`)
  return only(['VARCHAR'], `TRY_CAST(${text} AS ${duckdbType(type)})`)
}

const NUMBERS = ['BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE']
const DIGITS_MAX = 38

/** SQL of the value that the table holds, in the type of `servedValue`. */
export function storedValue(column: string, type: DataType): string {
  if (type === 'binary') return `to_base64(${column})`
  if (type === 'variant') return jsonValueSql(type, column)
  const wide = typeof type === 'string' ? wideType(type) : undefined
  return wide === undefined ? column : `CAST(${column} AS ${wide})`
}

/** SQL that is true when two values that are there are equal. */
export function equalSql(served: string, stored: string, type: DataType): string {
  if (type !== 'double' && type !== 'float') return `${served} = ${stored}`
  // Of infinities the difference is no number. NaN equals NaN here, as it does in DuckDB.
  return `(${served} = ${stored} OR (isfinite(${served}) AND isfinite(${stored})
    AND abs(${served} - ${stored}) <= ${RELATIVE_MAX} * greatest(abs(${served}), abs(${stored}))))`
}

/** SQL of how far two numbers are apart; NULL for what is no number. */
export function distanceSql(served: string, stored: string, type: DataType): string {
  if (typeof type !== 'string' || wideType(type) === undefined) return 'NULL::DOUBLE'
  const [a, b] = [`CAST(${served} AS DOUBLE)`, `CAST(${stored} AS DOUBLE)`]
  return `CASE WHEN isfinite(${a}) AND isfinite(${b}) THEN ${isFloating(type) ? `abs(${a} - ${b})` : `CAST(abs(${served} - ${stored}) AS DOUBLE)`} END`
}

/** The type in which numbers are compared: 2.5 must not become a 3 on the way to a column of whole numbers. */
function wideType(type: string): string | undefined {
  if (isFloating(type)) return duckdbType(type === 'float' ? 'float' : 'double')
  if (['byte', 'short', 'integer', 'long'].includes(type)) return `DECIMAL(${DIGITS_MAX}, 18)`
  const [, precision, scale] = /^decimal\((\d+),\s*(\d+)\)$/.exec(type) ?? []
  return precision === undefined
    ? undefined
    : `DECIMAL(${DIGITS_MAX}, ${DIGITS_MAX - (Number(precision) - Number(scale))})`
}

function isFloating(type: string): boolean {
  return type === 'float' || type === 'double'
}
