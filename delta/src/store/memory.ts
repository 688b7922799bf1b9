import { type Clock, systemClock } from '../clock.ts'
import { fileNotFound, fileTruncated, storeNotLocatable } from '../errors.ts'
import { assertInside, assertPrefixInside, compareKeys } from './keys.ts'
import type { Store, StoreEntry } from './store.ts'

/** A store in memory, for tests and simulations. It has no files that DuckDB could open: `locate` throws `STORE_NOT_LOCATABLE`. */
export function memoryStore(clock: Clock = systemClock): Store {
  const objects = new Map<string, StoredObject>()

  const entryOf = (path: string): StoreEntry | undefined => {
    const object = objects.get(path)
    return object && { path, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs }
  }
  const read = async (path: string): Promise<Uint8Array> => {
    assertInside(path)
    const object = objects.get(path)
    if (!object) throw fileNotFound(path)
    return object.bytes.slice()
  }
  const put = (path: string, bytes: Uint8Array): void => {
    // A copy, as a disk would make: the caller may go on to use its buffer.
    objects.set(path, { bytes: bytes.slice(), modifiedMs: clock.now() })
  }

  return {
    url: `memory://${clock.uuid()}/`,
    read,
    readRange: async (path, { offset, length }) => {
      const bytes = await read(path)
      if (offset + length > bytes.length)
        throw fileTruncated(path, { wantedBytes: offset + length, sizeBytes: bytes.length })
      return bytes.slice(offset, offset + length)
    },
    stat: async (path) => {
      assertInside(path)
      return entryOf(path)
    },
    list: (prefix, options) => listObjects(objects, entryOf, prefix, options?.after),
    create: async (path, bytes) => {
      assertInside(path)
      if (objects.has(path)) return 'exists'
      put(path, bytes)
      return 'created'
    },
    write: async (path, bytes) => {
      assertInside(path)
      put(path, bytes)
    },
    delete: async (path) => {
      assertInside(path)
      objects.delete(path)
    },
    locate: async (path) => {
      assertInside(path)
      throw storeNotLocatable(path)
    },
    sync: async (path) => {
      assertInside(path)
      const entry = entryOf(path)
      if (!entry) throw fileNotFound(path)
      return entry
    },
  }
}

interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

async function* listObjects(
  objects: ReadonlyMap<string, StoredObject>,
  entryOf: (path: string) => StoreEntry | undefined,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<StoreEntry> {
  assertPrefixInside(prefix)
  const isAsked = (path: string): boolean =>
    path.startsWith(prefix) && (after === undefined || compareKeys(path, after) > 0) && !isHidden(path)
  for (const path of [...objects.keys()].filter(isAsked).sort(compareKeys)) {
    const entry = entryOf(path)
    if (entry) yield entry
  }
}

// Names that start with a dot are a disk's temporary files; both stores keep them out of listings so that they agree.
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'))
}
