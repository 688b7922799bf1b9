// Changes of a table's columns, as pure functions from metadata to metadata. PROTOCOL.md, "Column Mapping" and "Type Widening".

import type { Clock } from '../clock.ts'
import { alterationInvalid, columnNotFound, TributaryError } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { encodeSchema, parseSchema, walkFields } from '../protocol/parse-schema.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'
import { namesOf } from './expression-columns.ts'
import { withPhysicalNames } from './physical-names.ts'
import type { TargetTable } from './table-rows.ts'

/** A change of a table's columns. */
export type ColumnChange =
  /** New columns at the end; the rows that are there have NULL in them. */
  | { readonly kind: 'add'; readonly fields: readonly StructField[] }
  /** A type that holds all values of the old one; needs `delta.enableTypeWidening`. */
  | { readonly kind: 'widen'; readonly column: string; readonly type: DataType }
  /** Needs column mapping. */
  | { readonly kind: 'rename'; readonly column: string; readonly to: string }
  /** Needs column mapping; the values stay in the files until they are rewritten. */
  | { readonly kind: 'drop'; readonly column: string }

/** The metadata after a change of columns. Throws `ALTERATION_INVALID`, `COLUMN_NOT_FOUND`. */
export function alterColumns(clock: Clock, table: TargetTable, change: ColumnChange): Metadata {
  const metadata = altered(clock, table, change)
  try {
    parseSchema(metadata.schemaString)
  } catch (cause) {
    // Nothing is written yet: it is the wish that is no schema, and not the table.
    const why = cause instanceof TributaryError ? cause.message : String(cause)
    throw alterationInvalid(`the columns would be no schema of Delta (${why})`, 'Give a type of Delta.')
  }
  return metadata
}

function altered(clock: Clock, table: TargetTable, change: ColumnChange): Metadata {
  switch (change.kind) {
    case 'add':
      return addColumns(clock, table, change.fields)
    case 'widen':
      return widenColumn(table, change)
    case 'rename':
      return renameColumn(table, change)
    case 'drop':
      return dropColumn(table, change.column)
  }
}

function addColumns(
  clock: Clock,
  { protocol, metadata, schema }: TargetTable,
  added: readonly StructField[],
): Metadata {
  const names = new Set(schema.fields.map(({ name }) => name.toLowerCase()))
  for (const field of added) {
    const refuse = (why: string, remedy: string): Error =>
      alterationInvalid(`the new column ${field.name} ${why}`, remedy)
    if (field.name === '' || names.has(field.name.toLowerCase()))
      throw refuse('is there already, or has no name', 'Choose another name.')
    if (!field.nullable) throw refuse('is NOT NULL, and the rows that are there have no value', 'Make it nullable.')
    // PROTOCOL.md, "Default Columns": a default set with the column would have to reach rows that are there.
    const inner = [...walkFields({ type: 'struct', fields: [field] })]
    if (inner.some((walked) => Object.hasOwn(walked.field.metadata, 'CURRENT_DEFAULT')))
      throw refuse('has a default', 'Add the column without a default first.')
    names.add(field.name.toLowerCase())
  }
  const wider: StructType = { type: 'struct', fields: [...schema.fields, ...added] }
  if (columnMappingMode({ protocol, metadata }) === 'none') return { ...metadata, schemaString: encodeSchema(wider) }
  const known = Number(metadata.configuration['delta.columnMapping.maxColumnId'] ?? 0)
  const mapped = withPhysicalNames(wider, { clock, maxColumnId: known })
  return {
    ...metadata,
    schemaString: encodeSchema(mapped.schema),
    configuration: { ...metadata.configuration, 'delta.columnMapping.maxColumnId': String(mapped.maxColumnId) },
  }
}

