import type { Clock } from '../clock.ts'
import { tableDefinitionInvalid, unsupportedReaderFeature } from '../errors.ts'
import type { Metadata, Protocol } from '../protocol/actions.ts'
import { assertCreatable } from '../protocol/features.ts'
import { encodeSchema, usesType, walkFields } from '../protocol/parse-schema.ts'
import type { StructType } from '../protocol/schema.ts'

/** A table to be made. */
export interface TableDefinition {
  readonly schema: StructType
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
  readonly name?: string
  readonly description?: string
  /** Rows may be marked as deleted instead of rewriting their file; readers need reader version 3. */
  readonly deletionVectors?: boolean
  /** The table will carry domain metadata; readers need nothing for it. */
  readonly domainMetadata?: boolean
}

/**
 * The first two actions of a table, with the lowest protocol that tells the truth about it.
 * Throws `TABLE_DEFINITION_INVALID`, and `UNSUPPORTED_WRITER_FEATURE` for properties of features that we do not write.
 */
export function createTableActions(
  clock: Clock,
  definition: TableDefinition,
): readonly [{ readonly protocol: Protocol }, { readonly metaData: Metadata }] {
  const { schema, partitionColumns = [], name, description } = definition
  assertColumns(schema, partitionColumns)
  const protocol = lowestProtocol(definition)
  const metaData: Metadata = {
    id: clock.uuid(),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    format: { provider: 'parquet', options: {} },
    schemaString: encodeSchema(schema),
    partitionColumns,
    createdTime: clock.now(),
    configuration: {
      ...definition.configuration,
      ...(definition.deletionVectors ? { 'delta.enableDeletionVectors': 'true' } : {}),
    },
  }
  assertCreatable(protocol, metaData, schema)
  return [{ protocol }, { metaData }]
}

function lowestProtocol(definition: TableDefinition): Protocol {
  const readerFeatures = [
    ...(definition.deletionVectors ? ['deletionVectors'] : []),
    ...(usesType(definition.schema, 'timestamp_ntz') ? ['timestampNtz'] : []),
  ]
  const isAppendOnly = definition.configuration?.['delta.appendOnly']?.toLowerCase() === 'true'
  const writerFeatures = [...readerFeatures, ...(definition.domainMetadata ? ['domainMetadata'] : [])]
  // Writer version 2 implies appendOnly; version 7 has to list it.
  if (writerFeatures.length === 0) return { minReaderVersion: 1, minWriterVersion: 2 }
  const listed = [...writerFeatures, ...(isAppendOnly ? ['appendOnly'] : [])].sort()
  if (readerFeatures.length === 0) return { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: listed }
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: readerFeatures.sort(), writerFeatures: listed }
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
