import { expect, test } from 'vitest'
import { encodePartitionValue, parsePartitionValue } from '../../src/protocol/partition-values.ts'
import type { DataType } from '../../src/protocol/schema.ts'

test.each<[DataType, Parameters<typeof encodePartitionValue>[1], string | null]>([
  ['string', 'a/b', 'a/b'],
  ['string', '', null],
  ['long', null, null],
  ['long', -9223372036854775808n, '-9223372036854775808'],
  ['double', Number.NEGATIVE_INFINITY, '-Infinity'],
  ['double', Number.NaN, 'NaN'],
  ['decimal(4,2)', '-99.99', '-99.99'],
  ['boolean', true, 'true'],
  ['date', '2026-01-31', '2026-01-31'],
  ['timestamp', '2026-01-31 23:59:59.5', '2026-01-31T23:59:59.5Z'],
  ['timestamp', '2026-01-31T23:59:59.123456Z', '2026-01-31T23:59:59.123456Z'],
  ['timestamp', '2026-01-31 23:59:59+00', '2026-01-31T23:59:59+00'],
  ['timestamp_ntz', '2026-01-31T23:59:59.123456', '2026-01-31 23:59:59.123456'],
  ['binary', new TextEncoder().encode('é'), 'é'],
])('a %s of %s is written as %s', (type, value, text) => {
  expect(encodePartitionValue(type, value)).toBe(text)
})

test.each<[DataType, string | null | undefined, ReturnType<typeof parsePartitionValue>]>([
  ['string', '', null],
  ['string', 'x', 'x'],
  ['long', undefined, null],
  ['long', '9223372036854775807', 9223372036854775807n],
  ['integer', '-5', -5],
  ['double', '1.0E-10', 1e-10],
  ['float', 'NaN', Number.NaN],
  ['decimal(4,2)', '-99.99', '-99.99'],
  ['boolean', 'TRUE', true],
  ['date', '2026-01-31', '2026-01-31'],
  ['timestamp', '2026-01-31 23:59:59', '2026-01-31T23:59:59Z'],
  ['timestamp', '2026-01-31', '2026-01-31T00:00:00Z'],
  ['timestamp_ntz', '2026-01-31 23:59:59.5', '2026-01-31T23:59:59.5'],
])('the text of a %s %j is read as %s', (type, text, value) => {
  expect(parsePartitionValue(type, text)).toEqual(value)
})

test.each<[DataType, string]>([
  ['long', '1.5'],
  ['boolean', 'constructor'],
  ['date', 'today'],
  ['timestamp', '12'],
  ['decimal(4,2)', '1,5'],
  ['double', ''],
])('the text of a %s %j is refused, or null where it is empty', (type, text) => {
  if (text === '') expect(parsePartitionValue(type, text)).toBeNull()
  else
    expect(() => parsePartitionValue(type, text)).toThrow(
      expect.objectContaining({ kind: 'corrupt', code: 'PARTITION_VALUE_CORRUPT' }),
    )
})

test('bytes that are no text cannot be a partition value', () => {
  expect(() => encodePartitionValue('binary', Uint8Array.of(0xff))).toThrow(
    'A value of type binary cannot be a partition value: its bytes are not UTF-8. Partition by another column.',
  )
})
