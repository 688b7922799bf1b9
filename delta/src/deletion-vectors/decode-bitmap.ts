// Nothing in the frame of a deletion vector tells how long its 32-bit bitmaps are, so their headers are walked here; that also means that
// nothing reaches the library, and nothing is allocated, before its size is known to be true.

import { type Bitmap, type Bucket, bitmapOf, HEAD_BYTES, MAGIC, type Positions } from './bitmap.ts'
import { roaring32Length } from './roaring-length.ts'

/** More rows than this are not marked in one data file; it bounds what a hostile file can make us allocate (1 GiB). */
const CARDINALITY_MAX = 2 ** 28

/** What a deletion vector holds, in both its forms. */
export interface DecodedBitmap {
  readonly bitmap: Bitmap
  readonly positions: Positions
}

/** The positions that a deletion vector holds. Throws what `complain` makes where the bytes are not one. */
export async function decodeBitmap(
  bytes: Uint8Array,
  expected: { readonly cardinality: number },
  complain: (why: string, cause?: unknown) => Error,
): Promise<DecodedBitmap> {
  const parts = readFrame(bytes, complain)
  if (expected.cardinality > CARDINALITY_MAX)
    throw complain(`it claims ${expected.cardinality} rows, more than ${CARDINALITY_MAX}`)
  const buckets: Bucket[] = []
  try {
    for (const part of parts) buckets.push(await readPart(part, complain))
    const bitmap = await bitmapOf(buckets)
    if (bitmap.size() !== expected.cardinality)
      throw complain(`it holds ${bitmap.size()} rows and ${expected.cardinality} are expected`)
    const positions = bitmap.positions()
    if (positions.length !== expected.cardinality || !isAscending(positions))
      throw complain('its rows are not in order')
    return { bitmap, positions }
  } catch (error) {
    for (const { bitmap } of buckets) bitmap.dispose()
    throw error
  }
}

async function readPart({ high, bytes }: Part, complain: (why: string, cause?: unknown) => Error): Promise<Bucket> {
  const { RoaringBitmap32 } = await import('roaring-wasm')
  try {
    return { high, bitmap: RoaringBitmap32.deserialize('portable', bytes) }
  } catch (cause) {
    throw complain('a Roaring bitmap in it cannot be read', cause)
  }
}

interface Part {
  readonly high: number
  readonly bytes: Uint8Array
}

function readFrame(bytes: Uint8Array, complain: (why: string) => Error): readonly Part[] {
  if (bytes.length < HEAD_BYTES) throw complain(`it has ${bytes.length} bytes, fewer than the smallest`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const magic = view.getInt32(0, true)
  if (magic !== MAGIC) throw complain(`its magic number is ${magic} and not ${MAGIC}`)
  const count = view.getBigUint64(4, true)
  const parts: Part[] = []
  let offset = HEAD_BYTES
  for (let i = 0n; i < count; i++) {
    if (offset + 4 > bytes.length) throw complain('it ends in the middle of its bitmaps')
    const high = view.getUint32(offset, true)
    // Rows are counted in 53 bits here; the protocol itself forbids the top bit only.
    if (high >= 2 ** 21 || high <= (parts.at(-1)?.high ?? -1))
      throw complain(`its bitmap key ${high} is out of order or too large`)
    const length = roaring32Length(bytes.subarray(offset + 4))
    if (length === undefined) throw complain('a Roaring bitmap in it is cut or malformed')
    parts.push({ high, bytes: bytes.subarray(offset + 4, offset + 4 + length) })
    offset += 4 + length
  }
  if (offset !== bytes.length) throw complain(`${bytes.length - offset} bytes follow its last bitmap`)
  return parts
}

function isAscending(positions: Positions): boolean {
  for (let i = 1; i < positions.length; i++) {
    if ((positions[i - 1] ?? 0) >= (positions[i] ?? 0)) return false
  }
  return true
}
