// A number says which commit of a log a file is, not of which log: a table that was put back from a backup, or deleted and made anew, gets
// other commits under the same numbers.
import { createHash } from 'node:crypto'
import type { Store, StoreEntry } from '../store/store.ts'

/** The entry with all that tells its bytes from others of their size: their hash, where the store has no tag and a time of whole seconds. */
export async function identify(store: Store, entry: StoreEntry): Promise<StoreEntry> {
  if (entry.eTag !== undefined || entry.modifiedMs % 1000 !== 0) return entry
  const bytes = await store.read(entry.path)
  return { ...entry, eTag: createHash('sha256').update(bytes).digest('hex') }
}

/** Whether two identified entries are of the same file, and of the same bytes. In doubt they are not: to read a log anew costs time only. */
export function isSameFile(one: StoreEntry, other: StoreEntry): boolean {
  if (one.path !== other.path || one.sizeBytes !== other.sizeBytes || one.eTag !== other.eTag) return false
  // A copy of the same bytes has another time.
  return one.eTag !== undefined || one.modifiedMs === other.modifiedMs
}
