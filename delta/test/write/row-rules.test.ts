import { afterAll, beforeAll, expect, test } from 'vitest'
import { fieldsOf, rowsOf, type TablePlace, tablePlace } from './support.ts'

let place: TablePlace
beforeAll(async () => {
  place = await tablePlace()
})
afterAll(() => place.close())

const NUMBERS = fieldsOf(['a', 'long'], ['b', 'long'])

test('a row that breaks a constraint is shown, and nothing is written', async () => {
  const table = await place.fresh(NUMBERS, { configuration: { 'delta.constraints.ordered': 'a < b AND b <> 7' } })
  await table.append([{ a: 1, b: 2 }])
  await expect(
    table.append([
      { a: 2, b: 3 },
      { a: 5, b: 4 },
    ]),
  ).rejects.toThrow(
    "Nothing was written: the row {'a': 5, 'b': 4} breaks the CHECK constraint ordered (a < b AND b <> 7). Change the row, or drop the rule first.",
  )
  // NULL is not true.
  await expect(table.append([{ a: 1, b: null }])).rejects.toThrow(
    expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
  )
  await expect(table.upsert({ key: ['a'], changes: [{ a: 1, b: 7 }] })).rejects.toThrow(
    expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }),
  )
  expect(await rowsOf(table)).toEqual([{ a: 1n, b: 2n }])
})

test('a constraint in words that engines read differently is refused by name', async () => {
  await expect(place.fresh(NUMBERS, { configuration: { 'delta.constraints.odd': 'a % 2 = 1' } })).rejects.toThrow(
    'Nothing was written: the CHECK constraint odd says "a % 2 = 1", and "%" is no part of it that we know. Write the table with the engine that set the rule, or change the rule to comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, + - *, literals and columns.',
  )
})

test('a new constraint is checked against the rows that are there', async () => {
  const table = await place.fresh(NUMBERS)
  await table.append([{ a: 1, b: 2 }])
  await expect(table.setProperties({ 'delta.constraints.c': 'a > 1' })).rejects.toThrow(
    "Nothing was written: the row {'a': 1, 'b': 2} breaks the CHECK constraint c (a > 1). Change the row, or drop the rule first.",
  )
  expect(await table.setProperties({ 'delta.constraints.c': 'a >= 1' })).toMatchObject({
    kind: 'committed',
    version: 2,
  })
  expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 3 })
  await expect(table.append([{ a: 0, b: 0 }])).rejects.toThrow(expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }))
  await table.setProperties({ 'delta.constraints.c': null })
  expect(await table.append([{ a: 0, b: 0 }])).toMatchObject({ kind: 'committed' })
})

test('invariants and NOT NULL are kept, in records only where there is a record', async () => {
  const inner = fieldsOf(['x', 'long', { nullable: false }])
  const schema = fieldsOf(
    ['a', 'long', { nullable: false }],
    ['b', 'long', { metadata: { 'delta.invariants': '{"expression":{"expression":"b BETWEEN 1 AND 9"}}' } }],
    ['s', inner],
  )
  const table = await place.fresh(schema)
  await table.append([{ a: 1, b: 1, s: null }])
  for (const row of [
    { a: null, b: 1, s: null },
    { a: 1, b: 10, s: null },
    { a: 1, b: 1, s: { x: null } },
  ])
    await expect(table.append([row])).rejects.toThrow(expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }))
  expect(await rowsOf(table)).toHaveLength(1)
})

test('elements that may not be NULL are looked at, and what lies deeper is refused by name', async () => {
  const list = { type: 'array', elementType: 'long', containsNull: false } as const
  const map = { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: false } as const
  const table = await place.fresh(fieldsOf(['l', list], ['m', map]))
  await table.append([
    { l: [1, 2], m: [{ key: 'k', value: 1 }] },
    { l: null, m: null },
  ])
  for (const row of [
    { l: [1, null], m: null },
    { l: [], m: [{ key: 'k', value: null }] },
  ])
    await expect(table.append([row])).rejects.toThrow(expect.objectContaining({ code: 'CONSTRAINT_VIOLATED' }))
  const deep = { type: 'array', elementType: fieldsOf(['x', 'long', { nullable: false }]), containsNull: true } as const
  await expect(place.fresh(fieldsOf(['deep', deep]))).rejects.toThrow(
    expect.objectContaining({ code: 'EXPRESSION_UNSUPPORTED', message: expect.stringContaining('NOT NULL of deep') }),
  )
})

test('a generated column is computed when it is left out and checked when it is given', async () => {
  const table = await place.fresh(
    fieldsOf(['a', 'long'], ['twice', 'long', { metadata: { 'delta.generationExpression': 'a * 2' } }]),
  )
  await table.append([{ a: 1 }, { a: null }])
  await table.append([{ a: 5, twice: 10 }])
  await expect(table.append([{ a: 5, twice: 11 }])).rejects.toThrow(
    "Nothing was written: the row {'a': 5, 'twice': 11} breaks the generated column twice = a * 2. Change the row, or drop the rule first.",
  )
  expect(await rowsOf(table)).toEqual([
    { a: 1n, twice: 2n },
    { a: 5n, twice: 10n },
    { a: null, twice: null },
  ])
})

test('a default stands in for a column that is left out, and not for NULL', async () => {
  const table = await place.fresh(
    fieldsOf(['a', 'long'], ['state', 'string', { metadata: { CURRENT_DEFAULT: "'new'" } }]),
  )
  await table.append([{ a: 1 }])
  await table.append([{ a: 2, state: null }])
  expect(await rowsOf(table)).toEqual([
    { a: 1n, state: 'new' },
    { a: 2n, state: null },
  ])
  const odd = fieldsOf(['a', 'long'], ['at', 'timestamp', { metadata: { CURRENT_DEFAULT: 'current_timestamp()' } }])
  const refused = await place.fresh(odd)
  await expect(refused.append([{ a: 1 }])).rejects.toThrow(expect.objectContaining({ code: 'EXPRESSION_UNSUPPORTED' }))
})

test('an identity column counts on from where it was', async () => {
  const identity = {
    'delta.identity.start': 100,
    'delta.identity.step': 10,
    'delta.identity.allowExplicitInsert': false,
  }
  const table = await place.fresh(fieldsOf(['n', 'long', { metadata: identity }], ['v', 'string']))
  expect((await table.snapshot()).protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 6 })
  await table.append([{ v: 'a' }, { v: 'b' }])
  await table.append([{ v: 'c' }])
  expect(await rowsOf(table)).toEqual([
    { n: 100n, v: 'a' },
    { n: 110n, v: 'b' },
    { n: 120n, v: 'c' },
  ])
  expect((await table.snapshot()).schema.fields[0]?.metadata['delta.identity.highWaterMark']).toBe(120)
  await expect(table.append([{ n: 5, v: 'd' }])).rejects.toThrow(
    'Nothing was written: the rows bring values for n, which the table counts by itself. Change the rows and write again.',
  )
})
