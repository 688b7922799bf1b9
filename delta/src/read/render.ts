// Rows as text. The text is made by DuckDB, a million rows in seconds, and exactly: decimals keep their digits and a column may
// be called `__proto__`. design.md §6 says how each type looks.

import type { Engine } from '../duckdb/engine.ts'
import { quoteName, quoteText } from '../duckdb/sql.ts'
import { variantJsonSql } from '../duckdb/variant-function.ts'
import type { DataType, PrimitiveType, StructField } from '../protocol/schema.ts'

/** A SELECT of one text a row: a JSON object with the fields in order. */
export function ndjsonSql(relation: string, fields: readonly StructField[]): string {
  return `SELECT ${objectText(fields, (field) => `t.${quoteName(field.name)}`)} AS line FROM (${relation}) t`
}

/** A SELECT of one text a row: a CSV record by RFC 4180, without its line end. NULL is an empty field, an empty text is `""`. */
export function csvSql(relation: string, fields: readonly StructField[]): string {
  const cells = fields.map((field) => csvField(cellText(field.type, `t.${quoteName(field.name)}`)))
  return `SELECT concat_ws(',', ${cells.join(', ')}) AS line FROM (${relation}) t`
}

/** The header of `csvSql`. */
export function csvHeader(fields: readonly StructField[]): string {
  return fields
    .map(({ name }) => (/[",\r\n]/.test(name) || name === '' ? `"${name.replaceAll('"', '""')}"` : name))
    .join(',')
}

/** A SELECT of each column as plain text, NULL as NULL: for a table on a screen. */
export function textSql(relation: string, fields: readonly StructField[]): string {
  return `SELECT ${fields.map((field) => `${cellText(field.type, `t.${quoteName(field.name)}`)} AS ${quoteName(field.name)}`).join(', ')} FROM (${relation}) t`
}

/** The lines of `ndjsonSql` or `csvSql`, some hundreds at a time. */
export async function* readLines(engine: Engine, sql: string): AsyncGenerator<readonly string[]> {
  for await (const batch of engine.stream(sql)) yield (batch.values[0] ?? []).map(String)
}

/** The columns of any query as fields, so that it can be rendered; a type that Delta does not know is shown as text. */
export async function describeFields(
  engine: Engine,
  sql: string,
): Promise<{ readonly relation: string; readonly fields: readonly StructField[] }> {
  const columns = await engine.all(`DESCRIBE ${sql}`)
  const fields: StructField[] = []
  const items: string[] = []
  for (const column of columns) {
    const name = String(column['column_name'])
    const type = deltaType(String(column['column_type']))
    fields.push({ name, type: type ?? 'string', nullable: true, metadata: {} })
    items.push(type === undefined ? `CAST(${quoteName(name)} AS VARCHAR) AS ${quoteName(name)}` : quoteName(name))
  }
  return { relation: `SELECT ${items.join(', ')} FROM (${sql})`, fields }
}

function objectText(fields: readonly StructField[], sqlOf: (field: StructField) => string): string {
  // A struct may have thousands of fields: concat takes them all at once, where || would nest as deep.
  const items = fields.flatMap((field, index) => [
    quoteText(`${index === 0 ? '' : ','}${JSON.stringify(field.name)}:`),
    jsonValueSql(field.type, sqlOf(field)),
  ])
  return `concat('{', ${[...items, `'}'`].join(', ')})`
}

/** SQL for the JSON text of a value by the rules of `ndjsonSql`; the text `null` where it is NULL. */
export function jsonValueSql(type: DataType, value: string): string {
  return `coalesce(${presentJson(type, value)}, 'null')`
}

function presentJson(type: DataType, value: string): string {
  if (typeof type === 'string') return primitiveJson(type, value)
  if (type.type === 'struct') {
    return `CASE WHEN ${value} IS NOT NULL THEN ${objectText(type.fields, (field) => `struct_extract(${value}, ${quoteText(field.name)})`)} END`
  }
  const item = variableFor(value)
  const [items, text] =
    type.type === 'array'
      ? [value, jsonValueSql(type.elementType, item)]
      : [
          `map_entries(${value})`,
          `concat('{"key":', ${jsonValueSql(type.keyType, `${item}.key`)}, ',"value":', ${jsonValueSql(type.valueType, `${item}.value`)}, '}')`,
        ]
  return `'[' || array_to_string(list_transform(${items}, lambda ${item}: ${text}), ',') || ']'`
}

// Lambdas within lambdas need variables of their own.
function variableFor(value: string): string {
  return `x${(value.match(/\bx\d+\b/)?.[0] ?? 'x-1').replace(/x(-?\d+)/, (_, depth: string) => String(Number(depth) + 1))}`
}

function primitiveJson(type: PrimitiveType, value: string): string {
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'boolean':
      return `CAST(${value} AS VARCHAR)`
    case 'long':
      return `CASE WHEN ${value} BETWEEN -9007199254740992 AND 9007199254740992 THEN CAST(${value} AS VARCHAR) ELSE '"' || CAST(${value} AS VARCHAR) || '"' END`
    case 'float':
    case 'double':
      // JSON has no -0.0 that readers agree on, and no infinities.
      return `CASE WHEN isfinite(${value}) THEN CASE WHEN ${value} = 0 THEN '0.0' ELSE CAST(${value} AS VARCHAR) END
        WHEN ${value} IS NOT NULL THEN '"' || ${infinityText(value)} || '"' END`
    case 'string':
      return `CAST(to_json(${value}) AS VARCHAR)`
    case 'void':
      return 'NULL::VARCHAR'
    case 'variant':
      return variantJsonSql(value)
    default:
      return `'"' || ${cellText(type, value)} || '"'`
  }
}

/** SQL for the plain text of a value; nested values are JSON. */
function cellText(type: DataType, value: string): string {
  if (typeof type !== 'string') return presentJson(type, value)
  switch (type) {
    case 'float':
    case 'double':
      return `CASE WHEN isfinite(${value}) THEN CAST(${value} AS VARCHAR) WHEN ${value} IS NOT NULL THEN ${infinityText(value)} END`
    case 'timestamp':
      return timestampText(`(${value} AT TIME ZONE 'UTC')`, 'Z')
    case 'timestamp_ntz':
      return timestampText(value, '')
    case 'binary':
      return `to_base64(${value})`
    case 'variant':
      return variantJsonSql(value)
    default:
      return `CAST(${value} AS VARCHAR)`
  }
}

function timestampText(value: string, suffix: string): string {
  return `CASE WHEN isfinite(${value}) THEN strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f${suffix}') ELSE CAST(${value} AS VARCHAR) END`
}

function infinityText(value: string): string {
  return `CASE WHEN isnan(${value}) THEN 'NaN' WHEN ${value} > 0 THEN 'Infinity' ELSE '-Infinity' END`
}

function csvField(text: string): string {
  const quoted = `'"' || replace(${text}, '"', '""') || '"'`
  return `CASE WHEN ${text} IS NULL THEN '' WHEN ${text} = '' OR regexp_matches(${text}, '[",\\r\\n]') THEN ${quoted} ELSE ${text} END`
}

const DELTA_TYPES: ReadonlyMap<string, DataType> = new Map<string, DataType>([
  ['VARCHAR', 'string'],
  ['BIGINT', 'long'],
  ['INTEGER', 'integer'],
  ['SMALLINT', 'short'],
  ['TINYINT', 'byte'],
  ['FLOAT', 'float'],
  ['DOUBLE', 'double'],
  ['BOOLEAN', 'boolean'],
  ['BLOB', 'binary'],
  ['DATE', 'date'],
  ['TIMESTAMP WITH TIME ZONE', 'timestamp'],
  ['TIMESTAMP', 'timestamp_ntz'],
  ['VARIANT', 'variant'],
  ['UTINYINT', 'short'],
  ['USMALLINT', 'integer'],
  ['UINTEGER', 'long'],
  // Wider than 64 bits: the rule for long makes a text of what JSON readers would round.
  ['UBIGINT', 'long'],
  ['HUGEINT', 'long'],
  ['UHUGEINT', 'long'],
])

function deltaType(name: string): DataType | undefined {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(name)
  if (decimal !== null) return `decimal(${Number(decimal[1])},${Number(decimal[2])})`
  if (name.endsWith('[]')) {
    const elementType = deltaType(name.slice(0, -2))
    return elementType === undefined ? undefined : { type: 'array', elementType, containsNull: true }
  }
  return DELTA_TYPES.get(name)
}
