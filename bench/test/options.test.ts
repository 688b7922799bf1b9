import { expect, test } from 'vitest'
import { parseOptions, whyTry } from '../options.ts'

test('without options all suites run on what the goals speak of', () => {
  const options = parseOptions(['--only', '', '--rows', '', '--base', ''])
  expect(options).toMatchObject({ rows: 10_000_000, changes: 10_000, rounds: 5 })
  expect(options.only).toContain('orders/upsert-100m')
  expect(options.only).toHaveLength(14)
  expect(options).not.toHaveProperty('base')
  expect(whyTry(options)).toBeUndefined()
})

test('suites are chosen by name, those of orders also by their last word, and run in one order', () => {
  expect(parseOptions(['--only', 'scan,lineitem/upsert,orders/upsert']).only).toEqual([
    'orders/upsert',
    'orders/scan',
    'lineitem/upsert',
  ])
  expect(() => parseOptions(['--only', 'lineitem/scan'])).toThrow(
    '--only: there is no lineitem/scan. Take some of orders/first-load, orders/upsert, orders/small-upsert, orders/index-build, orders/scan, orders/status, orders/changes, orders/day, orders/day-parquet-2, flights/catch-up, flights/feature-increment, flights/dataset-build, lineitem/upsert, orders/upsert-100m',
  )
})

test('fewer rows, changes or rounds make a try that says what it lacks', () => {
  expect(whyTry(parseOptions(['--rows', '1000000']))).toBe(
    'a try, which proves nothing: 1000000 rows, 10000 changes, 5 rounds, where 10000000, 10000 and 2 are needed',
  )
  expect(whyTry(parseOptions(['--changes', '9999']))).toMatch(/9999 changes/)
  expect(whyTry(parseOptions(['--rounds', '1']))).toMatch(/1 rounds/)
})

test('a batch that would take most keys of the smallest table is refused', () => {
  expect(() => parseOptions(['--rows', '100000', '--changes', '2501'])).toThrow(
    '--changes: take at most a fortieth of --rows, so that random keys stay distinct',
  )
})
