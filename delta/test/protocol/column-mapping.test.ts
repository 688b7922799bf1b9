import { expect, test } from 'vitest'
import type { Metadata } from '../../src/protocol/actions.ts'
import { columnMappingMode, fieldId, physicalName, physicalSchema } from '../../src/protocol/column-mapping.ts'
import type { DataType, StructField } from '../../src/protocol/schema.ts'

function mapped(name: string, physical: string, id: number, type: DataType = 'long'): StructField {
  const metadata = { 'delta.columnMapping.physicalName': physical, 'delta.columnMapping.id': id }
  return { name, type, nullable: true, metadata }
}

function metadataWith(mode: string): Metadata {
  const configuration = { 'delta.columnMapping.mode': mode }
  return {
    id: 't',
    format: { provider: 'parquet', options: {} },
    schemaString: '',
    partitionColumns: [],
    configuration,
  }
}

test('the mode counts from reader version 2 on', () => {
  const metadata = metadataWith('name')
  expect(columnMappingMode({ protocol: { minReaderVersion: 2, minWriterVersion: 5 }, metadata })).toBe('name')
  expect(columnMappingMode({ protocol: { minReaderVersion: 1, minWriterVersion: 7 }, metadata })).toBe('none')
})

test('physical names reach through structs, arrays and maps', () => {
  const point: DataType = { type: 'struct', fields: [mapped('x', 'col-x', 3)] }
  const array: DataType = { type: 'array', elementType: point, containsNull: true }
  const map: DataType = { type: 'map', keyType: 'string', valueType: point, valueContainsNull: true }
  const schema = { type: 'struct' as const, fields: [mapped('a', 'col-a', 1, array), mapped('m', 'col-m', 2, map)] }
  const text = JSON.stringify(physicalSchema(schema, 'name'), (key, value: unknown) =>
    key === 'metadata' ? undefined : value,
  )
  expect(text.match(/"name":"[^"]*"/g)).toEqual([
    '"name":"col-a"',
    '"name":"col-x"',
    '"name":"col-m"',
    '"name":"col-x"',
  ])
  expect(physicalSchema(schema, 'none')).toBe(schema)
})

test('a mapped field without physical name or id is a damaged schema', () => {
  const field: StructField = { name: 'a', type: 'long', nullable: true, metadata: {} }
  expect(physicalName(field, 'none')).toBe('a')
  const remedy = 'Restore _delta_log from a backup, or write the schema anew with the engine that made the table.'
  expect(() => physicalName(field, 'name')).toThrow(
    `The table's schema is damaged at a: it has no delta.columnMapping.physicalName. ${remedy}`,
  )
  expect(() => fieldId(field)).toThrow(
    `The table's schema is damaged at a: it has no delta.columnMapping.id. ${remedy}`,
  )
})
