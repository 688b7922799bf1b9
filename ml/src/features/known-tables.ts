// Tables as this process last read them: a refresh that follows another reads of each log only what has come since.
import { commitPath, readSnapshot, refreshSnapshot, type Snapshot, type Store } from '@tributary/delta'

/** Snapshots that are at hand. One for all features of a lake, for as long as a process refreshes them. */
export interface KnownTables {
  /** The newest version. Throws what `readSnapshot` throws. */
  readonly latest: (store: Store) => Promise<Snapshot>
  /** Throws what `readSnapshot` throws. */
  readonly at: (store: Store, version: number) => Promise<Snapshot>
}

/** Features that were refreshed at different times ask for different old versions. */
const VERSIONS_KEPT = 4

/** None is at hand yet. */
export function knownTables(): KnownTables {
  const known = new Map<string, readonly Snapshot[]>()
  const writtenMs = new WeakMap<Snapshot, number | undefined>()
  // Of a table that was made anew in the same place the commits have other times: nothing of the old one counts.
  const isThere = async (snapshot: Snapshot): Promise<boolean> => {
    const at = await timeOf(snapshot)
    return at !== undefined && at === writtenMs.get(snapshot)
  }
  const keep = (snapshot: Snapshot): Snapshot => {
    const { url } = snapshot.store
    const others = (known.get(url) ?? []).filter(({ version }) => version !== snapshot.version)
    const newestFirst = [snapshot, ...others].toSorted((left, right) => right.version - left.version)
    known.set(url, newestFirst.slice(0, VERSIONS_KEPT))
    return snapshot
  }
  return {
    latest: async (store) => {
      const [newest] = known.get(store.url) ?? []
      const isOurs = newest !== undefined && (await isThere(newest))
      if (!isOurs) known.delete(store.url)
      const latest = isOurs ? await refreshSnapshot(newest) : await readSnapshot(store)
      if (!writtenMs.has(latest)) writtenMs.set(latest, await timeOf(latest))
      return keep(latest)
    },
    at: async (store, version) => {
      const found = known.get(store.url)?.find((snapshot) => snapshot.version === version)
      return found ?? keep(await readSnapshot(store, { version }))
    },
  }
}

/** When the commit of a snapshot was written; undefined when it is not there (any more). */
async function timeOf({ store, version }: Snapshot): Promise<number | undefined> {
  return (await store.stat(commitPath(version)))?.modifiedMs
}
