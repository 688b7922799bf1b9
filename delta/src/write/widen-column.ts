// PROTOCOL.md, "Type Widening": the type changes in the metadata alone, and the nearest field of a record remembers how.

import { alterationInvalid } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import { formatColumnPath } from '../protocol/column-path.ts'
import { encodeSchema } from '../protocol/parse-schema.ts'
import type { DataType } from '../protocol/schema.ts'
import { namesOf, placeOfColumn, withFieldsAt, withTypeAt } from './column-place.ts'
import type { TargetTable } from './table-rows.ts'

/** The metadata after a column, or a part of one, got a wider type. Throws `ALTERATION_INVALID`, `COLUMN_NOT_FOUND`. */
export function widenColumn(
  { metadata, schema }: Pick<TargetTable, 'metadata' | 'schema'>,
  { column, type }: { readonly column: string; readonly type: DataType },
): Metadata {
  const place = placeOfColumn(schema, column)
  const { field, inside, parents, type: fromType } = place
  if (metadata.configuration['delta.enableTypeWidening']?.toLowerCase() !== 'true')
    throw alterationInvalid('its property delta.enableTypeWidening is not set', 'Set it to true first.')
  if (typeof fromType !== 'string' || typeof type !== 'string' || !isWidening(fromType, type))
    throw alterationInvalid(
      `${formatColumnPath(namesOf(place))} cannot be widened from ${typeName(fromType)} to ${typeName(type)}`,
      'Choose a type that holds all values of the old one.',
    )
  const changes = field.metadata['delta.typeChanges']
  const fieldPath = inside.length === 0 ? {} : { fieldPath: inside.join('.') }
  const typeChanges = [...(Array.isArray(changes) ? changes : []), { fromType, toType: type, ...fieldPath }]
  const widened = {
    ...field,
    type: withTypeAt(field.type, inside, () => type),
    metadata: { ...field.metadata, 'delta.typeChanges': typeChanges },
  }
  const wider = withFieldsAt(schema, parents, (fields) => fields.map((other) => (other === field ? widened : other)))
  return { ...metadata, schemaString: encodeSchema(wider) }
}

function typeName(type: DataType): string {
  return typeof type === 'string' ? type : type.type
}

const WIDER: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double'],
  short: ['integer', 'long', 'double'],
  integer: ['long', 'double'],
  float: ['double'],
  date: ['timestamp_ntz'],
}

/** Digits before the point that a decimal needs for the integers of a type. */
const INTEGER_DIGITS: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 }

/** Whether PROTOCOL.md, "Type Widening", lists this change. */
export function isWidening(from: string, to: string): boolean {
  if (WIDER[from]?.includes(to) === true) return true
  const [wide, narrow] = [decimalOf(to), decimalOf(from)]
  if (wide === undefined) return false
  const digits = narrow === undefined ? INTEGER_DIGITS[from] : narrow.precision - narrow.scale
  const scale = narrow?.scale ?? 0
  if (digits === undefined || from === to) return false
  return wide.scale >= scale && wide.precision - wide.scale >= digits
}

function decimalOf(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? []
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) }
}
