import type { Clock } from '../clock.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'

const ID = 'delta.columnMapping.id'
const PHYSICAL_NAME = 'delta.columnMapping.physicalName'

/** A schema whose fields all have ids and physical names, and the greatest id given so far. */
export interface MappedSchema {
  readonly schema: StructType
  readonly maxColumnId: number
}

/**
 * Give the fields that lack them ids and physical names (PROTOCOL.md, "Writer Requirements for Column Mapping"). New names are random, since
 * one must never come back under another meaning; with `keepNames`, for a table that already has files, they stay what the files say.
 */
export function withPhysicalNames(
  schema: StructType,
  options: { readonly clock: Clock; readonly maxColumnId: number; readonly keepNames?: boolean },
): MappedSchema {
  const { clock, keepNames = false } = options
  let { maxColumnId } = options
  const mapStruct = (type: StructType): StructType => ({ type: 'struct', fields: type.fields.map(mapField) })
  const mapField = (field: StructField): StructField => {
    const metadata = Object.hasOwn(field.metadata, ID)
      ? field.metadata
      : {
          ...field.metadata,
          [ID]: ++maxColumnId,
          [PHYSICAL_NAME]: keepNames ? field.name : `col-${clock.uuid()}`,
        }
    return { ...field, metadata, type: mapType(field.type) }
  }
  const mapType = (type: DataType): DataType => {
    if (typeof type === 'string') return type
    switch (type.type) {
      case 'struct':
        return mapStruct(type)
      case 'array':
        return { ...type, elementType: mapType(type.elementType) }
      case 'map':
        return { ...type, keyType: mapType(type.keyType), valueType: mapType(type.valueType) }
    }
  }
  return { schema: mapStruct(schema), maxColumnId }
}
