// PROTOCOL.md, "Deletion Vector Format": a magic number, then a 64-bit portable Roaring bitmap, all little-endian:
//
//   int32 magic | uint64 buckets | per bucket: uint32 high half, then a 32-bit Roaring bitmap of the low halves
//
// The 32-bit bitmaps are roaring-wasm's. They live in WebAssembly memory; the library frees those that nobody holds any more.

import type { RoaringBitmap32 } from 'roaring-wasm'

/** Ascending positions of rows in a data file, counted from 0. */
export type Positions = Uint32Array | Float64Array

/** The first four bytes of a deletion vector. */
export const MAGIC = 1681511377

/** Before the first bucket: the magic number and how many there are. */
export const HEAD_BYTES = 12

/** Positions of rows that are added to in place. */
export interface Bitmap {
  readonly size: () => number
  readonly has: (position: number) => boolean
  /** Ascending positions, some may be there. */
  readonly add: (positions: Positions) => void
  /** The bytes of `write`. Packs the bitmap first, and nothing may be added between the two. */
  readonly bytes: () => number
  /** Writes a deletion vector to the start of a buffer. */
  readonly write: (target: Uint8Array) => void
  readonly positions: () => Positions
  /** Another bitmap, without rows. */
  readonly empty: () => Bitmap
  /** Frees its memory now and not at some collection of garbage; it is of no use any more. */
  readonly dispose: () => void
}

/** A 32-bit bitmap, and the high half of all its positions. */
export interface Bucket {
  readonly high: number
  readonly bitmap: RoaringBitmap32
}

const UINT32_END = 2 ** 32

// The library takes up to 983,040 values in one piece. Between two pieces its memory may grow, and then it would write where that was before.
const ADDED_AT_ONCE = 2 ** 19

/** A bitmap of some buckets, ascending by their high halves. The library loads at the first use. */
export async function bitmapOf(given: readonly Bucket[] = []): Promise<Bitmap> {
  const { RoaringBitmap32 } = await import('roaring-wasm')
  return bitmapWith(() => new RoaringBitmap32(), given)
}

function bitmapWith(makeBitmap: () => RoaringBitmap32, given: readonly Bucket[]): Bitmap {
  // Nearly always one: files of more than 2^32 rows are rare.
  const buckets = [...given]
  const size = (): number => buckets.reduce((sum, { bitmap }) => sum + bitmap.size, 0)
  return {
    size,
    has: (position) => {
      const high = Math.floor(position / UINT32_END)
      return buckets.find((bucket) => bucket.high === high)?.bitmap.has(position - high * UINT32_END) ?? false
    },
    add: (positions) => {
      for (const { high, lows } of splitByHighHalf(positions)) {
        const bucket = buckets.find((each) => each.high === high) ?? { high, bitmap: makeBitmap() }
        if (!buckets.includes(bucket)) buckets.push(bucket)
        for (let from = 0; from < lows.length; from += ADDED_AT_ONCE)
          bucket.bitmap.addMany(lows.subarray(from, from + ADDED_AT_ONCE))
      }
      buckets.sort((left, right) => left.high - right.high)
    },
    bytes: () => {
      for (const { bitmap } of buckets) bitmap.runOptimize()
      return buckets.reduce((sum, { bitmap }) => sum + 4 + bitmap.getSerializationSizeInBytes('portable'), HEAD_BYTES)
    },
    write: (target) => {
      const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
      view.setInt32(0, MAGIC, true)
      view.setBigUint64(4, BigInt(buckets.length), true)
      let offset = HEAD_BYTES
      for (const { high, bitmap } of buckets) {
        view.setUint32(offset, high, true)
        offset += 4 + bitmap.serialize('portable', target.subarray(offset + 4)).length
      }
    },
    positions: () => positionsOf(buckets, size()),
    empty: () => bitmapWith(makeBitmap, []),
    dispose: () => {
      for (const { bitmap } of buckets) bitmap.dispose()
    },
  }
}

function positionsOf(buckets: readonly Bucket[], size: number): Positions {
  const [first] = buckets
  if (first === undefined) return new Uint32Array(0)
  if (buckets.length === 1 && first.high === 0) return first.bitmap.toUint32Array()
  const positions = new Float64Array(size)
  let filled = 0
  for (const { high, bitmap } of buckets)
    for (const low of bitmap.toUint32Array()) positions[filled++] = high * UINT32_END + low
  return positions
}

function splitByHighHalf(positions: Positions): readonly { readonly high: number; readonly lows: Uint32Array }[] {
  const parts = []
  for (let start = 0; start < positions.length; ) {
    const high = Math.floor((positions[start] ?? 0) / UINT32_END)
    const next = (high + 1) * UINT32_END
    const end = (positions.at(-1) ?? 0) < next ? positions.length : positions.findIndex((position) => position >= next)
    parts.push({
      high,
      lows: Uint32Array.from(positions.subarray(start, end), (position) => position - high * UINT32_END),
    })
    start = end
  }
  return parts
}
