// Columns at any depth, named from the top: `home.city`, and through arrays and maps as Spark names their parts, `points.element.x`.

import { columnNotFound } from '../errors.ts'
import { formatColumnPath, parseColumnPath } from '../protocol/column-path.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'

/** Where a column, or a part of one, stands in a schema. */
export interface ColumnPlace {
  /** The names that lead to the record that holds the field; none for a column of the table. */
  readonly parents: readonly string[]
  /** The last field on the way. */
  readonly field: StructField
  /** The way from that field to the part that was named: none for the field itself. */
  readonly inside: readonly string[]
  /** The type of what was named. */
  readonly type: DataType
}

/** Find a column without regard to case. Throws `COLUMN_NOT_FOUND`. */
export function placeOfColumn(schema: StructType, column: string): ColumnPlace {
  let place: ColumnPlace | undefined
  let type: DataType = schema
  for (const name of parseColumnPath(column) ?? []) {
    const step = stepInto(type, name)
    if (step === undefined) throw notFound(schema, column)
    type = step.type
    if (step.field !== undefined) place = { parents: namesOf(place), field: step.field, inside: [], type }
    else if (place !== undefined) place = { ...place, inside: [...place.inside, step.name], type }
  }
  if (place === undefined) throw notFound(schema, column)
  return place
}

/** The names that lead to what a place names. */
export function namesOf(place: ColumnPlace | undefined): readonly string[] {
  return place === undefined ? [] : [...place.parents, place.field.name, ...place.inside]
}

interface Step {
  readonly name: string
  readonly field?: StructField
  readonly type: DataType
}

function stepInto(type: DataType, name: string): Step | undefined {
  if (typeof type === 'string') return undefined
  const key = name.toLowerCase()
  switch (type.type) {
    case 'struct': {
      const field = type.fields.find((candidate) => candidate.name.toLowerCase() === key)
      return field === undefined ? undefined : { name: field.name, field, type: field.type }
    }
    case 'array':
      return key === 'element' ? { name: key, type: type.elementType } : undefined
    case 'map':
      if (key === 'key') return { name: key, type: type.keyType }
      return key === 'value' ? { name: key, type: type.valueType } : undefined
  }
}

function notFound(schema: StructType, column: string): Error {
  return columnNotFound(
    column,
    schema.fields.map(({ name }) => formatColumnPath([name])),
  )
}

/** A schema in which the fields of one record, at the end of these names, are changed. */
export function withFieldsAt(
  schema: StructType,
  names: readonly string[],
  change: (fields: readonly StructField[]) => readonly StructField[],
): StructType {
  const changed = withTypeAt(schema, names, (type) =>
    isRecord(type) ? { type: 'struct', fields: change(type.fields) } : type,
  )
  return isRecord(changed) ? changed : schema
}

/** A type in which what stands at the end of these names is changed. */
export function withTypeAt(
  type: DataType,
  [name, ...rest]: readonly string[],
  change: (type: DataType) => DataType,
): DataType {
  if (name === undefined) return change(type)
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map((field) =>
        field.name === name ? { ...field, type: withTypeAt(field.type, rest, change) } : field,
      )
      return { type: 'struct', fields }
    }
    case 'array':
      return { ...type, elementType: withTypeAt(type.elementType, rest, change) }
    case 'map':
      return name === 'key'
        ? { ...type, keyType: withTypeAt(type.keyType, rest, change) }
        : { ...type, valueType: withTypeAt(type.valueType, rest, change) }
  }
}

function isRecord(type: DataType): type is StructType {
  return typeof type !== 'string' && type.type === 'struct'
}
