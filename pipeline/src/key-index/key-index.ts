// key -> (data file, position, order), on local disk, for tables that are too large to scan for each batch. It is a cache: what it says
// is checked against the snapshot, what it lacks is read from the table, and when in doubt it is dropped.
//
// Every row that is live at the version that the index covers has the newest entry of its key. So bringing it to a later version means
// to read the rows that became live since, and nothing else: entries of rows that left are found dead when they are met.
import { isDeepStrictEqual } from 'node:util'
import { readSnapshot, type Snapshot } from '@tributary/delta'
import { livenessOf } from './coverage.ts'
import type { KeyHashes } from './entry.ts'
import { buildIndex, extendIndex, type IndexParts, type IndexTarget, readCovered } from './extend-index.ts'
import { findRows, type IndexedRow } from './find-rows.ts'
import { discardIndex, type IndexHolder, isIndexFault, type OpenIndex, openNewest } from './index-folder.ts'

/** The index of one table at one snapshot. */
export interface KeyIndex {
  /** Hashed in front of each key. */
  readonly salt: string
  /** The live rows of keys; undefined when the index proves damaged. It is dropped then: scan. */
  readonly find: (keys: KeyHashes) => Promise<readonly IndexedRow[] | undefined>
}

/** What became of bringing an index to a snapshot. */
export type IndexState =
  | { readonly kind: 'ready'; readonly index: KeyIndex }
  /** It has to be built; until then, scan. */
  | { readonly kind: 'missing' }
  /** Only a scan can tell, now or ever. */
  | { readonly kind: 'unusable' }

const RETRIED_VERSIONS = 1000
const REST_MS = 600_000

/** Brings the table's index to a snapshot. What is wrong with the index itself is no error: it is dropped, and is missing then. */
export async function bringIndex(parts: IndexParts, holder: IndexHolder, target: IndexTarget): Promise<IndexState> {
  return unlessFaulty(holder, { kind: 'missing' }, async (): Promise<IndexState> => {
    const open = openNewest(holder)
    if (open === undefined) return { kind: 'missing' }
    if (!isDeepStrictEqual(open.manifest.subject, target.subject)) return drop(holder)
    if (open.manifest.unusable !== null)
      // Rows of one key may have become one since.
      return target.snapshot.version - open.manifest.version > RETRIED_VERSIONS ? drop(holder) : { kind: 'unusable' }
    if (open.manifest.version > target.snapshot.version)
      // Another process is ahead of us, or the table went back in time.
      return (await isAhead(open, target.snapshot)) ? { kind: 'unusable' } : drop(holder)
    const covered = open.covered ?? (await readCovered(target.snapshot, open.manifest))
    if (covered === undefined) return drop(holder)
    const isThere = open.manifest.version === target.snapshot.version
    const ready = isThere ? open : await extendIndex(parts, holder, { ...target, open: { ...open, covered } })
    if (ready === undefined || ready.manifest.unusable !== null) return { kind: 'unusable' }
    return { kind: 'ready', index: indexOf(holder, ready, target.snapshot) }
  })
}

/**
 * Builds the table's index at a snapshot and tells how many keys it has; undefined when it could not, or another process was faster. Throws
 * what is wrong with a folder that may not be written.
 */
export async function createIndex(
  parts: IndexParts,
  holder: IndexHolder,
  target: IndexTarget,
): Promise<number | undefined> {
  try {
    const built = await buildIndex(parts, holder, target)
    return built?.runs.reduce((sum, { entries }) => sum + entries, 0)
  } catch (error) {
    if (!isIndexFault(error)) throw error
    if (discardIndex(holder)) return undefined
    // The next batch would try it in vain, too.
    holder.waitsUntilMs = parts.clock.now() + REST_MS
    throw error
  }
}

function indexOf(holder: IndexHolder, { manifest, runs }: OpenIndex, snapshot: Snapshot): KeyIndex {
  const liveness = livenessOf(snapshot)
  return {
    salt: manifest.salt,
    find: (keys) => unlessFaulty(holder, undefined, () => findRows(runs, keys, liveness)),
  }
}

async function isAhead({ manifest }: OpenIndex, { store, version }: Snapshot): Promise<boolean> {
  const newest = await readSnapshot(store)
  return newest.version > version && (await readCovered(newest, manifest)) !== undefined
}

function drop(holder: IndexHolder): IndexState {
  discardIndex(holder)
  return { kind: 'missing' }
}

async function unlessFaulty<Result>(
  holder: IndexHolder,
  otherwise: Result,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isIndexFault(error)) throw error
    discardIndex(holder)
    return otherwise
  }
}
