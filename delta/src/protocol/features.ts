// PROTOCOL.md, "Table Features". A feature that we do not know is refused by name, never ignored. Some that we do not
// implement are harmless while nothing in the table uses them: `isIdle` decides that.

import { unsupportedReaderFeature, unsupportedWriterFeature } from '../errors.ts'
import type { Metadata, Protocol } from './actions.ts'
import { parseSchema, usesType, walkFields } from './parse-schema.ts'
import type { StructField, StructType } from './schema.ts'
import { assertTypeChanges } from './type-widening.ts'

/** Reader features that this library honours. */
export const READER_FEATURES: readonly string[] = [
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'variantShredding',
  'variantShredding-preview',
  'variantType',
  'variantType-preview',
]

/** Writer features that every writer here honours, down to a bare `commit` of files from `writeDataFiles`. */
const PLAIN_WRITER_FEATURES: readonly string[] = [
  'checkpointProtection',
  'deletionVectors',
  'domainMetadata',
  'timestampNtz',
  'vacuumProtocolCheck',
]

/** Writer features that a transaction with rows from `writeTableRows` honours. */
export const WRITER_FEATURES: readonly string[] = [
  ...PLAIN_WRITER_FEATURES,
  'allowColumnDefaults',
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'clustering',
  'columnMapping',
  'generatedColumns',
  'identityColumns',
  'inCommitTimestamp',
  'invariants',
  'rowTracking',
  'typeWidening',
  'v2Checkpoint',
]

/** Throws `UNSUPPORTED_READER_FEATURE` with the names of what we would have to know to read the table, and `SCHEMA_CORRUPT`. */
export function assertReadable(protocol: Protocol, metadata: Metadata): void {
  const unknown = readerNeeds(protocol).filter((name) => !READER_FEATURES.includes(name))
  if (unknown.length > 0) throw unsupportedReaderFeature(unknown)
  if (readerNeeds(protocol).some((name) => name.startsWith('typeWidening')))
    assertTypeChanges(parseSchema(metadata.schemaString))
}

/** Throws `UNSUPPORTED_WRITER_FEATURE` (or `UNSUPPORTED_READER_FEATURE`) with the names of what we would have to know to write the table. */
export function assertWritable(protocol: Protocol, metadata: Metadata): void {
  assertReadable(protocol, metadata)
  // A reader feature is a writer feature too, also where the writers' list lacks it.
  const unknown = featuresOf(protocol).filter((name) => !WRITER_FEATURES.includes(name))
  if (unknown.length > 0) throw unsupportedWriterFeature(unknown)
}

/**
 * As `assertWritable`, for writers that bring their own files and actions: no rule of the table may speak about rows or commits, but for
 * the features that the writer `keeps` by itself. Throws `UNSUPPORTED_WRITER_FEATURE` with the names of the features that do.
 */
export function assertPlainlyWritable(protocol: Protocol, metadata: Metadata, keeps: readonly string[] = []): void {
  assertReadable(protocol, metadata)
  const fields = [...walkFields(parseSchema(metadata.schemaString))].map(({ field }) => field)
  // Rows get ids as soon as row tracking is listed, whatever the properties say.
  const active = writerNeeds(protocol).filter(
    (name) =>
      !PLAIN_WRITER_FEATURES.includes(name) &&
      !keeps.includes(name) &&
      (name === 'rowTracking' || !isWriterIdle(name, metadata, fields)),
  )
  if (active.length > 0) throw unsupportedWriterFeature(active)
}

/** The features in force for readers and writers: listed, or implied by old version numbers. */
export function featuresOf(protocol: Protocol): readonly string[] {
  return [...new Set([...readerNeeds(protocol), ...writerNeeds(protocol)])]
}

/** Whether a writer feature is in force: listed, or implied by a writer version below 7. */
export function supportsWriterFeature(protocol: Protocol, name: string): boolean {
  return writerNeeds(protocol).includes(name)
}

/** Whether new deletion vectors may be written: the feature is listed and the table's property is set. */
export function allowsDeletionVectors(protocol: Protocol, metadata: Metadata): boolean {
  return supportsWriterFeature(protocol, 'deletionVectors') && isTrue(metadata, 'delta.enableDeletionVectors')
}

