import type { EngineValue, Row } from '@tributary/delta'

/** A value as the command line prints it in JSON. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** The named columns of a row, by the rules of design §6: integers beyond 2^53 and odd numbers as text, binary as base64. */
export function jsonRow(row: Row, columns: readonly string[]): Readonly<Record<string, JsonValue>> {
  const values: Record<string, JsonValue> = Object.create(null)
  for (const column of columns) values[column] = jsonValue(row[column] ?? null)
  return values
}

/** Whether two values print the same. */
export function isSameJson(left: JsonValue, right: JsonValue): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function jsonValue(value: EngineValue): JsonValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (isList(value)) return value.map(jsonValue)
  return jsonRow(value, Object.keys(value))
}

function isList(value: object): value is readonly EngineValue[] {
  return Array.isArray(value)
}
