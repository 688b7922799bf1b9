// Changes of a table's columns, as pure functions from metadata to metadata. PROTOCOL.md, "Column Mapping" and "Type Widening".

import type { Clock } from '../clock.ts'
import { alterationInvalid, TributaryError } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import { CLUSTERING_DOMAIN, parseClusteringColumns } from '../protocol/clustering.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { findPath, formatColumnPath } from '../protocol/column-path.ts'
import { encodeSchema, parseSchema, walkFields } from '../protocol/parse-schema.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'
import { type ColumnPlace, namesOf, placeOfColumn, withFieldsAt } from './column-place.ts'
import { columnsOf } from './expression-columns.ts'
import { withStatsColumns } from './file-settings.ts'
import { withPhysicalNames } from './physical-names.ts'
import type { TargetTable } from './table-rows.ts'
import { widenColumn } from './widen-column.ts'

/** A change of a table's columns. */
export type ColumnChange =
  /** New columns at the end of the table or of a record; the rows that are there have NULL in them. */
  | { readonly kind: 'add'; readonly fields: readonly StructField[]; readonly within?: string | undefined }
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
      return addColumns(clock, table, change)
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
  { fields: added, within }: Extract<ColumnChange, { readonly kind: 'add' }>,
): Metadata {
  const place = within === undefined ? undefined : placeOfColumn(schema, within)
  const record = place === undefined ? schema : place.type
  if (typeof record === 'string' || record.type !== 'struct')
    throw alterationInvalid(`${within ?? ''} is no record, so it has no fields`, 'Name a column that is a record.')
  assertAddable(record, added)
  const wider = withFieldsAt(schema, namesOf(place), (fields) => [...fields, ...added])
  if (columnMappingMode({ protocol, metadata }) === 'none') return { ...metadata, schemaString: encodeSchema(wider) }
  const known = Number(metadata.configuration['delta.columnMapping.maxColumnId'] ?? 0)
  const mapped = withPhysicalNames(wider, { clock, maxColumnId: known })
  return {
    ...metadata,
    schemaString: encodeSchema(mapped.schema),
    configuration: { ...metadata.configuration, 'delta.columnMapping.maxColumnId': String(mapped.maxColumnId) },
  }
}

function assertAddable({ fields }: StructType, added: readonly StructField[]): void {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
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
}

function renameColumn(
  table: TargetTable,
  { column, to }: Extract<ColumnChange, { readonly kind: 'rename' }>,
): Metadata {
  const { metadata, schema } = table
  const place = fieldPlace(schema, column)
  const { field, parents } = place
  assertMapped(table, 'renamed')
  assertUnmentioned(table, place)
  const renamed = withFieldsAt(schema, parents, (fields) => {
    const other = fields.find(({ name }) => name.toLowerCase() === to.toLowerCase())
    if (to === '' || (other !== undefined && other !== field))
      throw alterationInvalid(`there is a column ${to} already, or the name is empty`, 'Choose another name.')
    return fields.map((candidate) => (candidate === field ? { ...field, name: to } : candidate))
  })
  const isTop = parents.length === 0
  return {
    ...metadata,
    schemaString: encodeSchema(renamed),
    partitionColumns: metadata.partitionColumns.map((name) => (isTop && name === field.name ? to : name)),
    configuration: withStatsColumns(metadata.configuration, namesOf(place), to),
  }
}

function dropColumn(table: TargetTable, column: string): Metadata {
  const { metadata, schema } = table
  const place = fieldPlace(schema, column)
  const { field, parents } = place
  const shown = formatColumnPath(namesOf(place))
  assertMapped(table, 'dropped')
  assertUnmentioned(table, place)
  if ((parents.length === 0 && metadata.partitionColumns.includes(field.name)) || isClusteredBy(table, place))
    throw alterationInvalid(`${shown} says where rows are stored`, 'Make a new table without it.')
  const fewer = withFieldsAt(schema, parents, (fields) => {
    const left = fields.filter((candidate) => candidate !== field)
    if (parents.length > 0 && left.length === 0)
      throw alterationInvalid(`${shown} is the only field of its record`, 'Drop the record.')
    return left
  })
  if (fewer.fields.every(({ name }) => metadata.partitionColumns.includes(name)))
    throw alterationInvalid(`${field.name} is the last column with data in files`, 'Keep one.')
  const configuration = withStatsColumns(metadata.configuration, namesOf(place), undefined)
  return { ...metadata, schemaString: encodeSchema(fewer), configuration }
}

/** A part of an array or a map has no name of its own. */
function fieldPlace(schema: StructType, column: string): ColumnPlace {
  const place = placeOfColumn(schema, column)
  if (place.inside.length > 0)
    throw alterationInvalid(`${column} is a part of ${place.field.name} and no field`, 'Name a column or a field.')
  return place
}

function isClusteredBy(table: TargetTable, place: ColumnPlace): boolean {
  const mode = columnMappingMode(table)
  const own = findPath(table.schema, namesOf(place))?.map((field) => physicalName(field, mode))
  const columns = parseClusteringColumns(table.domains.get(CLUSTERING_DOMAIN) ?? '{}')
  return own !== undefined && columns.some((names) => own.every((name, depth) => name === names[depth]))
}

function assertMapped(table: TargetTable, what: string): void {
  if (columnMappingMode(table) === 'none')
    throw alterationInvalid(
      `columns are only ${what} in tables with column mapping`,
      'Set delta.columnMapping.mode to name first.',
    )
}

/** Rules are texts: they would speak of a column that is no more. */
function assertUnmentioned({ metadata, schema }: TargetTable, place: ColumnPlace): void {
  const [top = ''] = namesOf(place)
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
    const names = columnsOf(text)
    if (names === undefined || names.has(top.toLowerCase()))
      throw alterationInvalid(
        `${rule} may speak about ${formatColumnPath(namesOf(place))}: ${JSON.stringify(text)}`,
        'Drop that rule first.',
      )
  }
}
