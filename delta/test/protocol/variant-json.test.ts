import { expect, test } from 'vitest'
import { VariantDamage, variantJson } from '../../src/protocol/variant-json.ts'

const NO_NAMES = [0x01, 0, 0]
const bytes = (...numbers: readonly number[]): Uint8Array => Uint8Array.from(numbers)
const json = (value: readonly number[], metadata: readonly number[] = NO_NAMES): string =>
  variantJson(bytes(...metadata), bytes(...value))

/** A primitive: its number, and its bytes from a hexadecimal text. */
function primitive(type: number, hex = ''): string {
  return json([type << 2, ...Buffer.from(hex, 'hex')])
}

test.each([
  [0, '', 'null'],
  [1, '', 'true'],
  [2, '', 'false'],
  [3, 'ff', '-1'],
  [4, '0080', '-32768'],
  [5, '01000000', '1'],
  [6, 'ffffffffffffff7f', '9223372036854775807'],
  [7, '000000000000e03f', '0.5'],
  [7, '000000000000f87f', '"NaN"'],
  [7, '0000000000000080', '0.0'],
  [8, '02e7ffffff', '-0.25'],
  [9, '00ffffffffffffffff', '-1'],
  [10, '02ffffffffffffffff0000000000000000', '184467440737095516.15'],
  [11, '0c4d0000', '"2024-01-02"'],
  [11, 'ffffffff', '"1969-12-31"'],
  [12, '0600000000000000', '"1970-01-01T00:00:00.000006Z"'],
  [13, 'ffffffffffffffff', '"1969-12-31T23:59:59.999999"'],
  [14, 'cdcc8c3f', '1.1'],
  [15, '020000000102', '"AQI="'],
  [16, '02000000c3a9', '"é"'],
  [17, '40420f0000000000', '"00:00:01.000000"'],
  [18, 'e803000000000000', '"1970-01-01T00:00:00.000001Z"'],
  [19, 'e803000000000000', '"1970-01-01T00:00:00.000001"'],
  [20, '00112233445566778899aabbccddeeff', '"00112233-4455-6677-8899-aabbccddeeff"'],
])('a value of type %i with the bytes %s is %s', (type, hex, expected) => {
  expect(primitive(type, hex)).toBe(expected)
})

test('objects and arrays are walked by their offsets, in whatever order the values stand', () => {
  const names = [0x01, 2, 0, 1, 4, ...Buffer.from('a"_b')]
  // {a: [short text, null], '"_b': true}: the second value stands first.
  const list = [3, 2, 0, 2, 3, (1 << 2) | 1, 0x78, 0]
  expect(json([2, 2, 0, 1, 1, 0, 1 + list.length, 1 << 2, ...list], names)).toBe(
    String.raw`{"a":["x",null],"\"_b":true}`,
  )
})

test('bytes that are no variant are damage: cut, of another version, too deep, overlapping', () => {
  const deep = Array.from({ length: 300 }, () => [3, 1, 0, 250]).flat()
  const shared = [3, 2, 0, 0, 6, 3, 2, 0, 0, 1, 0]
  for (const [value, metadata] of [
    [[], NO_NAMES],
    [[6 << 2, 1], NO_NAMES],
    [[16 << 2, 255, 255, 255, 255, 1], NO_NAMES],
    [[2, 1, 7, 0, 1, 0], NO_NAMES],
    [[3, 255], NO_NAMES],
    [[63 << 2], NO_NAMES],
    [[0], [2, 0, 0]],
    [deep, NO_NAMES],
    [shared, NO_NAMES],
  ] as const) {
    expect(() => json(value, metadata)).toThrow(VariantDamage)
  }
})