function widenColumn(
  { metadata, schema }: TargetTable,
  { column, type }: Extract<ColumnChange, { readonly kind: 'widen' }>,
): Metadata {
  const field = fieldNamed(schema, column)
  if (metadata.configuration['delta.enableTypeWidening']?.toLowerCase() !== 'true')
    throw alterationInvalid('its property delta.enableTypeWidening is not set', 'Set it to true first.')
  if (typeof field.type !== 'string' || typeof type !== 'string' || !isWidening(field.type, type))
    throw alterationInvalid(
      `${field.name} cannot be widened from ${typeName(field.type)} to ${typeName(type)}`,
      'Choose a type that holds all values of the old one.',
    )
  const changes = field.metadata['delta.typeChanges']
  const typeChanges = [...(Array.isArray(changes) ? changes : []), { fromType: field.type, toType: type }]
  return withField(metadata, schema, field, {
    ...field,
    type,
    metadata: { ...field.metadata, 'delta.typeChanges': typeChanges },
  })
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

function renameColumn(
  table: TargetTable,
  { column, to }: Extract<ColumnChange, { readonly kind: 'rename' }>,
): Metadata {
  const { metadata, schema } = table
  const field = fieldNamed(schema, column)
  assertMapped(table, 'renamed')
  assertUnmentioned(table, field)
  const other = schema.fields.find(({ name }) => name.toLowerCase() === to.toLowerCase())
  if (to === '' || (other !== undefined && other !== field))
    throw alterationInvalid(`there is a column ${to} already, or the name is empty`, 'Choose another name.')
  const partitionColumns = metadata.partitionColumns.map((name) => (name === field.name ? to : name))
  return { ...withField(metadata, schema, field, { ...field, name: to }), partitionColumns }
}

function dropColumn(table: TargetTable, column: string): Metadata {
  const { metadata, schema, domains } = table
  const field = fieldNamed(schema, column)
  assertMapped(table, 'dropped')
  assertUnmentioned(table, field)
  const fields = schema.fields.filter((candidate) => candidate !== field)
  const isPartition = metadata.partitionColumns.includes(field.name)
  const isClustering = domains
    .get('delta.clustering')
    ?.includes(JSON.stringify(physicalName(field, columnMappingMode(table))))
  if (isPartition || isClustering === true)
    throw alterationInvalid(`${field.name} says where rows are stored`, 'Make a new table without it.')
  if (fields.every(({ name }) => metadata.partitionColumns.includes(name)))
    throw alterationInvalid(`${field.name} is the last column with data in files`, 'Keep one.')
  return { ...metadata, schemaString: encodeSchema({ type: 'struct', fields }) }
}

function assertMapped(table: TargetTable, what: string): void {
  if (columnMappingMode(table) === 'none')
    throw alterationInvalid(
      `columns are only ${what} in tables with column mapping`,
      'Set delta.columnMapping.mode to name first.',
    )
}

/** Rules are texts: they would speak of a column that is no more. */
function assertUnmentioned({ metadata, schema }: TargetTable, field: StructField): void {
  const rules = [
    ...Object.entries(metadata.configuration).filter(([key]) => key.toLowerCase().startsWith('delta.constraints.')),
    ...[...walkFields(schema)].flatMap(({ field: other, path }) =>
      ['delta.generationExpression', 'delta.invariants'].flatMap((key) => {
        const text = other.metadata[key]
        return typeof text === 'string' ? [[path.join('.'), text] as const] : []
      }),
    ),
  ]
  for (const [rule, text] of rules) {
    const names = namesOf(text)
    if (names === undefined || names.has(field.name.toLowerCase()))
      throw alterationInvalid(`${rule} may speak about ${field.name}: ${JSON.stringify(text)}`, 'Drop that rule first.')
  }
}

function fieldNamed(schema: StructType, column: string): StructField {
  const field = schema.fields.find(({ name }) => name.toLowerCase() === column.toLowerCase())
  if (field === undefined)
    throw columnNotFound(
      column,
      schema.fields.map(({ name }) => name),
    )
  return field
}

function withField(metadata: Metadata, schema: StructType, field: StructField, changed: StructField): Metadata {
  const fields = schema.fields.map((candidate) => (candidate === field ? changed : candidate))
  return { ...metadata, schemaString: encodeSchema({ type: 'struct', fields }) }
}

function typeName(type: DataType): string {
  return typeof type === 'string' ? type : type.type
}
