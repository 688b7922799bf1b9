import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeStats,
  exactDigits,
  exactNumber,
  parseStats,
  truncateMax,
  truncateMin,
} from '../../src/protocol/stats.ts'

test('statistics survive being written and read', () => {
  const stats = {
    numRecords: 3,
    tightBounds: false,
    minValues: { id: 1, s: { __x: 'a' }, big: 9007199254740993n },
    maxValues: { id: 2.5, s: { __x: 'b' } },
    nullCount: { id: 0, s: { __x: 1 } },
  }
  expect(parseStats(encodeStats(stats))).toEqual(stats)
})

test('a column named __proto__ keeps its bounds', () => {
  const text = '{"numRecords":1,"minValues":{"__proto__":5}}'
  expect(encodeStats(parseStats(text) ?? {})).toBe(text)
})

test('numbers beyond a double keep every digit', () => {
  const text = '{"minValues":{"long":-9223372036854775808,"decimal":12345678901234567.89,"double":0.1}}'
  const stats = parseStats(text)
  expect(stats?.minValues?.long).toBe(-9223372036854775808n)
  expect(exactDigits(stats?.minValues?.decimal)).toBe('12345678901234567.89')
  expect(stats?.minValues?.double).toBe(0.1)
  expect(encodeStats(stats ?? {})).toBe(text)
  expect(encodeStats({ maxValues: { d: exactNumber('1.50') } })).toBe('{"maxValues":{"d":1.50}}')
})

test.each([undefined, '', '{"numRecords":', 'null', '[]', '5'])(
  'torn or absent statistics %j are no statistics',
  (text) => {
    expect(parseStats(text)).toBeUndefined()
  },
)

test('fields of a wrong type are left out', () => {
  expect(parseStats('{"numRecords":-1,"tightBounds":"no","minValues":[],"maxValues":{"a":1}}')).toEqual({
    maxValues: { a: 1 },
  })
})

test('texts up to 32 units are bounds as they are', () => {
  expect(truncateMin('a'.repeat(32))).toBe('a'.repeat(32))
  expect(truncateMax('z'.repeat(32))).toBe('z'.repeat(32))
})

test('a longer minimum is cut, but never inside a surrogate pair', () => {
  expect(truncateMin('a'.repeat(40))).toBe('a'.repeat(32))
  expect(truncateMin(`${'a'.repeat(31)}\u{1f600}tail`)).toBe(`${'a'.repeat(31)}\u{1f600}`)
})

test('a longer maximum gets a tie-breaker above what was cut', () => {
  expect(truncateMax('a'.repeat(40))).toBe(`${'a'.repeat(32)}\u007f`)
  expect(truncateMax(`${'a'.repeat(32)}é`)).toBe(`${'a'.repeat(32)}\u{10ffff}`)
  expect(truncateMax(`${'a'.repeat(32)}\u{10ffff}b`)).toBe(`${'a'.repeat(32)}\u{10ffff}\u007f`)
  expect(truncateMax('\u{10ffff}'.repeat(60))).toBeUndefined()
})

test('whatever the text, its bounds bound it in UTF-8 order', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const max = truncateMax(text)
      expect(Buffer.compare(Buffer.from(truncateMin(text)), Buffer.from(text))).toBeLessThanOrEqual(0)
      if (max !== undefined) expect(Buffer.compare(Buffer.from(max), Buffer.from(text))).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: 1000 },
  )
})
