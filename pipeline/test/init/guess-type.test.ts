import { expect, test } from 'vitest'
import { guessType } from '../../src/init/guess-type.ts'

test.each([
  [['1', '-20', null], 'long'],
  [['007', '8'], 'string'],
  [['1.50', '20.25'], 'decimal(18,2)'],
  [['1.5', '20.25'], 'string'],
  [['2026-01-31'], 'date'],
  [['2026-01-31 23:59:59', '2026-02-01 00:00:00'], 'timestamp'],
  [['true', 'false'], 'boolean'],
  [['1', 'x'], 'string'],
  [[null, null], 'string'],
  [['12345678901234567890'], 'string'],
])('%j is %s', (values, type) => {
  expect(guessType(values)).toBe(type)
})
