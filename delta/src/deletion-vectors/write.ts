import { crc32 } from 'node:zlib'
import type { Clock } from '../clock.ts'
import { storeFailed } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import type { Store } from '../store/store.ts'
import { type EncodedBitmap, encodeBitmap } from './bitmap.ts'
import { deletionVectorFileName, encodeUuid } from './descriptor.ts'

const FORMAT_VERSION = 1

/** Write deletion vectors into one new file in the table's root; their descriptors come back in the same order. No vectors, no file. */
export async function writeDeletionVectors(
  store: Store,
  clock: Clock,
  vectors: readonly { readonly positions: Iterable<number> }[],
): Promise<readonly DeletionVectorDescriptor[]> {
  if (vectors.length === 0) return []
  const uuid = clock.uuid()
  const encoded: EncodedBitmap[] = []
  for (const { positions } of vectors) encoded.push(await encodeBitmap(positions))
  const { bytes, offsets } = frameDeletionVectors(encoded.map((vector) => vector.bytes))
  const path = deletionVectorFileName(uuid)
  if ((await store.create(path, bytes)) === 'exists')
    throw storeFailed(path, 'write', new Error('a file of that random name exists'))
  return encoded.map((vector, index) => ({
    storageType: 'u',
    pathOrInlineDv: encodeUuid(uuid),
    offset: offsets[index] ?? 0,
    sizeInBytes: vector.bytes.length,
    cardinality: vector.cardinality,
  }))
}

/** The bytes of a deletion vector file, and where each vector starts. PROTOCOL.md, "Deletion Vector File Storage Format". */
export function frameDeletionVectors(vectors: readonly Uint8Array[]): {
  readonly bytes: Uint8Array
  readonly offsets: readonly number[]
} {
  const bytes = new Uint8Array(1 + vectors.reduce((sum, vector) => sum + vector.length + 8, 0))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, FORMAT_VERSION)
  const offsets: number[] = []
  let offset = 1
  for (const vector of vectors) {
    offsets.push(offset)
    view.setInt32(offset, vector.length)
    bytes.set(vector, offset + 4)
    view.setUint32(offset + 4 + vector.length, crc32(vector))
    offset += vector.length + 8
  }
  return { bytes, offsets }
}
