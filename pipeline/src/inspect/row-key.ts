import {
  duckdbType,
  filesThatMayHold,
  type PrimitiveType,
  quoteName,
  quoteText,
  type Snapshot,
  type StructField,
  type StructType,
} from '@tributary/delta'
import { keyTextInvalid } from '../errors.ts'
import { parseTime } from '../query/time-text.ts'

/** The value of one key column, as text that its type accepts. */
export interface KeyPart {
  readonly field: StructField
  readonly text: string
}

/**
 * Reads a key as people write it: its parts in key order with slashes between (`2013-01-01T10:00:00Z/UA/1545`). A key of one
 * column is taken whole; in others a slash within a part is written `\/`. Throws `KEY_TEXT_INVALID`.
 */
export function parseKey(text: string, fields: readonly StructField[]): readonly KeyPart[] {
  const names = fields.map((field) => field.name).join('/')
  const texts = fields.length === 1 ? [text] : splitParts(text)
  if (texts.length !== fields.length)
    throw keyTextInvalid(text, names, `it has ${texts.length} parts and the key ${fields.length}`)
  return fields.map((field, index) => {
    const part = texts[index] ?? ''
    const accepts =
      typeof field.type === 'string' ? (FORMS[field.type] ?? FORMS[field.type.replace(/\(.*/, '')]) : undefined
    if (accepts === undefined || !accepts(part)) {
      throw keyTextInvalid(
        text,
        names,
        `${JSON.stringify(part)} is no ${typeof field.type === 'string' ? field.type : field.type.type} for ${field.name}`,
      )
    }
    return { field, text: part }
  })
}

/** SQL that is true for the rows with this key. */
export function keyCondition(key: readonly KeyPart[]): string {
  return key
    .map(({ field, text }) => `${quoteName(field.name)} = CAST(${quoteText(text)} AS ${duckdbType(field.type)})`)
    .join(' AND ')
}

/** The files among `files` whose statistics do not rule the key out. */
export function filesWithKey(snapshot: Snapshot, key: readonly KeyPart[]): Snapshot['files'] {
  return filesThatMayHold(
    snapshot,
    key.map(({ field, text }) => {
      const value = INTEGERS.has(String(field.type))
        ? BigInt(text.replace('+', ''))
        : String(field.type).startsWith('timestamp')
          ? isoTime(text)
          : text
      return { column: field.name, min: value, max: value }
    }),
  )
}

/** The fields of key columns, in key order. */
export function keyFields(schema: StructType, key: readonly string[]): readonly StructField[] {
  return key.flatMap((name) => schema.fields.find((field) => field.name === name) ?? [])
}

const INTEGERS: ReadonlySet<string> = new Set(['long', 'integer', 'short', 'byte'] satisfies readonly PrimitiveType[])

const isInteger = (text: string): boolean => /^[+-]?\d{1,19}$/.test(text)
const isDecimal = (text: string): boolean => /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)
const isTime = (text: string): boolean => parseTime(text) !== undefined

const FORMS: Readonly<Record<string, (text: string) => boolean>> = {
  string: () => true,
  long: isInteger,
  integer: isInteger,
  short: isInteger,
  byte: isInteger,
  decimal: isDecimal,
  float: (text) => text !== '' && !Number.isNaN(Number(text)),
  double: (text) => text !== '' && !Number.isNaN(Number(text)),
  boolean: (text) => /^(?:true|false)$/i.test(text),
  date: (text) => /^\d{4,}-\d\d-\d\d$/.test(text),
  timestamp: isTime,
  timestamp_ntz: isTime,
}

function isoTime(text: string): string {
  return new Date(parseTime(text) ?? 0).toISOString()
}

function splitParts(text: string): readonly string[] {
  const parts = ['']
  for (const [piece] of text.matchAll(/\\[\\/]|[\s\S]/gu)) {
    if (piece === '/') parts.push('')
    else parts.push(`${parts.pop() ?? ''}${piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece}`)
  }
  return parts
}
