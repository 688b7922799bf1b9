import { schemaCorrupt } from '../errors.ts'
import type { DataType, PrimitiveType, StructField, StructType } from './schema.ts'

const DEPTH_MAX = 100

/** The schema that `metaData.schemaString` spells. Throws `SCHEMA_CORRUPT`. */
export function parseSchema(schemaString: string): StructType {
  let value: unknown
  try {
    value = JSON.parse(schemaString)
  } catch (cause) {
    throw schemaCorrupt('the top', 'it is not JSON', { cause })
  }
  const type = parseType(value, 'the top', 0)
  if (typeof type === 'string' || type.type !== 'struct') throw schemaCorrupt('the top', 'it is not a struct')
  return type
}

/** The text for `metaData.schemaString`. */
export function encodeSchema(schema: StructType): string {
  return JSON.stringify(schema)
}

/** All fields of a schema, nested ones too, each with the path of names that leads to it. */
export function* walkFields(
  type: DataType,
  path: readonly string[] = [],
): Generator<{ readonly field: StructField; readonly path: readonly string[] }> {
  if (typeof type === 'string') return
  switch (type.type) {
    case 'struct':
      for (const field of type.fields) {
        const inner = [...path, field.name]
        yield { field, path: inner }
        yield* walkFields(field.type, inner)
      }
      return
    case 'array':
      yield* walkFields(type.elementType, [...path, 'element'])
      return
    case 'map':
      yield* walkFields(type.keyType, [...path, 'key'])
      yield* walkFields(type.valueType, [...path, 'value'])
  }
}

/** Whether a primitive type occurs anywhere in the schema. */
export function usesType(type: DataType, wanted: PrimitiveType): boolean {
  if (typeof type === 'string') return type === wanted
  switch (type.type) {
    case 'struct':
      return type.fields.some((field) => usesType(field.type, wanted))
    case 'array':
      return usesType(type.elementType, wanted)
    case 'map':
      return usesType(type.keyType, wanted) || usesType(type.valueType, wanted)
  }
}

type Fields = Readonly<Record<string, unknown>>

function parseType(value: unknown, where: string, depth: number): DataType {
  if (depth > DEPTH_MAX) throw schemaCorrupt(where, `types are nested deeper than ${DEPTH_MAX}`)
  if (typeof value === 'string') return parsePrimitive(value, where)
  const fields = parseObject(value, where)
  switch (fields.type) {
    case 'struct':
      return parseStruct(fields, where, depth)
    case 'array':
      return {
        type: 'array',
        elementType: parseType(fields.elementType, `${where}.element`, depth + 1),
        containsNull: fields.containsNull !== false,
      }
    case 'map':
      return {
        type: 'map',
        keyType: parseType(fields.keyType, `${where}.key`, depth + 1),
        valueType: parseType(fields.valueType, `${where}.value`, depth + 1),
        valueContainsNull: fields.valueContainsNull !== false,
      }
    default:
      throw schemaCorrupt(where, `its type is ${JSON.stringify(fields.type)}`)
  }
}

function parseStruct(fields: Fields, where: string, depth: number): StructType {
  const list = fields.fields
  if (!Array.isArray(list)) throw schemaCorrupt(where, 'a struct has no list of fields')
  return { type: 'struct', fields: list.map((item: unknown) => parseStructField(item, where, depth)) }
}

function parseStructField(value: unknown, where: string, depth: number): StructField {
  const fields = parseObject(value, where)
  const name = fields.name
  if (typeof name !== 'string') throw schemaCorrupt(where, 'a field has no name')
  const inner = where === 'the top' ? name : `${where}.${name}`
  return {
    name,
    type: parseType(fields.type, inner, depth + 1),
    nullable: fields.nullable !== false,
    metadata: parseObject(fields.metadata ?? {}, `${inner}, its metadata`),
  }
}

const PRIMITIVES: readonly string[] = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'void',
  'variant',
] satisfies readonly PrimitiveType[]

function parsePrimitive(name: string, where: string): PrimitiveType {
  if (PRIMITIVES.includes(name)) return name as PrimitiveType
  const decimal = /^decimal(?:\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\))?$/.exec(name)
  if (!decimal) throw schemaCorrupt(where, `its type is ${JSON.stringify(name)}`)
  // A bare `decimal` is Spark's default precision and scale.
  const precision = Number(decimal[1] ?? 10)
  const scale = Number(decimal[2] ?? 0)
  if (precision < 1 || precision > 38 || scale > precision)
    throw schemaCorrupt(where, `its type is ${JSON.stringify(name)}`)
  return `decimal(${precision},${scale})`
}

function parseObject(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw schemaCorrupt(where, 'an object is missing')
  return value as Fields
}
