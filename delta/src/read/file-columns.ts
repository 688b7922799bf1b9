// How a table's columns come out of files of one shape, as SQL over the alias `r`. A value is taken as it is where the file has the
// table's type; where names or types differ, nested ones too, an expression makes one of the other.

import { unskippedSql } from '../duckdb/misjudged.ts'
import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import { dataFileMismatched } from '../errors.ts'
import { type ColumnMappingMode, fieldId, physicalName } from '../protocol/column-mapping.ts'
import type { DataType, PrimitiveType, StructField } from '../protocol/schema.ts'
import type { FileShape } from './file-shapes.ts'
import type { FileColumn, FileType } from './file-types.ts'
import { castSql } from './value-casts.ts'

/** A column to take out of a file; columns outside of the table's schema are found by their names, whatever the table's mode. */
export interface WantedColumn {
  readonly field: StructField
  readonly mode: ColumnMappingMode
}

/** How the wanted columns come out of files of one shape. */
export interface ColumnPlan {
  /** SQL over the alias `r`, one a field. */
  readonly expressions: readonly string[]
  /** Further options of `read_parquet`. */
  readonly options: string
}

/**
 * Plan the columns of files of one shape. Names match exactly or else without case, a missing column is NULL.
 * Throws `DATA_FILE_MISMATCHED`, naming `fileName`, where a file holds what cannot be of the table's type.
 */
export function planColumns(shape: FileShape, wanted: readonly WantedColumn[], fileName: string): ColumnPlan {
  // DuckDB's own columns of this name would be hidden by the file's, so all of the file's get names of ours.
  const isHiding = shape.columns.some(({ name }) => /^(?:file_index|file_row_number)$/i.test(name))
  const expressions = wanted.map(({ field, mode }) => {
    const found = findColumn(shape.columns, { field, mode, fileName })
    const index = found === undefined ? -1 : shape.columns.indexOf(found)
    if (found === undefined) return `CAST(NULL AS ${duckdbType(field.type)})`
    const column = `r.${isHiding ? `c${index}` : quoteName(found.name)}`
    const source = found.type.kind === 'plain' ? unskippedSql(column, found.type.name) : column
    return convert(source, { wanted: field.type, found: found.type, mode, fileName, where: field.name })
  })
  return { expressions, options: `${nanOption(shape.columns)}${isHiding ? renamedColumns(shape.columns) : ''}` }
}

// Bounds of numbers within records are not hidden by `unskippedSql`, or all of a record's fields would be read for one.
function nanOption(columns: readonly FileColumn[]): string {
  return columns.some(({ type }) => type.kind === 'struct' && /\b(?:FLOAT|DOUBLE)\b/.test(spellType(type)))
    ? ', can_have_nan = true'
    : ''
}

function renamedColumns(columns: readonly FileColumn[]): string {
  const entries = columns.map(
    ({ name, type }, index) =>
      `${quoteText(name)}: {name: 'c${index}', type: ${quoteText(spellType(type))}, default_value: NULL}`,
  )
  return `, schema = MAP {${entries.join(', ')}}`
}

function spellType(type: FileType): string {
  switch (type.kind) {
    case 'plain':
      return type.name
    case 'list':
      return `${spellType(type.element)}[]`
    case 'map':
      return `MAP(${spellType(type.key)}, ${spellType(type.value)})`
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${spellType(field.type)}`).join(', ')})`
  }
}

function findColumn(
  columns: readonly FileColumn[],
  { field, mode, fileName }: WantedColumn & { readonly fileName: string },
): FileColumn | undefined {
  if (mode === 'id') {
    // PROTOCOL.md, "Reader Requirements for Column Mapping": a file without ids is refused, or all of its columns are NULL.
    if (columns.length > 0 && columns.every(({ id }) => id === undefined))
      throw dataFileMismatched(fileName, 'it has no field ids, and the table finds its columns by them')
    const id = fieldId(field)
    return columns.find((column) => column.id === id)
  }
  const name = physicalName(field, mode)
  return (
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  )
}

interface Conversion {
  readonly wanted: DataType
  readonly found: FileType
  readonly mode: ColumnMappingMode
  readonly fileName: string
  /** The column, for messages. */
  readonly where: string
}

/** SQL for a value of the wanted type; the SQL of the source itself where nothing is to be done. */
function convert(source: string, conversion: Conversion): string {
  const { wanted, found } = conversion
  if (typeof wanted === 'string') return primitive(source, conversion, wanted)
  switch (wanted.type) {
    case 'struct':
      if (found.kind !== 'struct') throw mismatch(conversion)
      return convertStruct(source, conversion, { wanted: wanted.fields, found: found.fields })
    case 'array': {
      if (found.kind !== 'list') throw mismatch(conversion)
      const item = variableFor(source)
      const element = convert(item, { ...conversion, wanted: wanted.elementType, found: found.element })
      return element === item ? source : `list_transform(${source}, lambda ${item}: ${element})`
    }
    case 'map': {
      if (found.kind !== 'map') throw mismatch(conversion)
      const item = variableFor(source)
      const key = convert(`${item}.key`, { ...conversion, wanted: wanted.keyType, found: found.key })
      const value = convert(`${item}.value`, { ...conversion, wanted: wanted.valueType, found: found.value })
      if (key === `${item}.key` && value === `${item}.value`) return source
      const entries = `list_transform(map_entries(${source}), lambda ${item}: struct_pack(k := ${key}, v := ${value}))`
      return `CASE WHEN ${source} IS NOT NULL THEN map_from_entries(${entries}) END`
    }
  }
}

function primitive(source: string, conversion: Conversion, wanted: PrimitiveType): string {
  const sql = castSql(source, wanted, conversion.found)
  if (sql === undefined) throw mismatch(conversion)
  return sql
}

function convertStruct(
  source: string,
  conversion: Conversion,
  { wanted, found }: { readonly wanted: readonly StructField[]; readonly found: readonly FileColumn[] },
): string {
  const { mode, fileName } = conversion
  let isSame = wanted.length === found.length
  const items = wanted.map((field, index) => {
    const column = findColumn(found, { field, mode, fileName })
    if (column === undefined) {
      isSame = false
      return `${quoteName(field.name)} := CAST(NULL AS ${duckdbType(field.type)})`
    }
    const inner = `struct_extract(${source}, ${quoteText(column.name)})`
    const where = `${conversion.where}.${field.name}`
    const value = convert(inner, { ...conversion, wanted: field.type, found: column.type, where })
    isSame &&= value === inner && found[index] === column && column.name === field.name
    return `${quoteName(field.name)} := ${value}`
  })
  return isSame ? source : `CASE WHEN ${source} IS NOT NULL THEN struct_pack(${items.join(', ')}) END`
}

// Lambdas within lambdas need variables of their own; a column's name stands in quotes and is never taken for one.
function variableFor(source: string): string {
  const depth = source.replaceAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'/g, '').match(/\bx(\d+)\b/)?.[1]
  return `x${depth === undefined ? 0 : Number(depth) + 1}`
}

function mismatch({ fileName, where, wanted, found }: Conversion): Error {
  const type = typeof wanted === 'string' ? wanted : wanted.type
  return dataFileMismatched(
    fileName,
    `its column ${JSON.stringify(where)} holds ${spellType(found)} and the table says ${type}`,
  )
}
