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
  ['every column is a partition column', { schema: PLAIN, partitionColumns: ['id', 'name'] }],
])('a table is refused when %s', (why, definition) => {
  expect(() => createTableActions(CLOCK, definition)).toThrow(
    `The table cannot be created: ${why}. Change the columns or the partition columns.`,
  )
})

test.each([
  ['delta.enableChangeDataFeed', 'true'],
  ['delta.columnMapping.mode', 'name'],
  ['delta.constraints.c', 'id > 0'],
  ['delta.enableInCommitTimestamps', 'true'],
])('the property %s is refused, since it would be without effect', (property, value) => {
  expect(() => createTableActions(CLOCK, { schema: PLAIN, configuration: { [property]: value } })).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_WRITER_FEATURE' }),
  )
})

function schemaOf(columns: Readonly<Record<string, DataType>>): StructType {
  return {
    type: 'struct',
    fields: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })),
  }
}
