// Values on their way into files of a table with column mapping: fields are renamed at every depth, and each gets its Parquet field id.

import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import { type ColumnMappingMode, fieldId, physicalName, physicalType } from '../protocol/column-mapping.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'

/** SQL that gives a column of `t`, cast to its type, under the names that files have. */
export function physicalValueSql(field: StructField, mode: ColumnMappingMode): string {
  const value = `CAST(t.${quoteName(field.name)} AS ${duckdbType(field.type)})`
  return mode === 'none' ? value : renamedSql(value, field.type, mode)
}

// A cast renames nothing: DuckDB matches the fields of records by name.
function renamedSql(value: string, type: DataType, mode: ColumnMappingMode): string {
  if (typeof type === 'string' || !hasStruct(type)) return value
  switch (type.type) {
    case 'struct':
      return `CASE WHEN ${value} IS NULL THEN CAST(NULL AS ${duckdbType(physicalType(type, mode))}) ELSE ${packedSql(value, type, mode)} END`
    case 'array':
      return `list_transform(${value}, lambda e${depthOf(type)}: ${renamedSql(`e${depthOf(type)}`, type.elementType, mode)})`
    case 'map': {
      const entry = `e${depthOf(type)}`
      const [key, inner] = [
        renamedSql(`${entry}.key`, type.keyType, mode),
        renamedSql(`${entry}.value`, type.valueType, mode),
      ]
      return `map_from_entries(list_transform(map_entries(${value}), lambda ${entry}: struct_pack(k := ${key}, v := ${inner})))`
    }
  }
}

function packedSql(value: string, type: StructType, mode: ColumnMappingMode): string {
  const members = type.fields.map(
    (field) =>
      `${quoteName(physicalName(field, mode))} := ${renamedSql(`struct_extract(${value}, ${quoteText(field.name)})`, field.type, mode)}`,
  )
  return `struct_pack(${members.join(', ')})`
}

function hasStruct(type: DataType): boolean {
  if (typeof type === 'string') return false
  switch (type.type) {
    case 'struct':
      return true
    case 'array':
      return hasStruct(type.elementType)
    case 'map':
      return hasStruct(type.keyType) || hasStruct(type.valueType)
  }
}

// An inner lambda must not hide the variable of an outer one.
function depthOf(type: DataType): number {
  if (typeof type === 'string') return 0
  switch (type.type) {
    case 'struct':
      return Math.max(0, ...type.fields.map((field) => depthOf(field.type)))
    case 'array':
      return 1 + depthOf(type.elementType)
    case 'map':
      return 1 + Math.max(depthOf(type.keyType), depthOf(type.valueType))
  }
}

/** The value of COPY's option FIELD_IDS. */
export function fieldIdsSql(fields: readonly StructField[], mode: ColumnMappingMode): string {
  return `{${fields.map((field) => `${quoteName(physicalName(field, mode))}: ${idSql(field, mode)}`).join(', ')}}`
}

function idSql(field: StructField, mode: ColumnMappingMode): string {
  const inner = innerIds(field.type, mode)
  return inner === '' ? String(fieldId(field)) : `{__duckdb_field_id: ${fieldId(field)}, ${inner}}`
}

function innerIds(type: DataType, mode: ColumnMappingMode): string {
  if (typeof type === 'string' || !hasStruct(type)) return ''
  switch (type.type) {
    case 'struct':
      return fieldIdsSql(type.fields, mode).slice(1, -1)
    case 'array':
      return `element: {${innerIds(type.elementType, mode)}}`
    case 'map':
      return [
        ...(hasStruct(type.keyType) ? [`key: {${innerIds(type.keyType, mode)}}`] : []),
        ...(hasStruct(type.valueType) ? [`value: {${innerIds(type.valueType, mode)}}`] : []),
      ].join(', ')
  }
}
