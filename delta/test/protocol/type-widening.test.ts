import { expect, test } from 'vitest'
import type { StructType } from '../../src/protocol/schema.ts'
import { assertTypeChanges, isWidening } from '../../src/protocol/type-widening.ts'

test.each([
  ['byte', 'long'],
  ['integer', 'double'],
  ['float', 'double'],
  ['date', 'timestamp_ntz'],
  ['decimal(10,2)', 'decimal(12,4)'],
  ['integer', 'decimal(12,2)'],
  ['long', 'decimal(20,0)'],
  ['byte', 'decimal(4,1)'],
])('%s widens to %s', (from, to) => {
  expect(isWidening(from, to)).toBe(true)
})

test.each([
  ['long', 'integer'],
  ['long', 'double'],
  ['integer', 'float'],
  ['string', 'long'],
  ['date', 'timestamp'],
  ['decimal(10,2)', 'decimal(12,6)'],
  ['decimal(10,2)', 'decimal(10,1)'],
  ['integer', 'decimal(10,2)'],
  ['long', 'decimal(19,0)'],
])('%s does not widen to %s', (from, to) => {
  expect(isWidening(from, to)).toBe(false)
})

function schemaWith(typeChanges: unknown): StructType {
  const metadata = { 'delta.typeChanges': typeChanges }
  const inner: StructType = { type: 'struct', fields: [{ name: 'a', type: 'long', nullable: true, metadata }] }
  return { type: 'struct', fields: [{ name: 's', type: inner, nullable: true, metadata: {} }] }
}

test('an unknown change is refused with its column, nested ones too', () => {
  assertTypeChanges(schemaWith([{ fromType: 'integer', toType: 'long' }]))
  expect(() => assertTypeChanges(schemaWith([{ fromType: 'string', toType: 'long' }]))).toThrow(
    'The table cannot be read here: it needs the change of s.a from string to long, which this version of Tributary does not know. Read it with a newer version or another engine, or drop the feature there.',
  )
})

test.each(['text', [1], [{ fromType: 'integer' }]])('%j is no list of changes', (value) => {
  expect(() => assertTypeChanges(schemaWith(value))).toThrow(expect.objectContaining({ code: 'SCHEMA_CORRUPT' }))
})
