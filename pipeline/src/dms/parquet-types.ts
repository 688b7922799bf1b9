import { duckdbType, quoteText } from '@tributary/delta'
import type { ColumnType } from '../config/table-settings.ts'
import { type ValueSql, valueSql } from './value-sql.ts'

// dms-format.md §6. Delta has no unsigned integers and no time of day.
const TYPES: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'byte',
  UTINYINT: 'short',
  SMALLINT: 'short',
  USMALLINT: 'integer',
  INTEGER: 'integer',
  UINTEGER: 'long',
  BIGINT: 'long',
  UBIGINT: 'decimal(20,0)',
  FLOAT: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIME: 'string',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  TIMESTAMP_NS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  VARCHAR: 'string',
  UUID: 'string',
  BLOB: 'binary',
}

/** The Delta type for a Parquet column by DuckDB's name of its type; undefined for nested ones. */
export function typeOfParquet(fileType: string): ColumnType | undefined {
  const [, precision, scale] = /^DECIMAL\(([0-9]+),([0-9]+)\)$/.exec(fileType) ?? []
  return precision === undefined || scale === undefined
    ? TYPES[fileType]
    : `decimal(${Number(precision)},${Number(scale)})`
}

/** SQL that brings a Parquet column to a Delta type; NULL where that would lose something. */
export function parquetValueSql(column: string, fileType: string, type: ColumnType): ValueSql {
  if (fileType === 'VARCHAR') return type === 'string' ? { value: column, isCut: undefined } : valueSql(column, type)
  const target = duckdbType(type)
  if (fileType === target) return { value: column, isCut: undefined }
  if (type === 'string') return { value: `CAST(${column} AS VARCHAR)`, isCut: undefined }
  if (fileType === 'TIMESTAMP_NS' && (type === 'timestamp' || type === 'timestamp_ntz')) {
    return { value: `CAST(CAST(${column} AS TIMESTAMP) AS ${target})`, isCut: `(epoch_ns(${column}) % 1000 <> 0)` }
  }
  // A cast that comes back to the same value lost nothing.
  return {
    value: `CASE WHEN TRY_CAST(TRY_CAST(${column} AS ${target}) AS ${fileType}) = ${column} THEN TRY_CAST(${column} AS ${target}) END`,
    isCut: undefined,
  }
}

const INTEGERS: readonly ColumnType[] = ['byte', 'short', 'integer', 'long']
const INTEGER_DIGITS = [3, 5, 10, 19] as const

/** Whether every value of `from` is one of `to`, and `to` holds more. */
export function isWidening(from: ColumnType, to: ColumnType): boolean {
  if (from === 'float' && to === 'double') return true
  const [wide, narrow] = [decimalOf(to), decimalOf(from)]
  if (INTEGERS.includes(from) && INTEGERS.includes(to)) return INTEGERS.indexOf(to) > INTEGERS.indexOf(from)
  if (wide === undefined || narrow === undefined) return false
  return (
    from !== to &&
    wide.scale >= narrow.scale &&
    wide.precision - wide.scale >= narrow.precision - narrow.scale &&
    !INTEGERS.includes(to)
  )
}

function decimalOf(type: ColumnType): { readonly precision: number; readonly scale: number } | undefined {
  const digits = INTEGER_DIGITS[INTEGERS.indexOf(type)]
  if (digits !== undefined) return { precision: digits, scale: 0 }
  const [, precision, scale] = /^decimal\(([0-9]+),([0-9]+)\)$/.exec(type) ?? []
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) }
}

/** SQL text for one column of a Parquet row as JSON. */
export function jsonRowSql(columns: readonly { readonly name: string; readonly sql: string }[]): string {
  return `CAST(json_object(${columns.flatMap(({ name, sql }) => [quoteText(name), sql]).join(', ')}) AS VARCHAR)`
}
