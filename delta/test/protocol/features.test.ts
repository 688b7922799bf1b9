import { expect, test } from 'vitest'
import type { Metadata, Protocol } from '../../src/protocol/actions.ts'
import {
  allowsDeletionVectors,
  assertPlainlyWritable,
  assertReadable,
  assertWritable,
  featuresOf,
} from '../../src/protocol/features.ts'

test('the old numbers and the features that we know are read and written', () => {
  for (const protocol of [
    legacy(1, 1),
    legacy(1, 2),
    features(['deletionVectors', 'timestampNtz', 'vacuumProtocolCheck'], ['domainMetadata']),
  ]) {
    assertReadable(protocol, metadata())
    assertWritable(protocol, metadata())
  }
})

test('unknown reader features are refused, all of them by name', () => {
  expect(() => assertReadable(features(['deletionVectors', 'catalogManaged', 'madeUp'], []), metadata())).toThrow(
    'The table cannot be read here: it needs catalogManaged, madeUp, which this version of Tributary does not know. Read it with a newer version or another engine, or drop the feature there.',
  )
})

test('an unknown writer feature stops writing and not reading', () => {
  const protocol: Protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['madeUp'] }
  assertReadable(protocol, metadata())
  expect(() => assertWritable(protocol, metadata())).toThrow(
    'The table cannot be written here: it needs madeUp, which this version of Tributary does not know. Write it with a newer version or another engine, or drop the feature there.',
  )
})

test('versions from the future are refused', () => {
  expect(() => assertReadable(legacy(4, 7), metadata())).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_READER_FEATURE' }),
  )
  expect(() => assertWritable(legacy(1, 8), metadata())).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_WRITER_FEATURE' }),
  )
})

test('a table with mapped columns is read, and not written by plain writers', () => {
  const mapped = metadata({ 'delta.columnMapping.mode': 'name' })
  for (const protocol of [legacy(2, 5), features(['columnMapping'], []), features([], ['columnMapping'])]) {
    assertWritable(protocol, metadata())
    assertReadable(protocol, mapped)
    assertWritable(protocol, mapped)
    expect(() => assertPlainlyWritable(protocol, mapped)).toThrow(unwritable('columnMapping'))
  }
  // Reader version 1 does not know the property.
  assertWritable(legacy(1, 2), mapped)
})

test.each([
  ['changeDataFeed', { 'delta.enableChangeDataFeed': 'true' }, {}],
  ['checkConstraints', { 'delta.constraints.positive': 'a > 0' }, {}],
  ['invariants', {}, { 'delta.invariants': '{"expression":{"expression":"a > 0"}}' }],
  ['generatedColumns', {}, { 'delta.generationExpression': 'b + 1' }],
  ['identityColumns', {}, { 'delta.identity.start': 1 }],
  ['allowColumnDefaults', {}, { CURRENT_DEFAULT: '1' }],
  ['inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }, {}],
] as const)(
  '%s may be listed, and stops a plain writer once something uses it',
  (feature, configuration, fieldMetadata) => {
    const protocol: Protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: [feature] }
    assertPlainlyWritable(protocol, metadata())
    expect(() => assertPlainlyWritable(protocol, metadata(configuration, fieldMetadata))).toThrow(unwritable(feature))
    assertWritable(protocol, metadata(configuration, fieldMetadata))
  },
)

test('row tracking stops a plain writer as soon as it is listed, since every file owes ids then', () => {
  const protocol: Protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] }
  assertWritable(protocol, metadata())
  expect(() => assertPlainlyWritable(protocol, metadata())).toThrow(unwritable('rowTracking'))
})

test('old writer versions imply features', () => {
  assertPlainlyWritable(legacy(1, 6), metadata())
  expect(() => assertPlainlyWritable(legacy(1, 4), metadata({ 'delta.enableChangeDataFeed': 'true' }))).toThrow(
    unwritable('changeDataFeed'),
  )
  assertPlainlyWritable(legacy(1, 3), metadata({ 'delta.enableChangeDataFeed': 'true' }))
  expect(featuresOf(legacy(1, 3))).toEqual(['appendOnly', 'invariants', 'checkConstraints'])
})

test('deletion vectors are written only where they are listed and switched on', () => {
  const on = metadata({ 'delta.enableDeletionVectors': 'true' })
  expect(allowsDeletionVectors(features(['deletionVectors'], []), on)).toBe(true)
  expect(allowsDeletionVectors(features(['deletionVectors'], []), metadata())).toBe(false)
  expect(allowsDeletionVectors(legacy(1, 2), on)).toBe(false)
})

function unwritable(names: string): string {
  return `The table cannot be written here: it needs ${names}, which this version of Tributary does not know. Write it with a newer version or another engine, or drop the feature there.`
}

function legacy(minReaderVersion: number, minWriterVersion: number): Protocol {
  return { minReaderVersion, minWriterVersion }
}

function features(readerFeatures: readonly string[], writerOnly: readonly string[]): Protocol {
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures,
    writerFeatures: [...readerFeatures, ...writerOnly],
  }
}

function metadata(
  configuration: Readonly<Record<string, string>> = {},
  fieldMetadata: Readonly<Record<string, unknown>> = {},
): Metadata {
  const inner = { type: 'struct', fields: [{ name: 'a', type: 'long', nullable: true, metadata: fieldMetadata }] }
  const schema = { type: 'struct', fields: [{ name: 's', type: inner, nullable: true, metadata: {} }] }
  return {
    id: 'i',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(schema),
    partitionColumns: [],
    configuration,
  }
}
