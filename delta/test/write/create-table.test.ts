import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { parseSchema } from '../../src/protocol/parse-schema.ts'
import type { DataType, StructType } from '../../src/protocol/schema.ts'
import { createTableActions, type TableDefinition } from '../../src/write/create-table.ts'

const CLOCK: Clock = { ...systemClock, now: () => 1_000, uuid: () => 'an id' }
const PLAIN = schemaOf({ id: 'long', name: 'string' })

test.each<[string, TableDefinition, object]>([
  ['a plain table', { schema: PLAIN }, { minReaderVersion: 1, minWriterVersion: 2 }],
  [
    'an append-only one',
    { schema: PLAIN, configuration: { 'delta.appendOnly': 'true' } },
    { minReaderVersion: 1, minWriterVersion: 2 },
  ],
  [
    'one with domain metadata',
    { schema: PLAIN, domainMetadata: true, configuration: { 'delta.appendOnly': 'true' } },
    { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'domainMetadata'] },
  ],
  [
    'one with deletion vectors',
    { schema: PLAIN, deletionVectors: true, domainMetadata: true },
    {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
      writerFeatures: ['deletionVectors', 'domainMetadata'],
    },
  ],
  [
    'one with times without a zone',
    { schema: schemaOf({ id: 'long', at: { type: 'array', elementType: 'timestamp_ntz', containsNull: true } }) },
    { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['timestampNtz'], writerFeatures: ['timestampNtz'] },
  ],
])('%s gets the lowest protocol that tells the truth', (_, definition, protocol) => {
  expect(createTableActions(CLOCK, definition)[0]).toEqual({ protocol })
})

test('the metadata hold schema, partitions and properties', () => {
  const [, { metaData }] = createTableActions(CLOCK, {
    schema: PLAIN,
    partitionColumns: ['name'],
    deletionVectors: true,
    name: 'orders',
  })
  expect(metaData).toMatchObject({
    id: 'an id',
    name: 'orders',
    format: { provider: 'parquet', options: {} },
    partitionColumns: ['name'],
    createdTime: 1_000,
    configuration: { 'delta.enableDeletionVectors': 'true' },
  })
  expect(parseSchema(metaData.schemaString)).toEqual(PLAIN)
})

test.each<[string, TableDefinition]>([
  ['it has no columns', { schema: schemaOf({}) }],
  ['a column has an empty name', { schema: schemaOf({ '': 'long' }) }],
  [
    'the column "ID" occurs twice (upper and lower case are the same)',
    { schema: schemaOf({ id: 'long', ID: 'long' }) },
  ],
  ['the partition column "x" is not among the columns', { schema: PLAIN, partitionColumns: ['x'] }],
  [
    'the partition column "l" is nested',
    {
      schema: schemaOf({ id: 'long', l: { type: 'array', elementType: 'long', containsNull: true } }),
      partitionColumns: ['l'],
    },
  ],
  ['a partition column is named twice', { schema: PLAIN, partitionColumns: ['id', 'id'] }],
  ['it has partition columns and clustering columns', { schema: PLAIN, partitionColumns: ['name'], clusterBy: ['id'] }],
  ['the clustering column "x" is not among the columns', { schema: PLAIN, clusterBy: ['x'] }],
  ['the clustering column "f" has no order', { schema: schemaOf({ id: 'long', f: 'boolean' }), clusterBy: ['f'] }],
  ['every column is a partition column', { schema: PLAIN, partitionColumns: ['id', 'name'] }],
])('a table is refused when %s', (why, definition) => {
  expect(() => createTableActions(CLOCK, definition)).toThrow(
    `The table cannot be created: ${why}. Change the columns or the partition columns.`,
  )
})

test.each<[string, Readonly<Record<string, string>>, object]>([
  ['a change feed', { 'delta.enableChangeDataFeed': 'true' }, { minReaderVersion: 1, minWriterVersion: 4 }],
  ['a constraint', { 'delta.constraints.c': 'id > 0' }, { minReaderVersion: 1, minWriterVersion: 3 }],
  [
    'in-commit timestamps',
    { 'delta.enableInCommitTimestamps': 'true' },
    { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] },
  ],
  [
    'row tracking',
    { 'delta.enableRowTracking': 'true' },
    { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['domainMetadata', 'rowTracking'] },
  ],
])('%s is asked for by a property, and the protocol follows', (_, configuration, protocol) => {
  const [first, { metaData }] = createTableActions(CLOCK, { schema: PLAIN, configuration })
  expect(first).toEqual({ protocol })
  expect(metaData.configuration).toMatchObject(configuration)
})

test('a table with row tracking says in which columns copied rows keep their ids', () => {
  const [, { metaData }] = createTableActions(CLOCK, {
    schema: PLAIN,
    configuration: { 'delta.enableRowTracking': 'true' },
  })
  expect(metaData.configuration).toEqual({
    'delta.enableRowTracking': 'true',
    'delta.rowTracking.materializedRowIdColumnName': '_row-id-col-an id',
    'delta.rowTracking.materializedRowCommitVersionColumnName': '_row-commit-version-col-an id',
  })
})

test('a clustered table names its columns in a domain', () => {
  const [{ protocol }, , clustering] = createTableActions(CLOCK, { schema: PLAIN, clusterBy: ['id'] })
  expect(protocol.writerFeatures).toEqual(['clustering', 'domainMetadata'])
  expect(clustering).toEqual({
    domainMetadata: {
      domain: 'delta.clustering',
      configuration: '{"clusteringColumns":[["id"]],"domainName":"delta.clustering"}',
      removed: false,
    },
  })
})

function schemaOf(columns: Readonly<Record<string, DataType>>): StructType {
  return {
    type: 'struct',
    fields: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
  }
}
