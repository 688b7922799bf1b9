import type { Clock } from '../clock.ts'
import { tableDefinitionInvalid, unsupportedReaderFeature } from '../errors.ts'
import type { Action, Metadata, Protocol } from '../protocol/actions.ts'
import { CLUSTERING_DOMAIN } from '../protocol/clustering.ts'
import { type ColumnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { findPath, parseColumnPath } from '../protocol/column-path.ts'
import { assertWritable, usedFeatures } from '../protocol/features.ts'
import { encodeSchema, usesType, walkFields } from '../protocol/parse-schema.ts'
import { LOWEST_PROTOCOL, raiseProtocol } from '../protocol/raise-protocol.ts'
import type { StructField, StructType } from '../protocol/schema.ts'
import { assertFileSettings } from './alter-properties.ts'
import { withPhysicalNames } from './physical-names.ts'

/** A table to be made. */
export interface TableDefinition {
  readonly schema: StructType
  readonly partitionColumns?: readonly string[]
  /** Columns to cluster by: `optimize` keeps rows with near values together. Not beside partition columns. */
  readonly clusterBy?: readonly string[]
  /** Table properties: `delta.enableChangeDataFeed`, `delta.constraints.<name>`, `delta.columnMapping.mode`… The protocol follows them. */
  readonly configuration?: Readonly<Record<string, string>>
  readonly name?: string
  readonly description?: string
  /** Rows may be marked as deleted instead of rewriting their file; readers need reader version 3. */
  readonly deletionVectors?: boolean
  /** The table will carry domain metadata; readers need nothing for it. */
  readonly domainMetadata?: boolean
}

/**
 * The first actions of a table: protocol, metaData and, for a clustered table, its columns. The protocol is the lowest that tells the truth.
 * Throws `TABLE_DEFINITION_INVALID`, and `UNSUPPORTED_WRITER_FEATURE` for properties of features that we do not write.
 */
export function createTableActions(
  clock: Clock,
  definition: TableDefinition,
): readonly [{ readonly protocol: Protocol }, { readonly metaData: Metadata }, ...Action[]] {
  const { partitionColumns = [], clusterBy = [], name, description } = definition
  assertColumns(definition.schema, partitionColumns)
  assertClustering(definition)
  const configuration = newConfiguration(clock, definition)
  assertFileSettings(definition, { configuration })
  const isMapped = (configuration['delta.columnMapping.mode'] ?? 'none') !== 'none'
  const { schema, maxColumnId } = isMapped
    ? withPhysicalNames(definition.schema, { clock, maxColumnId: 0 })
    : { schema: definition.schema, maxColumnId: 0 }
  const metaData: Metadata = {
    id: clock.uuid(),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    format: { provider: 'parquet', options: {} },
    schemaString: encodeSchema(schema),
    partitionColumns,
    createdTime: clock.now(),
    configuration: isMapped
      ? { ...configuration, 'delta.columnMapping.maxColumnId': String(maxColumnId) }
      : configuration,
  }
  const features = [
    ...usedFeatures(metaData, schema),
    ...(definition.domainMetadata === true || clusterBy.length > 0 ? ['domainMetadata'] : []),
    ...(clusterBy.length > 0 ? ['clustering'] : []),
  ]
  const protocol = raiseProtocol(LOWEST_PROTOCOL, features)
  assertWritable(protocol, metaData)
  return [
    { protocol },
    { metaData },
    ...(clusterBy.length > 0 ? [clusteringAction(schema, clusterBy, isMapped ? 'name' : 'none')] : []),
  ]
}

function newConfiguration(
  clock: Clock,
  { configuration = {}, deletionVectors }: TableDefinition,
): Readonly<Record<string, string>> {
  const isTracked = configuration['delta.enableRowTracking']?.toLowerCase() === 'true'
  return {
    ...configuration,
    ...(deletionVectors === true ? { 'delta.enableDeletionVectors': 'true' } : {}),
    // PROTOCOL.md, "Row Tracking": rows that are copied keep their ids in columns of these names.
    ...(isTracked
      ? {
          'delta.rowTracking.materializedRowIdColumnName': `_row-id-col-${clock.uuid()}`,
          'delta.rowTracking.materializedRowCommitVersionColumnName': `_row-commit-version-col-${clock.uuid()}`,
        }
      : {}),
  }
}

// PROTOCOL.md, "Clustered Table": the domain names columns as files do.
function clusteringAction(schema: StructType, columns: readonly string[], mode: ColumnMappingMode): Action {
  const clusteringColumns = columns.map((column) =>
    clusteringPath(schema, column).map((field) => physicalName(field, mode)),
  )
  const configuration = JSON.stringify({ clusteringColumns, domainName: CLUSTERING_DOMAIN })
  return { domainMetadata: { domain: CLUSTERING_DOMAIN, configuration, removed: false } }
}

function clusteringPath(schema: StructType, column: string): readonly StructField[] {
  const fields = findPath(schema, parseColumnPath(column) ?? [])
  if (fields === undefined)
    throw tableDefinitionInvalid(`the clustering column ${JSON.stringify(column)} is not among the columns`)
  return fields
}

function assertClustering({ schema, partitionColumns = [], clusterBy = [] }: TableDefinition): void {
  if (clusterBy.length === 0) return
  if (partitionColumns.length > 0) throw tableDefinitionInvalid('it has partition columns and clustering columns')
  for (const column of clusterBy) {
    const type = clusteringPath(schema, column).at(-1)?.type
    const isOrdered = typeof type === 'string' && !['boolean', 'binary', 'void', 'variant'].includes(type)
    if (!isOrdered) throw tableDefinitionInvalid(`the clustering column ${JSON.stringify(column)} has no order`)
  }
}

function assertColumns(schema: StructType, partitionColumns: readonly string[]): void {
  if (schema.fields.length === 0) throw tableDefinitionInvalid('it has no columns')
  // Delta's names keep their case and are compared without it.
  const seen = new Set<string>()
  for (const { path } of walkFields(schema)) {
    const key = path.map((name) => name.toLowerCase()).join('\n')
    if (path.at(-1) === '') throw tableDefinitionInvalid('a column has an empty name')
    if (seen.has(key))
      throw tableDefinitionInvalid(
        `the column ${JSON.stringify(path.join('.'))} occurs twice (upper and lower case are the same)`,
      )
    seen.add(key)
  }
  if (usesType(schema, 'variant')) throw unsupportedReaderFeature(['variantType'])
  for (const column of partitionColumns) {
    const field = schema.fields.find((candidate) => candidate.name === column)
    if (field === undefined)
      throw tableDefinitionInvalid(`the partition column ${JSON.stringify(column)} is not among the columns`)
    if (typeof field.type !== 'string')
      throw tableDefinitionInvalid(`the partition column ${JSON.stringify(column)} is nested`)
  }
  if (new Set(partitionColumns).size !== partitionColumns.length)
    throw tableDefinitionInvalid('a partition column is named twice')
  if (partitionColumns.length === schema.fields.length)
    throw tableDefinitionInvalid('every column is a partition column')
}
