// PROTOCOL.md, "Deletion Vector Format": a magic number, then a 64-bit portable Roaring bitmap, all little-endian:
//
//   int32 magic | uint64 buckets | per bucket: uint32 high half, then a 32-bit Roaring bitmap of the low halves
//
// The 32-bit bitmaps are roaring-wasm's. Nothing in the frame tells how long each is, so their headers are walked here; that also
// means that nothing reaches the library, and nothing is allocated, before its size is known to be true.

import { roaring32Length } from './roaring-length.ts'

/** Ascending positions of rows in a data file, counted from 0. */
export type Positions = Uint32Array | Float64Array

const MAGIC = 1681511377

/** More rows than this are not marked in one data file; it bounds what a hostile file can make us allocate (1 GiB). */
const CARDINALITY_MAX = 2 ** 28

/** A deletion vector as bytes, and how many rows it holds. */
export interface EncodedBitmap {
  readonly bytes: Uint8Array
  readonly cardinality: number
}

/** Encode a deletion vector. Positions may come in any order; the same one twice counts once. */
export async function encodeBitmap(positions: Iterable<number>): Promise<EncodedBitmap> {
  const { RoaringBitmap32 } = await import('roaring-wasm')
  const parts = splitByHighHalf(positions).map(({ high, lows }) => {
    // The bitmap lives in WebAssembly memory, which no garbage collector looks after.
    const bitmap = new RoaringBitmap32(lows)
    try {
      bitmap.runOptimize()
      return { high, bytes: bitmap.serialize('portable'), cardinality: bitmap.size }
    } finally {
      bitmap.dispose()
    }
  })

  const bytes = new Uint8Array(12 + parts.reduce((sum, part) => sum + 4 + part.bytes.length, 0))
  const view = new DataView(bytes.buffer)
  view.setInt32(0, MAGIC, true)
  view.setBigUint64(4, BigInt(parts.length), true)
  let offset = 12
  for (const part of parts) {
    view.setUint32(offset, part.high, true)
    bytes.set(part.bytes, offset + 4)
    offset += 4 + part.bytes.length
  }
  return { bytes, cardinality: parts.reduce((sum, part) => sum + part.cardinality, 0) }
}

function splitByHighHalf(
  positions: Iterable<number>,
): readonly { readonly high: number; readonly lows: Uint32Array }[] {
  // As they come from a union: to sort tens of thousands again would take longer than to write them.
  if (positions instanceof Uint32Array && positions.length > 0 && isAscending(positions))
    return [{ high: 0, lows: positions }]
  const sorted = Float64Array.from(positions).sort()
  const parts = []
  for (let start = 0; start < sorted.length; ) {
    const high = Math.floor((sorted[start] ?? 0) / 2 ** 32)
    const next = (high + 1) * 2 ** 32
    // Nearly always all rows are below 2^32, and then there is one part.
    const isLast = (sorted.at(-1) ?? 0) < next
    const end = isLast ? sorted.length : sorted.findIndex((position) => position >= next)
    parts.push({ high, lows: Uint32Array.from(sorted.subarray(start, end), (position) => position - high * 2 ** 32) })
    start = end
  }
  return parts
}

/** The positions that a deletion vector holds. Throws what `complain` makes where the bytes are not one. */
export async function decodeBitmap(
  bytes: Uint8Array,
  expected: { readonly cardinality: number },
  complain: (why: string, cause?: unknown) => Error,
): Promise<Positions> {
  const buckets = readFrame(bytes, complain)
  const { RoaringBitmap32 } = await import('roaring-wasm')
  const isWide = buckets.some(({ high }) => high > 0)
  if (expected.cardinality > CARDINALITY_MAX)
    throw complain(`it claims ${expected.cardinality} rows, more than ${CARDINALITY_MAX}`)
  const bitmaps = []
  try {
    for (const { high, part } of buckets) {
      try {
        bitmaps.push({ high, bitmap: RoaringBitmap32.deserialize('portable', part) })
      } catch (cause) {
        throw complain('a Roaring bitmap in it cannot be read', cause)
      }
    }
    const cardinality = bitmaps.reduce((sum, { bitmap }) => sum + bitmap.size, 0)
    if (cardinality !== expected.cardinality)
      throw complain(`it holds ${cardinality} rows and ${expected.cardinality} are expected`)
    const positions = isWide ? new Float64Array(cardinality) : new Uint32Array(cardinality)
    let filled = 0
    for (const { high, bitmap } of bitmaps) {
      for (const low of bitmap.toUint32Array()) positions[filled++] = high * 2 ** 32 + low
    }
    if (filled !== cardinality || !isAscending(positions)) throw complain('its rows are not in order')
    return positions
  } finally {
    for (const { bitmap } of bitmaps) bitmap.dispose()
  }
}

interface Bucket {
  readonly high: number
  readonly part: Uint8Array
}

function readFrame(bytes: Uint8Array, complain: (why: string) => Error): readonly Bucket[] {
  if (bytes.length < 12) throw complain(`it has ${bytes.length} bytes, fewer than the smallest`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const magic = view.getInt32(0, true)
  if (magic !== MAGIC) throw complain(`its magic number is ${magic} and not ${MAGIC}`)
  const count = view.getBigUint64(4, true)
  const buckets: Bucket[] = []
  let offset = 12
  for (let i = 0n; i < count; i++) {
    if (offset + 4 > bytes.length) throw complain('it ends in the middle of its bitmaps')
    const high = view.getUint32(offset, true)
    // Rows are counted in 53 bits here; the protocol itself forbids the top bit only.
    if (high >= 2 ** 21 || high <= (buckets.at(-1)?.high ?? -1))
      throw complain(`its bitmap key ${high} is out of order or too large`)
    const length = roaring32Length(bytes.subarray(offset + 4))
    if (length === undefined) throw complain('a Roaring bitmap in it is cut or malformed')
    buckets.push({ high, part: bytes.subarray(offset + 4, offset + 4 + length) })
    offset += 4 + length
  }
  if (offset !== bytes.length) throw complain(`${bytes.length - offset} bytes follow its last bitmap`)
  return buckets
}

function isAscending(positions: Positions): boolean {
  for (let i = 1; i < positions.length; i++) {
    if ((positions[i - 1] ?? 0) >= (positions[i] ?? 0)) return false
  }
  return true
}
