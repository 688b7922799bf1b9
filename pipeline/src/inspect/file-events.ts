// When each data file came, got deletion vectors, and went.
import {
  type AddFile,
  type DeletionVectorDescriptor,
  decodePath,
  listCommitTimes,
  readCommits,
  readDeletionVector,
  readSnapshot,
  type Store,
} from '@tributary/delta'
import { type CommitSummary, describeCommit } from './history.ts'

/** A physical row of a data file. */
export interface RowPlace {
  /** As the log spells it. */
  readonly path: string
  readonly position: number
}

/** From which version a row was live, and in which it was not any more; undefined while it still is. */
export interface Stay {
  readonly from: number
  readonly until: number | undefined
}

/** What the log says of the files of a table, from the earliest version that it still knows. */
export interface FileEvents {
  readonly fromVersion: number
  /** Every file there ever was, without deletion vector. */
  readonly files: ReadonlyMap<string, AddFile>
  /** The version in which a file left for good. */
  readonly removedIn: (path: string) => number | undefined
  readonly plainPath: (path: string) => string
  readonly commitOf: (version: number) => CommitSummary | undefined
  readonly staysOf: (rows: readonly RowPlace[]) => Promise<readonly (readonly Stay[])[]>
}

interface FileEvent {
  readonly version: number
  /** Absent when the file left. */
  readonly file: { readonly deletionVector: DeletionVectorDescriptor | undefined } | undefined
}

/** Reads the log up to a version. Memory grows with the number of files and commits, not with their rows. */
export async function readFileEvents(store: Store, toVersion: number): Promise<FileEvents> {
  const files = new Map<string, AddFile>()
  const events = new Map<string, FileEvent[]>()
  const commits = new Map<number, CommitSummary>()
  const note = (path: string, event: FileEvent): void => {
    const list = events.get(path)
    if (list === undefined) events.set(path, [event])
    else list.push(event)
  }
  const add = (version: number, file: AddFile): void => {
    const { deletionVector, ...whole } = file
    files.set(file.path, whole)
    note(file.path, { version, file: { deletionVector } })
  }
  const fromVersion = await earliestVersion(store, toVersion)
  if (fromVersion > 0)
    for (const file of (await readSnapshot(store, { version: fromVersion })).files) add(fromVersion, file)
  for await (const commit of readCommits(store, { fromVersion, toVersion })) {
    commits.set(commit.version, describeCommit(commit))
    if (fromVersion > 0 && commit.version === fromVersion) continue
    const added = new Set(commit.actions.flatMap((action) => ('add' in action ? [action.add.path] : [])))
    for (const action of commit.actions) {
      if ('add' in action) add(commit.version, action.add)
      else if ('remove' in action && !added.has(action.remove.path))
        note(action.remove.path, { version: commit.version, file: undefined })
    }
  }
  return {
    fromVersion,
    files,
    removedIn: (path) => {
      const last = events.get(path)?.at(-1)
      return last?.file === undefined ? last?.version : undefined
    },
    plainPath: (path) => {
      const decoded = decodePath(path)
      return decoded.kind === 'relative' ? decoded.path : path
    },
    commitOf: (version) => commits.get(version),
    staysOf: (rows) => readStays(store, rows, events),
  }
}

// The first version that can still be read: log cleanup deletes commits from the start, up to a checkpoint.
async function earliestVersion(store: Store, toVersion: number): Promise<number> {
  const commits = await listCommitTimes(store)
  const first = commits.at(0)?.version ?? toVersion
  if (first === 0) return 0
  for (const { version } of commits) {
    if (
      version > toVersion ||
      (await store.stat(`_delta_log/${String(version).padStart(20, '0')}.checkpoint.parquet`)) !== undefined
    )
      return Math.min(version, toVersion)
  }
  return toVersion
}

async function readStays(
  store: Store,
  rows: readonly RowPlace[],
  events: ReadonlyMap<string, readonly FileEvent[]>,
): Promise<readonly (readonly Stay[])[]> {
  // Rows of one file share its vectors, so each vector is read once.
  const vectors = new Map<DeletionVectorDescriptor, ReadonlySet<number>>()
  const isDead = async (vector: DeletionVectorDescriptor | undefined, position: number): Promise<boolean> => {
    if (vector === undefined) return false
    const positions = vectors.get(vector) ?? new Set(await readDeletionVector(store, vector))
    vectors.set(vector, positions)
    return positions.has(position)
  }
  const stays: Stay[][] = []
  for (const { path, position } of rows) {
    const list: Stay[] = []
    for (const { version, file } of events.get(path) ?? []) {
      const isLive = file !== undefined && !(await isDead(file.deletionVector, position))
      const open = list.at(-1)
      if (isLive && open?.until !== undefined) list.push({ from: version, until: undefined })
      else if (isLive && open === undefined) list.push({ from: version, until: undefined })
      else if (!isLive && open !== undefined && open.until === undefined)
        list[list.length - 1] = { ...open, until: version }
    }
    stays.push(list)
  }
  return stays
}
