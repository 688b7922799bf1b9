import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileNotFound, fileTruncated, storeFailed } from '../errors.ts'
import type { LogPath } from '../protocol/paths.ts'
import type { Store } from './store.ts'

/** Where a path of the log is: in the table's own store, or a file elsewhere on this machine (shallow clones name such), or out of reach. */
export type Place =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'unreachable'; readonly url: string }

/** Find the place of a decoded path of the log. */
export function placeOf(store: Store, logPath: LogPath): Place {
  if (logPath.kind === 'relative') return { kind: 'inside', path: logPath.path }
  const { url } = logPath
  const isFile = url.startsWith('file:///')
  // `//` on the way is one `/` to a disk: the listing of VACUUM must find the same name.
  const plain = isFile ? resolve(fileURLToPath(url)) : url
  const root = isFile && store.url.startsWith('file:///') ? fileURLToPath(store.url) : store.url
  if (plain.startsWith(root) && plain.length > root.length) return { kind: 'inside', path: plain.slice(root.length) }
  // A table in a bucket has no say in what is read of this machine.
  return isFile && store.remote === undefined ? { kind: 'file', file: plain } : { kind: 'unreachable', url }
}

/** A part of the file at a place. Throws `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `STORE_FAILED`. */
export async function readRangeAt(
  store: Store,
  place: Place,
  range: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  switch (place.kind) {
    case 'inside':
      return store.readRange(place.path, range)
    case 'file':
      return readFileRange(place.file, range)
    case 'unreachable':
      throw fileNotFound(place.url)
  }
}

/** How many bytes the file at a place has. Throws `FILE_NOT_FOUND`, `STORE_FAILED`. */
export async function placeSize(store: Store, place: Place): Promise<number> {
  const name = placeName(place)
  switch (place.kind) {
    case 'inside': {
      const entry = await store.stat(place.path)
      if (entry === undefined) throw fileNotFound(name)
      return entry.sizeBytes
    }
    case 'file':
      try {
        return (await stat(place.file)).size
      } catch (error) {
        throw wrapped(error, name)
      }
    case 'unreachable':
      throw fileNotFound(name)
  }
}

/** A place as messages name it. */
export function placeName(place: Place): string {
  switch (place.kind) {
    case 'inside':
      return place.path
    case 'file':
      return place.file
    case 'unreachable':
      return place.url
  }
}

async function readFileRange(
  path: string,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    if (offset + length > size) throw fileTruncated(path, { wantedBytes: offset + length, sizeBytes: size })
    const bytes = new Uint8Array(length)
    const { bytesRead } = await file.read(bytes, 0, length, offset)
    if (bytesRead < length) throw fileTruncated(path, { wantedBytes: offset + length, sizeBytes: offset + bytesRead })
    return bytes
  } catch (error) {
    throw wrapped(error, path)
  }
}

function wrapped(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return fileNotFound(path, { cause: error })
  return error.code === 'FILE_TRUNCATED' ? error : storeFailed(path, 'read', error)
}
