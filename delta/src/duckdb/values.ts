// What comes out of DuckDB, as plain data:
//   BOOLEAN boolean · 8- to 32-bit integers, FLOAT, DOUBLE number · 64-bit and wider integers bigint · DECIMAL text with its digits
//   VARCHAR text · BLOB Uint8Array · DATE `2026-01-31` · TIMESTAMP `2026-01-31T23:59:59.123456`, with time zone the same and `Z`
//   VARIANT JSON text
//   LIST, ARRAY array · STRUCT object without a prototype · MAP list of { key, value } · anything else its text

import type * as DuckDB from '@duckdb/node-api'

/** A struct, or a row: by name, without a prototype. */
export interface EngineStruct {
  readonly [name: string]: EngineValue
}

/** A value as it comes out of the engine; the list above says which type becomes what. */
export type EngineValue = null | boolean | number | bigint | string | Uint8Array | readonly EngineValue[] | EngineStruct

/** One row by column name; the object has no prototype, so a column may be called `__proto__`. */
export type Row = EngineStruct

/** Some rows of a result, stored by column. */
export interface Batch {
  readonly columns: readonly string[]
  readonly rowCount: number
  /** `values[column][row]` */
  readonly values: readonly (readonly EngineValue[])[]
}

/** The rows of a batch as objects. */
export function batchRows(batch: Batch): readonly Row[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    emptyStruct(batch.columns.map((name, column) => [name, batch.values[column]?.[row] ?? null])),
  )
}

/** Turn DuckDB's own value into plain data. */
export function plainValue(api: typeof DuckDB, value: DuckDB.DuckDBValue): EngineValue {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof api.DuckDBTimestampTZValue) return zoned(timestampText(value))
  if (value instanceof api.DuckDBTimestampValue) return timestampText(value)
  if (value instanceof api.DuckDBDateValue) return dateText(value)
  if (value instanceof api.DuckDBBlobValue) return value.bytes
  if (value instanceof api.DuckDBVariantValue) return variantText(api, value)
  if (value instanceof api.DuckDBListValue || value instanceof api.DuckDBArrayValue)
    return value.items.map((item) => plainValue(api, item))
  if (value instanceof api.DuckDBStructValue)
    return emptyStruct(Object.entries(value.entries).map(([name, inner]) => [name, plainValue(api, inner)]))
  if (value instanceof api.DuckDBMapValue) {
    return value.entries.map((entry) =>
      emptyStruct([
        ['key', plainValue(api, entry.key)],
        ['value', plainValue(api, entry.value)],
      ]),
    )
  }
  return String(value)
}

function variantText(api: typeof DuckDB, value: DuckDB.DuckDBValue): string {
  if (value instanceof api.DuckDBVariantValue) return variantText(api, value.value)
  if (value instanceof api.DuckDBListValue) return `[${value.items.map((item) => variantText(api, item)).join(',')}]`
  if (value instanceof api.DuckDBStructValue) {
    const fields = Object.entries(value.entries)
    return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${variantText(api, inner)}`).join(',')}}`
  }
  const plain = plainValue(api, value)
  if (typeof plain === 'bigint' || value instanceof api.DuckDBDecimalValue) return String(plain)
  if (typeof plain === 'number' && !Number.isFinite(plain)) return JSON.stringify(String(plain))
  return JSON.stringify(plain instanceof Uint8Array ? Buffer.from(plain).toString('base64') : plain)
}

function emptyStruct(entries: readonly (readonly [string, EngineValue])[]): EngineStruct {
  const struct: Record<string, EngineValue> = Object.create(null)
  for (const [name, value] of entries) struct[name] = value
  return struct
}

// DuckDB's years reach further than a JavaScript Date's: those keep DuckDB's own spelling, as do the infinities.
const DATE_DAYS_MAX = 100_000_000
const DATE_MICROS_MAX = 8_640_000_000_000_000_000n

function dateText(value: DuckDB.DuckDBDateValue): string {
  if (!value.isFinite) return infinity(value.days)
  return Math.abs(value.days) > DATE_DAYS_MAX ? String(value) : isoText(value.days * 86_400_000).slice(0, -14)
}

function timestampText(value: DuckDB.DuckDBTimestampValue | DuckDB.DuckDBTimestampTZValue): string {
  const { micros } = value
  if (!value.isFinite) return infinity(micros)
  if (micros > DATE_MICROS_MAX || micros < -DATE_MICROS_MAX) return String(value)
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((micros - fraction) / 1_000_000n)
  return `${isoText(seconds * 1000).slice(0, -5)}.${String(fraction).padStart(6, '0')}`
}

function infinity(sign: number | bigint): string {
  return sign < 0 ? '-infinity' : 'infinity'
}

function zoned(text: string): string {
  return text.endsWith('infinity') ? text : `${text}Z`
}

function isoText(ms: number): string {
  return new Date(ms).toISOString().replace(/^\+0?(?=\d{5})/, '')
}
