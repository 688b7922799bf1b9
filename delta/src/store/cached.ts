import { type Clock, systemClock } from '../clock.ts'
import type { ObjectCache } from './disk-cache.ts'
import type { Store } from './store.ts'

// A UUID in its name: whoever writes an object anew writes it under another.
const OF_ONE_WRITE = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[^/]*$/i
/** So long the tag that a listing gave is the object's own; a table that is dropped and made again has commits of the same names. */
const LISTED_MS = 30_000
const LISTED_MAX = 100_000

/**
 * A store whose objects are read from a cache where they cannot have changed: sidecars, deletion vectors and others with a UUID in their
 * names, and files of the log whose tag a listing just told. Everything else, and all that is asked or written, goes through.
 */
export function cachedStore(store: Store, cache: ObjectCache, clock: Clock = systemClock): Store {
  const listed = new Map<string, { readonly eTag: string; readonly untilMs: number }>()
  /** What stands for the bytes of an object; undefined where nothing does. */
  const identityOf = (path: string): string | undefined => {
    if (OF_ONE_WRITE.test(path)) return `${store.url}${path}`
    const known = listed.get(path)
    return known !== undefined && clock.now() < known.untilMs ? `${store.url}${path} ${known.eTag}` : undefined
  }
  const through = async (identity: string | undefined, read: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    if (identity === undefined) return read()
    const kept = await cache.read(identity)
    if (kept !== undefined) return kept
    const bytes = await read()
    await cache.keep(identity, bytes)
    return bytes
  }
  return {
    ...store,
    read: (path) => through(identityOf(path), () => store.read(path)),
    readRange: (path, range) => {
      const identity = identityOf(path)
      const part = identity === undefined ? undefined : `${identity} ${range.offset}+${range.length}`
      return through(part, () => store.readRange(path, range))
    },
    list: async function* (prefix, options) {
      for await (const entry of store.list(prefix, options)) {
        if (listed.size >= LISTED_MAX) listed.clear()
        if (entry.eTag !== undefined) listed.set(entry.path, { eTag: entry.eTag, untilMs: clock.now() + LISTED_MS })
        yield entry
      }
    },
    create: async (path, bytes) => {
      const outcome = await store.create(path, bytes)
      listed.delete(path)
      // What a worker writes it reads when it starts again.
      if (outcome === 'created' && OF_ONE_WRITE.test(path)) await cache.keep(`${store.url}${path}`, bytes)
      return outcome
    },
    write: async (path, bytes) => {
      listed.delete(path)
      await store.write(path, bytes)
    },
    delete: async (path) => {
      listed.delete(path)
      await store.delete(path)
    },
  }
}
