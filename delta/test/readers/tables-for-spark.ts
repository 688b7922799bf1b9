// Tables of every kind that the library writes, each with a few versions: what Spark is to read as we do.

import { systemClock } from '../../src/clock.ts'
import type { Engine } from '../../src/duckdb/engine.ts'
import { writeCheckpoint } from '../../src/maintain/checkpoint.ts'
import type { DataType, StructType } from '../../src/protocol/schema.ts'
import type { Table } from '../../src/table.ts'
import type { CellValue } from '../../src/write/cell-text.ts'
import type { TableDefinition } from '../../src/write/create-table.ts'
import { schemaOf } from '../read/table.ts'
import { fieldsOf, type TablePlace } from '../write/support.ts'
import { newerEncodings } from './newer-encodings.ts'

interface TableForSpark {
  readonly name: string
  /** One of the few that every `make test` shows to Spark; the others wait for a soak. */
  readonly isSample: boolean
  readonly make: (place: TablePlace, engine: Engine) => Promise<Table>
}

const ROWS = schemaOf([
  ['id', 'long'],
  ['part', 'string'],
  ['v', 'string'],
])

export const TABLES_FOR_SPARK: readonly TableForSpark[] = [
  { name: 'plain', isSample: false, make: (place) => eventful(place, {}) },
  { name: 'deletion vectors', isSample: false, make: (place) => eventful(place, { deletionVectors: true }) },
  {
    name: 'partitions',
    isSample: false,
    make: (place) => eventful(place, { deletionVectors: true, partitionColumns: ['part'] }),
  },
  {
    name: 'clustered',
    isSample: false,
    make: (place) => eventful(place, { deletionVectors: true, clusterBy: ['id'] }),
  },
  { name: 'in-commit timestamps', isSample: false, make: (place) => withProperty(place, 'enableInCommitTimestamps') },
  { name: 'change feed', isSample: false, make: (place) => withProperty(place, 'enableChangeDataFeed') },
  {
    name: 'change feed with deletion vectors',
    isSample: false,
    make: (place) => withProperty(place, 'enableChangeDataFeed', { deletionVectors: true }),
  },
  {
    name: 'row tracking with deletion vectors',
    isSample: false,
    make: (place) => withProperty(place, 'enableRowTracking', { deletionVectors: true }),
  },
  { name: 'row tracking', isSample: false, make: (place) => withProperty(place, 'enableRowTracking') },
  { name: 'columns mapped by name', isSample: true, make: mapped },
  { name: 'columns mapped by name, late', isSample: false, make: mappedLate },
  { name: 'columns mapped by id', isSample: false, make: mappedById },
  { name: 'fields of records, altered', isSample: true, make: alteredFields },
  { name: 'LZ4', isSample: false, make: (place) => withProperty(place, 'parquet.compression.codec', {}, 'lz4') },
  { name: 'Parquet 2', isSample: true, make: newerEncodings },
  { name: 'widened types', isSample: true, make: widened },
  { name: 'all types', isSample: true, make: allTypes },
  { name: 'partitions of every type', isSample: true, make: typedPartitions },
  { name: 'checkpoint and tail', isSample: true, make: checkpointed },
  { name: 'rules, identities and defaults', isSample: false, make: ruled },
]

/** Appends, upserts, deletes and an added column: eight versions. */
async function eventful(place: TablePlace, definition: Partial<TableDefinition>): Promise<Table> {
  const table = await place.fresh(ROWS, definition)
  const make = (id: number, v: string | null) => ({ id, part: `p ${id % 3}/ü%`, v })
  const rows = Array.from({ length: 40 }, (_, id) => make(id, id % 7 === 0 ? null : `value ${id}`))
  await table.append(rows.slice(0, 30))
  await table.append(rows.slice(30))
  await table.upsert({ key: ['id'], changes: [make(3, 'third'), make(35, 'thirty-fifth'), make(100, 'new')] })
  await table.delete({ kind: '<', column: 'id', value: 5 })
  await table.upsert({ key: ['id'], changes: [make(3, 'back'), make(36, null)] })
  await table.addColumns(schemaOf([['extra', 'double']]).fields)
  await table.append([{ ...make(200, 'wide'), extra: 0.5 }])
  return table
}

function withProperty(
  place: TablePlace,
  name: string,
  definition: Partial<TableDefinition> = {},
  value = 'true',
): Promise<Table> {
  return eventful(place, { ...definition, configuration: { [`delta.${name}`]: value } })
}

