// Values that people hand in, on their way into DuckDB: each becomes a text that a strict cast turns into the column's type. DuckDB's own
// casts are lenient (1.7 becomes 2), so what does not fit is refused here.

import type { AppendValue } from '../duckdb/append.ts'
import { rowInvalid } from '../errors.ts'
import type { DataType, StructField } from '../protocol/schema.ts'

/**
 * A value of a row: 64-bit integers as bigint or safe number, decimals as text, dates as `2026-01-31` or Date, timestamps as ISO text or Date,
 * binary as bytes, arrays as lists, records as objects, maps as lists of `{ key, value }`. undefined is NULL.
 */
export type CellValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly CellValue[]
  | { readonly [name: string]: CellValue }

/** The value to append for a column of this type, to be cast by `cellSql`. Throws `ROW_INVALID`. */
export function encodeCell(field: StructField, value: CellValue): AppendValue {
  if (value === null || value === undefined) return null
  if (typeof field.type !== 'string') return encodeJson(field.type, value, field.name)
  return encodePrimitive(field.type, value, field.name)
}

/** SQL that turns an appended text into a value of the type. `type` is DuckDB's. */
export function cellSql(field: StructField, column: string, type: string): string {
  if (field.type === 'binary') return `unhex(${column})`
  return typeof field.type === 'string' ? `CAST(${column} AS ${type})` : `CAST(CAST(${column} AS JSON) AS ${type})`
}

type Primitive = Extract<DataType, string>
type Given = NonNullable<CellValue>

const INTEGER_BITS: Readonly<Record<string, bigint>> = { byte: 8n, short: 16n, integer: 32n, long: 64n }

function encodePrimitive(type: Primitive, value: Given, name: string): string {
  const bits = INTEGER_BITS[type]
  if (bits !== undefined) return integerText(value, { type, bits, name })
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : refuse(type, value, name)
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : refuse(type, value, name)
    case 'float':
    case 'double':
      return typeof value === 'number' ? String(value) : refuse(type, value, name)
    case 'binary':
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : refuse(type, value, name)
    case 'date':
      return matching(/^[+-]?\d{4,6}-\d\d-\d\d$/, isoText(value)?.slice(0, 10) ?? value, { type, name })
    case 'timestamp':
      return matching(
        /^[+-]?\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$/,
        isoText(value) ?? value,
        {
          type,
          name,
        },
      )
    case 'timestamp_ntz':
      return matching(/^[+-]?\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$/, isoText(value)?.slice(0, -1) ?? value, {
        type,
        name,
      })
    case 'void':
    case 'variant':
      return refuse(type, value, name)
    default:
      return decimalText(type, value, name)
  }
}

function isoText(value: Given): string | undefined {
  return value instanceof Date ? value.toISOString() : undefined
}

function matching(
  pattern: RegExp,
  value: Given,
  { type, name }: { readonly type: string; readonly name: string },
): string {
  return typeof value === 'string' && pattern.test(value) ? value : refuse(type, value, name)
}

function integerText(
  value: Given,
  { type, bits, name }: { readonly type: string; readonly bits: bigint; readonly name: string },
): string {
  const isInteger =
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?\d{1,19}$/.test(value))
  if (!isInteger) return refuse(type, value, name)
  const number = BigInt(value)
  const limit = 2n ** (bits - 1n)
  return number >= -limit && number < limit ? String(number) : refuse(type, value, name)
}

function decimalText(type: string, value: Given, name: string): string {
  const [, precision = '0', scale = '0'] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? []
  const text = typeof value === 'string' || typeof value === 'bigint' || typeof value === 'number' ? String(value) : ''
  const [, digits, fraction = ''] = /^[+-]?(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  const fits =
    digits !== undefined &&
    fraction.replace(/0+$/, '').length <= Number(scale) &&
    digits.replace(/^0+/, '').length <= Number(precision) - Number(scale)
  return fits ? text : refuse(type, value, name)
}

/** JSON that has every field of the type, since DuckDB's cast asks for all of them. */
function encodeJson(type: DataType, value: CellValue, name: string): string {
  if (value === null || value === undefined) return 'null'
  if (typeof type === 'string') {
    // JSON has no bytes, and DuckDB would take the text for them.
    if (type === 'binary') return refuse('binary inside of a nested column', value, name)
    return JSON.stringify(encodePrimitive(type, value, name))
  }
  switch (type.type) {
    case 'array':
      if (!isList(value)) return refuse('array', value, name)
      return `[${value.map((item) => encodeJson(type.elementType, item, name)).join(',')}]`
    case 'struct': {
      if (!isRecord(value)) return refuse('struct', value, name)
      const unknown = Object.keys(value).find((key) => !type.fields.some((field) => field.name === key))
      if (unknown !== undefined) throw rowInvalid(`${name} has no field ${JSON.stringify(unknown)}`)
      const members = type.fields.map(
        (field) =>
          `${JSON.stringify(field.name)}:${encodeJson(field.type, Object.hasOwn(value, field.name) ? value[field.name] : null, name)}`,
      )
      return `{${members.join(',')}}`
    }
    case 'map': {
      if (type.keyType !== 'string') return refuse('map with keys that are no texts', value, name)
      if (!isList(value)) return refuse('map', value, name)
      const members = value.map((entry) => {
        if (!isRecord(entry) || typeof entry['key'] !== 'string') return refuse('map', value, name)
        return `${JSON.stringify(entry['key'])}:${encodeJson(type.valueType, entry['value'], name)}`
      })
      return `{${members.join(',')}}`
    }
  }
}

function isList(value: CellValue): value is readonly CellValue[] {
  return Array.isArray(value)
}

function isRecord(value: CellValue): value is { readonly [name: string]: CellValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  )
}

function refuse(type: string, value: Given, name: string): never {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw rowInvalid(`${shown.slice(0, 100)} is no ${type}, which column ${name} holds`)
}
