// PROTOCOL.md, "Column Mapping": files, statistics and partition values know columns by physical names, or files by field ids;
// only `metaData.partitionColumns` and people use the logical names. Physical names never change, so a rename moves no data.

import { schemaCorrupt } from '../errors.ts'
import type { Metadata, Protocol } from './actions.ts'
import type { DataType, StructField, StructType } from './schema.ts'

/** How columns are found in data files: by the name in the schema, by physical name, or by Parquet field id. */
export type ColumnMappingMode = 'none' | 'name' | 'id'

const MODE = 'delta.columnMapping.mode'
const PHYSICAL_NAME = 'delta.columnMapping.physicalName'
const ID = 'delta.columnMapping.id'

/** The mode of a table. The property alone means nothing: a protocol that knows column mapping has to stand beside it. */
export function columnMappingMode(table: {
  readonly protocol: Protocol
  readonly metadata: Metadata
}): ColumnMappingMode {
  const mode = table.metadata.configuration[MODE]?.toLowerCase()
  return (mode === 'name' || mode === 'id') && allowsMapping(table.protocol) ? mode : 'none'
}

function allowsMapping({ minReaderVersion, readerFeatures = [], writerFeatures = [] }: Protocol): boolean {
  if (minReaderVersion !== 3) return minReaderVersion === 2
  // The feature as a writer feature only is not legal and exists: such tables are mapped all the same.
  return readerFeatures.includes('columnMapping') || writerFeatures.includes('columnMapping')
}

/** The name of a field in data files, statistics and partition values. Throws `SCHEMA_CORRUPT` where a mapped field has none. */
export function physicalName(field: StructField, mode: ColumnMappingMode): string {
  if (mode === 'none') return field.name
  const name = field.metadata[PHYSICAL_NAME]
  if (typeof name !== 'string') throw schemaCorrupt(field.name, `it has no ${PHYSICAL_NAME}`)
  return name
}

/** The Parquet field id of a field. Throws `SCHEMA_CORRUPT` where it has none. */
export function fieldId(field: StructField): number {
  const id = field.metadata[ID]
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw schemaCorrupt(field.name, `it has no ${ID}`)
  return id
}

/** A type with the physical names of all its fields, nested ones too; metadata is kept. Throws `SCHEMA_CORRUPT`. */
export function physicalType(type: DataType, mode: ColumnMappingMode): DataType {
  if (typeof type === 'string' || mode === 'none') return type
  switch (type.type) {
    case 'struct':
      return physicalSchema(type, mode)
    case 'array':
      return { ...type, elementType: physicalType(type.elementType, mode) }
    case 'map':
      return { ...type, keyType: physicalType(type.keyType, mode), valueType: physicalType(type.valueType, mode) }
  }
}

/** A schema as data files spell it. Throws `SCHEMA_CORRUPT`. */
export function physicalSchema(schema: StructType, mode: ColumnMappingMode): StructType {
  if (mode === 'none') return schema
  const fields = schema.fields.map((field) => ({
    ...field,
    name: physicalName(field, mode),
    type: physicalType(field.type, mode),
  }))
  return { type: 'struct', fields }
}