/** Names that no Parquet file of an unmapped table may have, nested ones too; renamed, dropped and added again. */
async function mapped(place: TablePlace): Promise<Table> {
  const address = schemaOf([
    ['the street', 'string'],
    ['no;{}', 'integer'],
  ])
  const schema = schemaOf([
    ['row id', 'long'],
    ['a,b=c', 'string'],
    ['address', address],
    ['tags', { type: 'array', elementType: address, containsNull: true }],
  ])
  const configuration = { 'delta.columnMapping.mode': 'name' }
  const table = await place.fresh(schema, { configuration, deletionVectors: true, partitionColumns: ['a,b=c'] })
  const make = (id: number, text: string) => ({
    'row id': id,
    'a,b=c': text,
    address: { 'the street': `street ${id}`, 'no;{}': id },
    tags: [null, { 'the street': null, 'no;{}': id }],
  })
  await table.append([make(1, 'one'), make(2, 'two'), make(3, 'one')])
  await table.renameColumn('row id', 'number')
  await table.upsert({ key: ['number'], changes: [{ number: 2, 'a,b=c': 'two', address: null, tags: [] }] })
  await table.dropColumn('address')
  await table.addColumns(schemaOf([['address', 'string']]).fields)
  await table.append([{ number: 4, address: 'a text now' }])
  return table
}

/** Fields that came, went, and got other names and wider types, in a record and in an array of records. */
async function alteredFields(place: TablePlace): Promise<Table> {
  const home = schemaOf([
    ['city', 'string'],
    ['zip', 'integer'],
  ])
  const schema = schemaOf([
    ['id', 'long'],
    ['home', home],
    ['all', { type: 'array', elementType: home, containsNull: true }],
    ['sizes', { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true }],
    ['a.b', 'string'],
  ])
  const configuration = {
    'delta.columnMapping.mode': 'name',
    'delta.enableTypeWidening': 'true',
    'delta.dataSkippingStatsColumns': 'id,home.zip,`a.b`',
  }
  const table = await place.fresh(schema, { configuration, clusterBy: ['home.zip', '`a.b`'] })
  await table.append([
    {
      id: 1,
      home: { city: 'Rom', zip: 7 },
      all: [{ city: 'x', zip: 1 }, null],
      sizes: [{ key: 'a', value: 1 }],
      'a.b': null,
    },
    { id: 2, home: null, all: null, sizes: null, 'a.b': 'dot' },
  ])
  await table.addColumns(schemaOf([['street', 'string']]).fields, { within: 'home' })
  await table.addColumns(schemaOf([['floor', 'long']]).fields, { within: 'all.element' })
  await table.renameColumn('home.city', 'town')
  await table.dropColumn('all.element.city')
  await table.widenColumn('home.zip', 'long')
  await table.widenColumn('sizes.value', 'long')
  const big = 2n ** 40n
  await table.append([
    {
      id: 3,
      home: { town: 'Bonn', zip: big, street: 's' },
      all: [{ zip: 2, floor: 3 }],
      sizes: [{ key: 'b', value: big }],
    },
  ])
  await table.optimize()
  return table
}

async function mappedLate(place: TablePlace): Promise<Table> {
  const table = await eventful(place, { deletionVectors: true })
  await table.setProperties({ 'delta.columnMapping.mode': 'name' })
  await table.renameColumn('v', 'value of it')
  await table.upsert({ key: ['id'], changes: [{ id: 10, part: null, 'value of it': 'after' }] })
  return table
}

async function mappedById(place: TablePlace): Promise<Table> {
  const table = await eventful(place, { configuration: { 'delta.columnMapping.mode': 'id' } })
  await table.renameColumn('part', 'some part')
  await table.append([{ id: 300, 'some part': 'by id', v: null }])
  return table
}

async function widened(place: TablePlace): Promise<Table> {
  const schema = schemaOf([
    ['id', 'short'],
    ['amount', 'decimal(5,2)'],
    ['count', 'integer'],
    ['ratio', 'float'],
    ['day', 'date'],
  ])
  const table = await place.fresh(schema, {
    deletionVectors: true,
    configuration: { 'delta.enableTypeWidening': 'true' },
  })
  const make = (id: number, amount: string, count: number | bigint) => ({
    id,
    amount,
    count,
    ratio: 0.5,
    day: '2026-01-31',
  })
  await table.append([make(1, '999.99', 1), make(2, '-0.01', -1)])
  await table.widenColumn('id', 'integer')
  await table.widenColumn('amount', 'decimal(12,4)')
  await table.widenColumn('count', 'long')
  await table.widenColumn('ratio', 'double')
  await table.widenColumn('day', 'timestamp_ntz')
  await table.append([{ ...make(100_000, '12345678.1234', 2n ** 40n), day: '2026-01-31T12:00:00.000001' }])
  await table.upsert({ key: ['id'], changes: [{ ...make(2, '0.0001', 0), day: null }] })
  return table
}

