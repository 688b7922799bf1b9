import { expect, test } from 'vitest'
import { encodeSchema, parseSchema, usesType, walkFields } from '../../src/protocol/parse-schema.ts'
import type { StructType } from '../../src/protocol/schema.ts'

const NESTED: StructType = {
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: false, metadata: { comment: 'key' } },
    { name: '__proto__', type: 'decimal(12,2)', nullable: true, metadata: {} },
    {
      name: 'tags',
      type: {
        type: 'map',
        keyType: 'string',
        valueType: { type: 'array', elementType: 'timestamp_ntz', containsNull: false },
        valueContainsNull: true,
      },
      nullable: true,
      metadata: {},
    },
  ],
}

test('a schema survives being written and read', () => {
  expect(parseSchema(encodeSchema(NESTED))).toEqual(NESTED)
})

test('all nested fields are walked, with their paths', () => {
  const schema: StructType = {
    type: 'struct',
    fields: [
      { name: 'list', type: { type: 'array', elementType: NESTED, containsNull: true }, nullable: true, metadata: {} },
    ],
  }
  expect([...walkFields(schema)].map(({ path }) => path.join('.'))).toEqual([
    'list',
    'list.element.id',
    'list.element.__proto__',
    'list.element.tags',
  ])
})

test('a type is found at any depth', () => {
  expect(usesType(NESTED, 'timestamp_ntz')).toBe(true)
  expect(usesType(NESTED, 'timestamp')).toBe(false)
})

test('a bare decimal is decimal(10,0)', () => {
  expect(parseSchema('{"type":"struct","fields":[{"name":"a","type":"decimal"}]}').fields[0]?.type).toBe(
    'decimal(10,0)',
  )
})

test.each([
  ['{', 'the top', 'it is not JSON'],
  ['"long"', 'the top', 'it is not a struct'],
  ['{"type":"struct"}', 'the top', 'a struct has no list of fields'],
  ['{"type":"struct","fields":[{}]}', 'the top', 'a field has no name'],
  ['{"type":"struct","fields":[{"name":"a","type":"int128"}]}', 'a', 'its type is "int128"'],
  ['{"type":"struct","fields":[{"name":"a","type":"decimal(39,0)"}]}', 'a', 'its type is "decimal(39,0)"'],
  ['{"type":"struct","fields":[{"name":"a","type":{"type":"array"}}]}', 'a.element', 'an object is missing'],
])('the schema %s is refused', (text, where, why) => {
  expect(() => parseSchema(text)).toThrow(
    `The table's schema is damaged at ${where}: ${why}. Restore _delta_log from a backup, or write the schema anew with the engine that made the table.`,
  )
})

test('a hostile depth is refused instead of overflowing the stack', () => {
  const depth = 5_000
  const type = `${'{"type":"array","containsNull":true,"elementType":'.repeat(depth)}"long"${'}'.repeat(depth)}`
  expect(() => parseSchema(`{"type":"struct","fields":[{"name":"a","type":${type}}]}`)).toThrow(
    expect.objectContaining({
      code: 'SCHEMA_CORRUPT',
      message: expect.stringContaining('types are nested deeper than 100'),
    }),
  )
})