/** The features whose properties, columns or types a table uses, so that its protocol has to name them. */
export function usedFeatures(metadata: Metadata, schema: StructType): readonly string[] {
  const fields = [...walkFields(schema)].map(({ field }) => field)
  const used = Object.keys(WRITER_IDLE).filter((name) => !isWriterIdle(name, metadata, fields))
  used.push(...typeFeatures(schema))
  // PROTOCOL.md, "Row Tracking" and "Clustered Table": their state is domain metadata.
  if (used.includes('rowTracking') || used.includes('clustering')) used.push('domainMetadata')
  return used
}

/** The features without which no table may have the types of its columns. */
export function typeFeatures(schema: StructType): readonly string[] {
  return [
    ...(usesType(schema, 'timestamp_ntz') ? ['timestampNtz'] : []),
    ...(usesType(schema, 'variant') ? ['variantType'] : []),
  ]
}

function readerNeeds(protocol: Protocol): string[] {
  if (protocol.minReaderVersion > 3) return [`reader version ${protocol.minReaderVersion}`]
  if (protocol.minReaderVersion === 3) return [...(protocol.readerFeatures ?? [])]
  return protocol.minReaderVersion === 2 ? ['columnMapping'] : []
}

/** What writer versions below 7 imply, by the version from which on. */
export const LEGACY_WRITER_FEATURES: readonly (readonly [version: number, name: string])[] = [
  [2, 'appendOnly'],
  [2, 'invariants'],
  [3, 'checkConstraints'],
  [4, 'changeDataFeed'],
  [4, 'generatedColumns'],
  [5, 'columnMapping'],
  [6, 'identityColumns'],
]

function writerNeeds(protocol: Protocol): readonly string[] {
  if (protocol.minWriterVersion > 7) return [`writer version ${protocol.minWriterVersion}`]
  if (protocol.minWriterVersion === 7) return protocol.writerFeatures ?? []
  return LEGACY_WRITER_FEATURES.filter(([version]) => version <= protocol.minWriterVersion).map(([, name]) => name)
}

type IsIdle = (metadata: Metadata, fields: readonly StructField[]) => boolean

const WRITER_IDLE: Readonly<Record<string, IsIdle>> = {
  invariants: (_, fields) => noneHas(fields, 'delta.invariants') && fields.every(({ nullable }) => nullable),
  checkConstraints: (metadata) =>
    !Object.keys(metadata.configuration).some((key) => key.toLowerCase().startsWith('delta.constraints.')),
  changeDataFeed: (metadata) => !isTrue(metadata, 'delta.enableChangeDataFeed'),
  generatedColumns: (_, fields) => noneHas(fields, 'delta.generationExpression'),
  columnMapping: (metadata) => !hasColumnMapping(metadata),
  identityColumns: (_, fields) => noneHas(fields, 'delta.identity.start'),
  allowColumnDefaults: (_, fields) => noneHas(fields, 'CURRENT_DEFAULT'),
  inCommitTimestamp: (metadata) => !isTrue(metadata, 'delta.enableInCommitTimestamps'),
  appendOnly: (metadata) => !isTrue(metadata, 'delta.appendOnly'),
  deletionVectors: (metadata) => !isTrue(metadata, 'delta.enableDeletionVectors'),
  rowTracking: (metadata) => !isTrue(metadata, 'delta.enableRowTracking'),
  typeWidening: (metadata, fields) =>
    !isTrue(metadata, 'delta.enableTypeWidening') && noneHas(fields, 'delta.typeChanges'),
  v2Checkpoint: (metadata) => metadata.configuration['delta.checkpointPolicy']?.toLowerCase() !== 'v2',
}

function isWriterIdle(name: string, metadata: Metadata, fields: readonly StructField[]): boolean {
  return Object.hasOwn(WRITER_IDLE, name) && WRITER_IDLE[name]?.(metadata, fields) === true
}

function hasColumnMapping(metadata: Metadata): boolean {
  const mode = metadata.configuration['delta.columnMapping.mode']
  return mode !== undefined && mode !== 'none'
}

function isTrue(metadata: Metadata, property: string): boolean {
  return metadata.configuration[property]?.toLowerCase() === 'true'
}

function noneHas(fields: readonly StructField[], key: string): boolean {
  return !fields.some((field) => Object.hasOwn(field.metadata, key))
}