const POINT = schemaOf([
  ['x', 'integer'],
  ['names', { type: 'array', elementType: 'string', containsNull: true }],
])

const TYPED: readonly (readonly [string, DataType, ...CellValue[]])[] = [
  ['id', 'long', 1, 2],
  ['s', 'string', 'quote " and \n line', ''],
  ['long', 'long', 2n ** 63n - 1n, -(2n ** 63n)],
  ['integer', 'integer', 2 ** 31 - 1, -(2 ** 31)],
  ['short', 'short', 32767, -32768],
  ['byte', 'byte', 127, -128],
  ['float', 'float', 1.5, -0.25],
  ['double', 'double', -1e300, 0.1],
  ['decimal', 'decimal(38,2)', '123456789012345678901234567890123456.78', '-0.01'],
  ['small', 'decimal(3,1)', '99.9', '-0.1'],
  ['boolean', 'boolean', true, false],
  ['binary', 'binary', new Uint8Array([0xc3, 0xbc]), new Uint8Array()],
  ['bytes', 'binary', new Uint8Array([0, 255]), new Uint8Array()],
  ['date', 'date', '0001-01-01', '9999-12-31'],
  ['at', 'timestamp', '1969-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  ['local', 'timestamp_ntz', '1583-01-01T00:00:00', '2026-03-01T12:00:00.000005'],
  ['list', { type: 'array', elementType: 'integer', containsNull: true }, [1, null, 3], []],
  ['point', POINT, { x: 1, names: ['a', null] }, { x: null, names: [] }],
  [
    'map',
    { type: 'map', keyType: 'string', valueType: 'integer', valueContainsNull: true },
    [{ key: 'a', value: null }],
    [],
  ],
]

function typedRows(columns: typeof TYPED): readonly { readonly [name: string]: CellValue }[] {
  const rowAt = (at: number) => Object.fromEntries(columns.map(([name, , ...values]) => [name, values[at] ?? null]))
  return [rowAt(0), rowAt(1), { ...rowAt(2), id: 3 }]
}

function typedSchema(columns: typeof TYPED): StructType {
  return schemaOf(columns.map(([name, type]) => [name, type]))
}

async function allTypes(place: TablePlace): Promise<Table> {
  const table = await place.fresh(typedSchema(TYPED), { deletionVectors: true })
  await table.append(typedRows(TYPED))
  await table.upsert({ key: ['id'], changes: typedRows(TYPED).slice(0, 1) })
  return table
}

async function typedPartitions(place: TablePlace): Promise<Table> {
  // Bytes that are no UTF-8 have no text, which a partition value is.
  const columns = TYPED.filter(([name, type]) => typeof type === 'string' && name !== 'bytes')
  const partitionColumns = columns.map(([name]) => name).filter((name) => name !== 'id')
  const table = await place.fresh(typedSchema(columns), { partitionColumns })
  await table.append(typedRows(columns))
  return table
}

async function checkpointed(place: TablePlace, engine: Engine): Promise<Table> {
  const table = await eventful(place, { deletionVectors: true, partitionColumns: ['part'] })
  await writeCheckpoint(engine, systemClock, await table.snapshot())
  await table.delete({ kind: '=', column: 'id', value: 30 })
  return table
}

async function ruled(place: TablePlace): Promise<Table> {
  const schema = fieldsOf(
    ['id', 'long', { nullable: false }],
    [
      'number',
      'long',
      {
        metadata: { 'delta.identity.start': 10, 'delta.identity.step': 5, 'delta.identity.allowExplicitInsert': false },
      },
    ],
    ['twice', 'long', { metadata: { 'delta.generationExpression': 'id * 2' } }],
    ['kind', 'string', { metadata: { CURRENT_DEFAULT: "'none'" } }],
  )
  const table = await place.fresh(schema, {
    configuration: { 'delta.constraints.positive': 'id > 0', 'delta.feature.allowColumnDefaults': 'supported' },
  })
  await table.append([{ id: 1 }, { id: 2 }])
  await table.append([{ id: 3, kind: 'given' }])
  return table
}
