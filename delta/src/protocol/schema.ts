// PROTOCOL.md, "Schema Serialization Format".

/** A primitive type, spelled as in the schema JSON: `decimal(12,2)` is one name. */
export type PrimitiveType =
  | 'string'
  | 'long'
  | 'integer'
  | 'short'
  | 'byte'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'void'
  | 'variant'
  | `decimal(${number},${number})`

export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly StructField[]
}

export interface ArrayType {
  readonly type: 'array'
  readonly elementType: DataType
  readonly containsNull: boolean
}

export interface MapType {
  readonly type: 'map'
  readonly keyType: DataType
  readonly valueType: DataType
  readonly valueContainsNull: boolean
}

export type DataType = PrimitiveType | StructType | ArrayType | MapType

export interface StructField {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}
