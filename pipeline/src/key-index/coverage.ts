// What of a snapshot an index of an earlier one does not cover.
import { createHash } from 'node:crypto'
import {
  type AddFile,
  type DeletedRows,
  readDeletionVector,
  recallDeletedRows,
  type Snapshot,
  TributaryError,
} from '@tributary/delta'

/**
 * The files of `next` with rows that were not live at `before`. Files that only lost rows are not among them; with `onlyLoses` it is known
 * that files which stayed have lost rows at most.
 */
export async function changedFiles(
  before: Snapshot,
  next: Snapshot,
  { onlyLoses }: { readonly onlyLoses: boolean },
): Promise<readonly AddFile[]> {
  const known = new Map(before.files.map((file) => [file.path, file]))
  const changed: AddFile[] = []
  for (const file of next.files) {
    const old = known.get(file.path)
    if (old === undefined || (!onlyLoses && old !== file && (await regainsRows(next, old, file)))) changed.push(file)
  }
  return changed
}

/** Whether a row that was deleted is there again: a restore does that, an upsert never. */
async function regainsRows({ store }: Snapshot, old: AddFile, now: AddFile): Promise<boolean> {
  if (old.deletionVector === undefined) return false
  if (now.deletionVector === undefined) return true
  if (JSON.stringify(old.deletionVector) === JSON.stringify(now.deletionVector)) return false
  if (now.deletionVector.cardinality < old.deletionVector.cardinality) return true
  try {
    const deleted = new Set(await readDeletionVector(store, now.deletionVector))
    return (await readDeletionVector(store, old.deletionVector)).some((position) => !deleted.has(position))
  } catch (error) {
    // The older vector may have been vacuumed.
    if (error instanceof TributaryError && error.code === 'FILE_NOT_FOUND') return true
    throw error
  }
}

/** Tells one snapshot from all others, also from one of the same version in another history of the table. */
export function fingerprintOf({ version, metadata, transactions, domains, files }: Snapshot): string {
  const hash = createHash('sha256')
  // Checkpoint and commits may name them in another order.
  const batches = [...transactions.values()].map(({ appId, version: batch }) => `${appId} ${batch}`).toSorted()
  const texts = [...domains].map((domain) => domain.join(' ')).toSorted()
  hash.update(JSON.stringify([version, metadata.id, batches, texts]))
  for (const { path, deletionVector } of files)
    hash.update(`\n${path} ${deletionVector?.pathOrInlineDv ?? ''} ${deletionVector?.offset ?? ''}`)
  return hash.digest('hex')
}

/** Tells whether a row is live in a snapshot; ask for the files first. */
export interface Liveness {
  readonly hasFile: (path: string) => boolean
  /** Makes ready to answer for rows of these files. */
  readonly load: (paths: ReadonlySet<string>) => Promise<void>
  readonly isLive: (path: string, position: number) => boolean
}

/** Liveness in one snapshot. */
export function livenessOf({ store, files }: Snapshot): Liveness {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const dead = new Map<string, DeletedRows>()
  return {
    hasFile: (path) => byPath.has(path),
    load: async (paths) => {
      const load = async (path: string): Promise<void> => {
        const vector = byPath.get(path)?.deletionVector
        if (vector !== undefined && !dead.has(path)) dead.set(path, await recallDeletedRows(store, vector))
      }
      const wanted = [...paths]
      for (let from = 0; from < wanted.length; from += READS_AT_ONCE)
        await Promise.all(wanted.slice(from, from + READS_AT_ONCE).map(load))
    },
    isLive: (path, position) => byPath.has(path) && dead.get(path)?.has(position) !== true,
  }
}

const READS_AT_ONCE = 16
