import { crc32 } from 'node:zlib'
import { deletionVectorCorrupt, TributaryError } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import { type Place, placeName, placeOf, readRangeAt } from '../store/place.ts'
import type { Store } from '../store/store.ts'
import type { Positions } from './bitmap.ts'
import { type DecodedBitmap, decodeBitmap } from './decode-bitmap.ts'
import { deletionVectorPlace } from './descriptor.ts'

const FORMAT_VERSION = 1

/** Up to here it is cheaper to read a file from its start than to ask for its first byte separately. */
const FROM_START_MAX = 65_536

/**
 * The deleted positions that a descriptor names, ascending.
 * Throws `DELETION_VECTOR_CORRUPT`, naming the file, when size, checksum, magic number, count or order are wrong, and `FILE_NOT_FOUND`.
 */
export async function readDeletionVector(store: Store, descriptor: DeletionVectorDescriptor): Promise<Positions> {
  const { bitmap, positions } = await readBitmap(store, descriptor)
  bitmap.dispose()
  return positions
}

/** As `readDeletionVector`, in both forms. */
export async function readBitmap(store: Store, descriptor: DeletionVectorDescriptor): Promise<DecodedBitmap> {
  const where = deletionVectorPlace(descriptor)
  if (where === undefined)
    throw deletionVectorCorrupt(
      'the log',
      `its text ${JSON.stringify(descriptor.pathOrInlineDv.slice(0, 60))} is not Z85 or too short`,
    )
  const place = where.kind === 'file' ? placeOf(store, where.file) : undefined
  const name = place === undefined ? 'the log (inline)' : placeName(place)
  const complain = (why: string, cause?: unknown): Error => deletionVectorCorrupt(name, why, { cause })
  if (descriptor.sizeInBytes < 0 || descriptor.cardinality < 0)
    throw complain('its descriptor has a negative size or count')
  if (where.kind === 'inline') return decodeBitmap(where.bytes, descriptor, complain)
  if (place === undefined || where.offset < 1)
    throw complain(`its offset ${where.offset} lies in the file's first byte`)
  return decodeBitmap(
    await readChecked(store, place, { offset: where.offset, sizeBytes: descriptor.sizeInBytes }, complain),
    descriptor,
    complain,
  )
}

// PROTOCOL.md, "Deletion Vector File Storage Format": the bitmap is little-endian, the size and checksum around it big-endian.
async function readChecked(
  store: Store,
  place: Place,
  { offset, sizeBytes }: { readonly offset: number; readonly sizeBytes: number },
  complain: (why: string, cause?: unknown) => Error,
): Promise<Uint8Array> {
  const framed = await readFramed(store, place, { offset, length: sizeBytes + 8 }, complain)
  const view = new DataView(framed.buffer, framed.byteOffset, framed.length)
  const storedSize = view.getInt32(0)
  if (storedSize !== sizeBytes) throw complain(`its size is ${storedSize} bytes and ${sizeBytes} are expected`)
  const bytes = framed.subarray(4, 4 + sizeBytes)
  if (crc32(bytes) !== view.getUint32(4 + sizeBytes)) throw complain('its checksum does not fit its bytes')
  return bytes
}

async function readFramed(
  store: Store,
  place: Place,
  range: { readonly offset: number; readonly length: number },
  complain: (why: string, cause?: unknown) => Error,
): Promise<Uint8Array> {
  try {
    const isNear = range.offset + range.length <= FROM_START_MAX
    const start = await readRangeAt(store, place, { offset: 0, length: isNear ? range.offset + range.length : 1 })
    if (start[0] !== FORMAT_VERSION)
      throw complain(`the file's format version is ${start[0]} and not ${FORMAT_VERSION}`)
    return isNear ? start.subarray(range.offset) : await readRangeAt(store, place, range)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'FILE_TRUNCATED')
      throw complain(`the file is too short for ${range.length} bytes at ${range.offset}`, error)
    throw error
  }
}
