import {
  type Action,
  encodeSchema,
  type FileSettings,
  type Metadata,
  protocolActions,
  type Snapshot,
  type StructType,
  tableFileSettings,
} from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'

/** The table's properties with those that the configuration sets. */
export function configuredProperties(
  { properties }: Pick<TableConfig, 'properties'>,
  metadata: Pick<Metadata, 'configuration'> | undefined,
): Metadata['configuration'] {
  return { ...metadata?.configuration, ...properties }
}

/**
 * New metadata where the schema grew or configured properties are not set yet, else nothing; and before it the protocol, where the types of
 * the columns need a feature that the table lacks.
 */
export function metadataActions(
  table: Pick<TableConfig, 'properties'>,
  snapshot: Pick<Snapshot, 'metadata' | 'protocol' | 'schema'>,
  schema: StructType,
): readonly Action[] {
  const { metadata, protocol } = snapshot
  const raised = protocolActions(protocol, schema)
  const hasGrown = encodeSchema(schema) !== encodeSchema(snapshot.schema)
  const configuration = configuredProperties(table, metadata)
  const isSet = Object.entries(configuration).every(([name, value]) => metadata.configuration[name] === value)
  if (isSet && !hasGrown) return raised
  const schemaString = hasGrown ? encodeSchema(schema) : metadata.schemaString
  return [...raised, { metaData: { ...metadata, schemaString, configuration } }]
}

/** How files of a table are written from now on; it may be there or not. Throws `FILE_SETTING_INVALID`. */
export function configuredSettings(
  table: Pick<TableConfig, 'properties'>,
  snapshot: Pick<Snapshot, 'metadata' | 'domains'> | undefined,
): FileSettings {
  const configuration = configuredProperties(table, snapshot?.metadata)
  return tableFileSettings({ metadata: { configuration }, domains: snapshot?.domains ?? new Map() })
}
