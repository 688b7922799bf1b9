import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import { columnNotFound } from '../errors.ts'
import { findPath, formatColumnPath, parseColumnPath } from '../protocol/column-path.ts'
import type { StructField, StructType } from '../protocol/schema.ts'

/** A value to compare a column with: decimals and times as text, dates as `2026-01-31`, timestamps as ISO text, 64-bit integers as bigint. */
export type FilterValue = string | number | bigint | boolean

/**
 * Which rows are wanted. A column is named as Spark does: `a.b` is the field b of the record a, and a name that holds a dot itself
 * stands in backticks. As in SQL, a comparison with NULL is neither true nor false, and only rows for which the whole is true are found.
 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: '=' | '!=' | '<' | '<=' | '>' | '>='; readonly column: string; readonly value: FilterValue }
  | { readonly kind: 'in'; readonly column: string; readonly values: readonly FilterValue[] }
  | { readonly kind: 'isNull'; readonly column: string }

/** SQL of a filter over the alias `t`. Throws `COLUMN_NOT_FOUND`. */
export function filterSql(filter: Filter, schema: StructType): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      // Nothing to fulfil is true, and nothing to choose from is false.
      if (filter.of.length === 0) return filter.kind === 'and' ? 'true' : 'false'
      const parts = filter.of.map((part) => filterSql(part, schema))
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    case 'not':
      return `(NOT ${filterSql(filter.of, schema)})`
    case 'in': {
      const path = columnPath(filter.column, schema)
      const values = filter.values.map((value) => literalSql(path, value))
      return values.length === 0 ? 'false' : `(${pathSql(path)} IN (${values.join(', ')}))`
    }
    case 'isNull':
      return `(${pathSql(columnPath(filter.column, schema))} IS NULL)`
    default: {
      const path = columnPath(filter.column, schema)
      return `(${pathSql(path)} ${filter.kind} ${literalSql(path, filter.value)})`
    }
  }
}

/** The columns of the table that a filter speaks about, each once, as the schema spells them; at least one. Throws `COLUMN_NOT_FOUND`. */
export function filterColumns(filter: Filter, schema: StructType): readonly string[] {
  const named = [...new Set([...columnsOf(filter)].map((column) => columnPath(column, schema)[0].name))]
  const [first] = schema.fields
  return named.length > 0 || first === undefined ? named : [first.name]
}

function* columnsOf(filter: Filter): Generator<string> {
  switch (filter.kind) {
    case 'and':
    case 'or':
      for (const part of filter.of) yield* columnsOf(part)
      return
    case 'not':
      yield* columnsOf(filter.of)
      return
    default:
      yield filter.column
  }
}

/** The fields that lead to a column of a filter. Throws `COLUMN_NOT_FOUND`. */
export function columnPath(column: string, schema: StructType): readonly [StructField, ...StructField[]] {
  const [first, ...rest] = findPath(schema, parseColumnPath(column) ?? []) ?? []
  if (first === undefined)
    throw columnNotFound(
      column,
      schema.fields.map(({ name }) => formatColumnPath([name])),
    )
  return [first, ...rest]
}

function pathSql([first, ...rest]: readonly [StructField, ...StructField[]]): string {
  return rest.reduce((outer, { name }) => `struct_extract(${outer}, ${quoteText(name)})`, `t.${quoteName(first.name)}`)
}

// The cast is the column's, so that no column has to be cast row by row and a text that is no such value is an error.
function literalSql(path: readonly [StructField, ...StructField[]], value: FilterValue): string {
  return `CAST(${quoteText(String(value))} AS ${duckdbType((path.at(-1) ?? path[0]).type)})`
}
