import { crc32 } from 'node:zlib'
import type { Clock } from '../clock.ts'
import { storeFailed } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import type { Store } from '../store/store.ts'
import type { DeletedRows } from './deleted-rows.ts'
import { deletionVectorFileName, encodeUuid } from './descriptor.ts'

const FORMAT_VERSION = 1

/** Write deletion vectors into one new file in the table's root; their descriptors come back in the same order. No vectors, no file. */
export async function writeDeletionVectors(
  store: Store,
  clock: Clock,
  vectors: readonly DeletedRows[],
): Promise<readonly DeletionVectorDescriptor[]> {
  if (vectors.length === 0) return []
  const uuid = clock.uuid()
  const { bytes, places } = frameDeletionVectors(vectors)
  const path = deletionVectorFileName(uuid)
  if ((await store.create(path, bytes)) === 'exists')
    throw storeFailed(path, 'write', new Error('a file of that random name exists'))
  return vectors.map(({ cardinality }, index) => ({
    storageType: 'u',
    pathOrInlineDv: encodeUuid(uuid),
    offset: places[index]?.offset ?? 0,
    sizeInBytes: places[index]?.length ?? 0,
    cardinality,
  }))
}

/** The bytes of a deletion vector file, and where each vector is in it. PROTOCOL.md, "Deletion Vector File Storage Format". */
export function frameDeletionVectors(vectors: readonly DeletedRows[]): {
  readonly bytes: Uint8Array
  readonly places: readonly { readonly offset: number; readonly length: number }[]
} {
  const lengths = vectors.map((vector) => vector.bytes())
  const bytes = new Uint8Array(1 + lengths.reduce((sum, length) => sum + length + 8, 0))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, FORMAT_VERSION)
  const places = []
  let offset = 1
  for (const [index, vector] of vectors.entries()) {
    const length = lengths[index] ?? 0
    places.push({ offset, length })
    const part = bytes.subarray(offset + 4, offset + 4 + length)
    vector.write(part)
    view.setInt32(offset, length)
    view.setUint32(offset + 4 + length, crc32(part))
    offset += length + 8
  }
  return { bytes, places }
}
