// Rows of two programs in one spelling, by the suite's FORMAT.md: times in microseconds, decimals by their digits, maps sorted.

import type { DataType, StructField } from '@tributary/delta'

/** A JSON value whose numbers keep their digits. */
type Json = null | boolean | string | Digits | readonly Json[] | { readonly [name: string]: Json }

class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Each line in canonical form, sorted. Throws where a line does not fit the schema. */
export function canonicalRows(lines: readonly string[], fields: readonly StructField[]): readonly string[] {
  return lines.map((line) => canonicalStruct(parseExact(line), fields, 'exact')).sort()
}

function parseExact(text: string): Json {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: Json, at: { source?: string }) => Json,
  ) => Json
  return parse(text, (_, value, { source }) => (typeof value === 'number' ? new Digits(source ?? '') : value))
}

function canonicalStruct(value: Json, fields: readonly StructField[], names: 'exact' | 'some'): string {
  const struct = parseObject(value)
  const known = new Set(fields.map(({ name }) => name))
  const strange = Object.keys(struct).filter((name) => !known.has(name))
  const missing = names === 'exact' ? [...known].filter((name) => !Object.hasOwn(struct, name)) : []
  if (strange.length + missing.length > 0) throw new Error(`columns differ: ${strange} too many, ${missing} missing`)
  return `{${fields.map(({ name, type }) => `${name}:${canonical(Object.hasOwn(struct, name) ? (struct[name] ?? null) : null, type)}`).join()}}`
}

function canonical(value: Json, type: DataType): string {
  if (value === null) return 'null'
  if (typeof type === 'string') return canonicalPrimitive(value, type)
  if (type.type === 'struct') return canonicalStruct(value, type.fields, 'some')
  if (type.type === 'array') return `[${parseList(value).map((item) => canonical(item, type.elementType))}]`
  const entries = Array.isArray(value) ? value : Object.entries(parseObject(value))
  const pairs = entries.map((entry: Json): string => {
    const [key, inner] = Array.isArray(entry) ? entry : [parseObject(entry)['key'], parseObject(entry)['value']]
    return `${canonical(key ?? null, type.keyType)}=${canonical(inner ?? null, type.valueType)}`
  })
  return `(${pairs.sort()})`
}

function canonicalPrimitive(value: Json, type: string): string {
  const text = typeof value === 'string' ? value : value instanceof Digits ? value.text : undefined
  if (type === 'variant') return canonicalVariant(value)
  if (type === 'boolean' && typeof value === 'boolean') return String(value)
  if (text === undefined) throw new Error(`${JSON.stringify(value)} for ${type}`)
  if (type === 'string') return JSON.stringify(text)
  if (type === 'double') return String(Number(text) + 0)
  if (type === 'float') return String(Math.fround(Number(text)) + 0)
  if (['byte', 'short', 'integer', 'long'].includes(type)) return String(BigInt(text))
  if (type.startsWith('decimal')) return canonicalDecimal(text)
  if (type.startsWith('timestamp')) return canonicalTime(text, type === 'timestamp')
  return text
}

function canonicalDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? []
  return whole === '' && fraction === '' ? '0' : `${sign}${whole}.${fraction}`
}

function canonicalTime(text: string, isZoned: boolean): string {
  const [, date, time, fraction = '', zone = ''] =
    /^([-+\d]+)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z?)$/.exec(text.trim()) ?? []
  if (date === undefined || (zone === 'Z') !== isZoned) throw new Error(`${text} is no such time`)
  return `${date}T${time}.${fraction.slice(0, 6).padEnd(6, '0')}${zone}`
}

function canonicalVariant(value: Json): string {
  if (value instanceof Digits) return String(Number(value.text) + 0)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalVariant)}]`
  const entries = Object.entries(parseObject(value)).map(([key, inner]) => `${key}:${canonicalVariant(inner)}`)
  return `{${entries.sort()}}`
}

function parseObject(value: Json): { readonly [name: string]: Json } {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Digits)
    throw new Error(`${JSON.stringify(value)} is no object`)
  return value as { readonly [name: string]: Json }
}

function parseList(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is no list`)
  return value
}
