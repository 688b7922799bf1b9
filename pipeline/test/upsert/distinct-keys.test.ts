import { type Engine, openEngine } from '@tributary/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { areDistinct } from '../../src/upsert/distinct-keys.ts'

let engine: Engine
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

type Type = 'long' | 'integer' | 'short' | 'byte' | 'double' | 'string'

/** What is said of rows with these values in key columns of these types. */
function told(types: readonly Type[], rows: string): Promise<boolean> {
  const key = types.map((_, at) => `k${at}`)
  const fields = types.map((type, at) => ({ name: `k${at}`, type, nullable: true, metadata: {} }))
  return areDistinct(engine, `SELECT * FROM (${rows}) t(${key.join(', ')})`, {
    schema: { type: 'struct', fields },
    key,
  })
}

test('keys that count up are distinct until one of them comes twice', async () => {
  expect(await told(['long'], 'SELECT 5 + range FROM range(100000)')).toBe(true)
  expect(await told(['long'], 'SELECT 5 + range FROM range(100000) UNION ALL SELECT 77777')).toBe(false)
  // As many as the range has numbers, and their sum is right.
  expect(await told(['long'], 'VALUES (1), (2), (2), (5), (5)')).toBe(false)
})

test('keys of several columns are distinct as a whole', async () => {
  const lines = `SELECT (range // 4)::BIGINT, (range % 4 - 2)::SMALLINT FROM range(40000)`
  expect(await told(['long', 'short'], lines)).toBe(true)
  expect(await told(['long', 'short'], `${lines} UNION ALL SELECT 9999, 1`)).toBe(false)
})

test('the ends of the type are no obstacle', async () => {
  expect(await told(['long'], `VALUES (CAST('-9223372036854775808' AS BIGINT)), (-9223372036854775807)`)).toBe(true)
  expect(await told(['long'], 'VALUES (9223372036854775807::BIGINT), (9223372036854775807)')).toBe(false)
  expect(await told(['byte'], 'SELECT (range - 128)::TINYINT FROM range(256)')).toBe(true)
})

test('keys that lie far apart, are NULL, or are no whole numbers are left to another proof', async () => {
  expect(await told(['long'], `VALUES (CAST('-9223372036854775808' AS BIGINT)), (9223372036854775807)`)).toBe(false)
  expect(await told(['long', 'long'], 'SELECT range * 1000, range * 1000 FROM range(100000)')).toBe(false)
  expect(await told(['integer'], 'VALUES (1), (NULL::INTEGER)')).toBe(false)
  expect(await told(['double'], 'VALUES (1.25::DOUBLE), (1.5)')).toBe(false)
  expect(await told(['string'], `VALUES ('1'), ('2')`)).toBe(false)
  expect(await told(['long'], 'SELECT range FROM range(0)')).toBe(false)
})

test('whatever the keys, only distinct ones are called so, and close ones always', async () => {
  const whole = fc.integer({ min: -40, max: 40 })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(whole, whole), { minLength: 120, maxLength: 200 }), async (rows) => {
      const values = rows.map(([a, b]) => `(${a}, ${b})`).join(', ')
      const isDistinct = new Set(rows.map(String)).size === rows.length
      expect(await told(['integer', 'long'], `VALUES ${values}`)).toBe(isDistinct)
    }),
    { numRuns: 40 },
  )
})
