import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitmapOf } from '../../src/deletion-vectors/bitmap.ts'
import { decodeBitmap } from '../../src/deletion-vectors/decode-bitmap.ts'
import { encoded } from './support.ts'

// Put together by hand from PROTOCOL.md and the Roaring format specification.
const ROWS_0_AND_5 = [
  'd1d33964', // magic number
  '0100000000000000', // one bucket
  '00000000', // its high half
  '3a300000 01000000', // cookie without runs, one container
  '0000 0100', // its key and its cardinality less one
  '10000000', // where it starts
  '0000 0500', // the rows
]
  .join('')
  .replaceAll(' ', '')

const ROWS_1_TO_10_AND_2_TO_THE_32 = [
  'd1d33964',
  '0200000000000000',
  '00000000',
  '3b300000 01', // cookie with runs, one container, which is of runs
  '0000 0900',
  '0100 0100 0900', // one run: from 1, nine more
  '01000000',
  '3a300000 01000000',
  '0000 0000',
  '10000000',
  '0000',
]
  .join('')
  .replaceAll(' ', '')

test('the bytes are those of the protocol', async () => {
  expect(hex(await encoded([5, 0, 5]))).toBe(ROWS_0_AND_5)
  expect(hex(await encoded([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2 ** 32]))).toBe(ROWS_1_TO_10_AND_2_TO_THE_32)
  expect(hex(await encoded([]))).toBe('d1d339640000000000000000')
})

test('the bytes of the protocol are read', async () => {
  expect([...(await decode(ROWS_0_AND_5, 2))]).toEqual([0, 5])
  expect([...(await decode(ROWS_1_TO_10_AND_2_TO_THE_32, 11))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2 ** 32])
})

test('any set of positions survives, dense, sparse, in runs, and beyond 2^32', async () => {
  const run = fc
    .record({ start: fc.nat(200_000), length: fc.integer({ min: 1, max: 9_000 }), step: fc.constantFrom(1, 2, 3) })
    .map(({ start, length, step }) => Array.from({ length }, (_, i) => start + i * step))
  const single = fc
    .oneof(fc.nat(70_000), fc.nat(2 ** 31 - 1), fc.integer({ min: 2 ** 32 - 5, max: 2 ** 45 }))
    .map((position) => [position])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(run, single, single, single), { maxLength: 12 }), async (parts) => {
      const positions = [...new Set(parts.flat())].sort((left, right) => left - right)
      const bytes = await encoded(parts.flat())
      const decoded = await decodeBitmap(bytes, { cardinality: positions.length }, (why) => new Error(why))
      expect([...decoded.positions]).toEqual(positions)
    }),
    { numRuns: 100 },
  )
})

test('more rows than the library takes in one piece are added, also while its memory grows', async () => {
  const positions = Float64Array.from({ length: 1_200_000 }, (_, at) => at * 17)
  const kept = []
  // 2.4 MB each: it begins with some 16 to give.
  for (let turn = 0; turn < 10; turn++) {
    const bitmap = await bitmapOf()
    bitmap.add(positions)
    kept.push(bitmap)
    expect([bitmap.size(), bitmap.has(17), bitmap.has(18)]).toEqual([positions.length, true, false])
  }
  for (const bitmap of kept) bitmap.dispose()
})

test('no cut, flipped or random bytes do anything but give the rows or a named error', async () => {
  const valid = await encoded([0, 5, 100_000, 100_001, 100_002, 100_003, 300_000, 2 ** 32 + 1])
  const damage = fc.oneof(
    fc.nat(valid.length).map((length) => valid.slice(0, length)),
    fc
      .tuple(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => valid.map((byte, i) => (i === at ? byte ^ bits : byte))),
    fc.uint8Array({ maxLength: 60 }).map((tail) => Uint8Array.of(...valid.subarray(0, 16), ...tail)),
  )
  await fc.assert(
    fc.asyncProperty(damage, async (bytes) => {
      try {
        const { positions } = await decodeBitmap(bytes, { cardinality: 8 }, (why) => new NamedError(why))
        expect(positions).toHaveLength(8)
      } catch (error) {
        expect(error).toBeInstanceOf(NamedError)
      }
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['d1d33964', 1, 'it has 4 bytes, fewer than the smallest'],
  [`d0${ROWS_0_AND_5.slice(2)}`, 2, 'its magic number is 1681511376 and not 1681511377'],
  [`d1d33964ffffffffffffffff${ROWS_0_AND_5.slice(24)}`, 2, 'it ends in the middle of its bitmaps'],
  [ROWS_0_AND_5.replace('00000000003a', '000000ff003a'), 2, 'a Roaring bitmap in it is cut or malformed'],
  [ROWS_0_AND_5.slice(0, -2), 2, 'a Roaring bitmap in it is cut or malformed'],
  [`${ROWS_0_AND_5}00`, 2, '1 bytes follow its last bitmap'],
  [ROWS_0_AND_5, 3, 'it holds 2 rows and 3 are expected'],
  [ROWS_0_AND_5, 2 ** 40, 'it claims 1099511627776 rows, more than 268435456'],
  [`${ROWS_0_AND_5.slice(0, -8)}05000000`, 2, 'its rows are not in order'],
] as const)('the bytes %s with %d rows are refused: %s', async (bytes, cardinality, why) => {
  const expected = why.startsWith('a Roaring') ? expect.stringMatching(/Roaring bitmap|bitmap key/) : why
  await expect(decode(bytes, cardinality)).rejects.toMatchObject({ message: expected })
})

class NamedError extends Error {}

async function decode(bytes: string, cardinality: number) {
  const vector = Uint8Array.from(Buffer.from(bytes, 'hex'))
  return (await decodeBitmap(vector, { cardinality }, (why) => new Error(why))).positions
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
