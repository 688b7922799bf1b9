import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import { decodePath, type LogPath } from '../protocol/paths.ts'
import { decodeZ85, encodeZ85 } from './z85.ts'

/** Where the bytes of a deletion vector are. */
export type DeletionVectorPlace =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly file: LogPath; readonly offset: number }

const UUID_CHARACTERS = 20

/** The place that a descriptor names; undefined when its text is malformed. */
export function deletionVectorPlace(descriptor: DeletionVectorDescriptor): DeletionVectorPlace | undefined {
  const { storageType, pathOrInlineDv, offset = 0 } = descriptor
  switch (storageType) {
    case 'i': {
      const bytes = decodeZ85(pathOrInlineDv)
      // Encoding filled the bytes up to a multiple of four.
      return bytes && bytes.length >= descriptor.sizeInBytes
        ? { kind: 'inline', bytes: bytes.subarray(0, descriptor.sizeInBytes) }
        : undefined
    }
    case 'p':
      return { kind: 'file', file: decodePath(pathOrInlineDv), offset }
    case 'u': {
      const uuid = decodeZ85(pathOrInlineDv.slice(-UUID_CHARACTERS))
      if (uuid?.length !== 16) return undefined
      const prefix = pathOrInlineDv.slice(0, -UUID_CHARACTERS)
      const name = deletionVectorFileName(formatUuid(uuid))
      return { kind: 'file', file: { kind: 'relative', path: prefix === '' ? name : `${prefix}/${name}` }, offset }
    }
  }
}

/** The name of the file of a UUID. */
export function deletionVectorFileName(uuid: string): string {
  return `deletion_vector_${uuid}.bin`
}

/** The `pathOrInlineDv` that names the file of a UUID in the table's root. */
export function encodeUuid(uuid: string): string {
  return encodeZ85(Uint8Array.from(Buffer.from(uuid.replaceAll('-', ''), 'hex')))
}

function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
