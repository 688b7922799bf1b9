// PROTOCOL.md, "Checkpoint Schema": statistics and partition values once more, typed, so that a reader needs no JSON. The columns bear
// physical names. What a type cannot hold is left out: a bound less only means that a file is read that need not be.

import { duckdbType, quoteName } from '../duckdb/sql.ts'
import type { Metadata, Protocol } from '../protocol/actions.ts'
import { type ColumnMappingMode, columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { parsePartitionValue } from '../protocol/partition-values.ts'
import type { DataType, PrimitiveType, StructField, StructType } from '../protocol/schema.ts'
import { exactDigits, type FileStats, isJsonObject, type JsonObject, type JsonValue } from '../protocol/stats.ts'

/** What a checkpoint needs to know of a table to write its typed columns. */
export interface TypedTable {
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly schema: StructType
}

/** DuckDB's type of `stats_parsed`. */
export function statsType(table: TypedTable): string {
  const fields = statsFields(table)
  const bounds = structType(columnMappingMode(table), fields, (type) =>
    isBounded(type) ? duckdbType(type) : undefined,
  )
  const counts = structType(columnMappingMode(table), fields, () => 'BIGINT')
  const parts = ['"numRecords" BIGINT', '"tightBounds" BOOLEAN']
  if (bounds !== undefined) parts.push(`"minValues" ${bounds}`, `"maxValues" ${bounds}`)
  if (counts !== undefined) parts.push(`"nullCount" ${counts}`)
  return `STRUCT(${parts.join(', ')})`
}

/** DuckDB's type of `partitionValues_parsed`; undefined for a table without partitions. */
export function partitionValuesType(table: TypedTable): string | undefined {
  const fields = partitionFields(table)
  return structType(columnMappingMode(table), fields, (type) =>
    type === 'void' || type === 'nested' ? undefined : duckdbType(type),
  )
}

/** A file's statistics as JSON that DuckDB reads into `statsType`. */
export function statsStruct(table: TypedTable, stats: FileStats): unknown {
  const pick = (values: JsonObject | undefined): unknown =>
    plainBounds(columnMappingMode(table), statsFields(table), values)
  return {
    numRecords: stats.numRecords,
    tightBounds: stats.tightBounds,
    minValues: pick(stats.minValues),
    maxValues: pick(stats.maxValues),
    nullCount: pick(stats.nullCount),
  }
}

/** A file's partition values as JSON that DuckDB reads into `partitionValuesType`. Throws `PARTITION_VALUE_CORRUPT`. */
export function partitionValuesStruct(
  table: TypedTable,
  values: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    partitionFields(table).map((field) => {
      const name = physicalName(field, columnMappingMode(table))
      const value = parsePartitionValue(field.type, Object.hasOwn(values, name) ? values[name] : null)
      return [name, value instanceof Uint8Array ? blobText(value) : value === null ? null : String(value)]
    }),
  )
}

function statsFields({ metadata, schema }: TypedTable): readonly StructField[] {
  return schema.fields.filter(({ name }) => !metadata.partitionColumns.includes(name))
}

function partitionFields({ metadata, schema }: TypedTable): readonly StructField[] {
  return metadata.partitionColumns.flatMap((name) => schema.fields.find((field) => field.name === name) ?? [])
}

// Undefined where no field is left: Parquet has no empty group.
function structType(
  mode: ColumnMappingMode,
  fields: readonly StructField[],
  typeOf: (type: PrimitiveType | 'nested') => string | undefined,
): string | undefined {
  const parts = fields.flatMap((field) => {
    const type = leafOrStruct(field.type)
    const sql = typeof type === 'string' ? typeOf(type) : structType(mode, type.fields, typeOf)
    return sql === undefined ? [] : [`${quoteName(physicalName(field, mode))} ${sql}`]
  })
  return parts.length === 0 ? undefined : `STRUCT(${parts.join(', ')})`
}

function leafOrStruct(type: DataType): PrimitiveType | StructType | 'nested' {
  if (typeof type === 'string') return type
  return type.type === 'struct' ? type : 'nested'
}

function isBounded(type: PrimitiveType | 'nested'): type is PrimitiveType {
  return !['nested', 'boolean', 'binary', 'void', 'variant'].includes(type)
}

// Digits go as text, which DuckDB casts exactly; a JSON number would pass through a double.
function plainBounds(mode: ColumnMappingMode, fields: readonly StructField[], values: JsonObject | undefined): unknown {
  if (values === undefined) return undefined
  return Object.fromEntries(
    fields.flatMap((field): readonly (readonly [string, unknown])[] => {
      const name = physicalName(field, mode)
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (value === undefined) return []
      const type = leafOrStruct(field.type)
      if (typeof type === 'string') return [[name, plainBound(type, value)]]
      return isJsonObject(value) ? [[name, plainBounds(mode, type.fields, value)]] : []
    }),
  )
}

function plainBound(type: PrimitiveType | 'nested', value: JsonValue): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return type === 'nested' ? undefined : value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return exactDigits(value)
}

function blobText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')
}
