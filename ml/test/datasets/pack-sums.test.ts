// Several sums in one number, and taken apart again.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packSums } from '../../src/datasets/pack-sums.ts'
import { useEngine } from './lake.ts'

const engine = useEngine()
const COLUMNS = 7

test('packed sums are the sums of each column by itself, whatever their signs and sizes', async () => {
  const extreme = 2n ** 31n
  const value = fc.oneof(fc.constantFrom(0n, 1n, -1n, extreme, -extreme), fc.bigInt({ min: -1000n, max: 1000n }))
  const rows = fc.array(fc.array(value, { minLength: COLUMNS, maxLength: COLUMNS }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(rows, async (table) => {
      const names = Array.from({ length: COLUMNS }, (_, index) => `c${index}`)
      const values = table.map((row) => `(${row.map((each) => `${each}::BIGINT`).join(', ')})`).join(', ')
      await engine().run(
        `CREATE OR REPLACE TEMP TABLE packed AS SELECT * FROM (VALUES ${values}) t(${names.join(', ')})`,
      )
      const { columns, sums } = await packSums(
        engine(),
        'packed',
        names.map((sql) => ({ sql, isWhole: true })),
      )
      const totals = columns.map((sql, index) => `sum(${sql}) AS q${index}`).join(', ')
      const taken = sums((index) => `q${index}`).map((sql, index) => `CAST(${sql} AS BIGINT) AS s${index}`)
      const [row] = await engine().all(`SELECT ${taken.join(', ')} FROM (SELECT ${totals} FROM packed)`)
      const expected = names.map((_, index) => table.reduce((sum, each) => sum + (each[index] ?? 0n), 0n))
      expect(names.map((_, index) => BigInt(String(row?.[`s${index}`])))).toEqual(expected)
      expect(columns.length).toBeLessThan(COLUMNS)
    }),
    { numRuns: 60 },
  )
})

test('a summand that is no whole number keeps a column of its own', async () => {
  await engine().run(
    'CREATE OR REPLACE TEMP TABLE packed AS SELECT 1::BIGINT AS a, 2.5::DECIMAL(38,1) AS b, 3::BIGINT AS c',
  )
  const { columns, sums } = await packSums(engine(), 'packed', [
    { sql: 'a', isWhole: true },
    { sql: 'b', isWhole: false },
    { sql: 'c', isWhole: true },
  ])
  expect(columns).toHaveLength(2)
  expect(columns[1]).toBe('b')
  expect(sums((index) => `q${index}`)[1]).toBe('q1')
})
