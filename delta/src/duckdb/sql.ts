import { columnTypeUnsupported, nameHasNul } from '../errors.ts'
import type { DataType, PrimitiveType, StructField } from '../protocol/schema.ts'

/** A name as DuckDB reads it, whatever is in it. Throws `NAME_HAS_NUL`: DuckDB's parser would end the statement there. */
export function quoteName(name: string): string {
  if (name.includes('\0')) throw nameHasNul(name)
  return `"${name.replaceAll('"', '""')}"`
}

/** A text literal. */
export function quoteText(text: string): string {
  // DuckDB's parser ends a statement at a NUL, so the character has to be made by a function.
  const literal = text.replaceAll("'", "''")
  return literal.includes('\0') ? `('${literal.replaceAll('\0', `' || chr(0) || '`)}')` : `'${literal}'`
}

/** A text literal, or NULL. */
export function quoteTextOrNull(text: string | null | undefined): string {
  return text === null || text === undefined ? 'NULL' : quoteText(text)
}

/** A file name for `read_parquet`, which would take `*`, `?` and `[` as a pattern. */
export function quoteFileName(name: string): string {
  return quoteText(name.replaceAll(/[*?[]/g, '[$&]'))
}

/** A list literal of texts. */
export function textList(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]::VARCHAR[]`
}

/** DuckDB's name of a Delta type. Throws `COLUMN_TYPE_UNSUPPORTED`. */
export function duckdbType(type: DataType): string {
  if (typeof type === 'string') return primitiveType(type)
  if (type.type === 'array') return `${duckdbType(type.elementType)}[]`
  if (type.type === 'map') return `MAP(${duckdbType(type.keyType)}, ${duckdbType(type.valueType)})`
  return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${duckdbType(field.type)}`).join(', ')})`
}

function primitiveType(type: PrimitiveType): string {
  if (type.startsWith('decimal(')) return type.toUpperCase()
  const name = PRIMITIVES[type]
  if (name === undefined) throw columnTypeUnsupported(type)
  return name
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  // Without the zone other readers would see timestamp_ntz.
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  variant: 'VARIANT',
  // Always NULL; no file holds it.
  void: 'INTEGER',
}

/** `"a", "b"`: a select list. */
export function nameList(fields: readonly Pick<StructField, 'name'>[]): string {
  return fields.map((field) => quoteName(field.name)).join(', ')
}
