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

/** A record: the type of a table, and of nested columns. */
export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly StructField[]
}

/** A list of values of one type. */
export interface ArrayType {
  readonly type: 'array'
  readonly elementType: DataType
  readonly containsNull: boolean
}

/** Key and value pairs; keys are never NULL. */
export interface MapType {
  readonly type: 'map'
  readonly keyType: DataType
  readonly valueType: DataType
  readonly valueContainsNull: boolean
}

/** Any type of a column. */
export type DataType = PrimitiveType | StructType | ArrayType | MapType

/** A column, or a field of a record; `metadata` is kept as it was read. */
export interface StructField {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}
