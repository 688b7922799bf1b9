import { tableStateMissing } from '../errors.ts'
import type { AddFile, Metadata, Protocol, RemoveFile, SetTransaction } from '../protocol/actions.ts'
import { assertReadable } from '../protocol/features.ts'
import { parseSchema } from '../protocol/parse-schema.ts'
import type { StructType } from '../protocol/schema.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { identify, isSameFile } from './commit-identity.ts'
import { commitPath } from './file-names.ts'
import { type CheckpointFiles, type LogSegment, listSegment } from './list.ts'
import { commitInfoOf, parseCommit, readActions } from './read-commit.ts'
import { EMPTY_STATE, startReplay, type TableState } from './replay.ts'
import { hasInCommitTimestamps, resolveTimestamp } from './time-travel.ts'

/** A data file that belongs to a version of the table. */
export type LiveFile = AddFile

/** A table at one version. */
export interface Snapshot {
  readonly store: Store
  /** A JavaScript number: exact to 2^53, which at a commit a millisecond lasts for 285,000 years. */
  readonly version: number
  /** When that version was committed, in milliseconds since the epoch. */
  readonly timestampMs: number
  readonly protocol: Protocol
  readonly metadata: Metadata
  readonly schema: StructType
  /** By path. */
  readonly files: readonly LiveFile[]
  /** Files that left the table and may still be on disk, by path. */
  readonly tombstones: readonly RemoveFile[]
  readonly transactions: ReadonlyMap<string, SetTransaction>
  /** Domain to configuration text; removed domains are left out. */
  readonly domains: ReadonlyMap<string, string>
  /** The file of its newest commit, or of its checkpoint where that was cleaned: of another table under that name it is another one. */
  readonly lastFile?: StoreEntry
}

/**
 * A table at its latest version, at a version, or as it was at a time.
 * Throws `TABLE_NOT_FOUND`, `VERSION_NOT_FOUND`, `VERSION_EXPIRED`, `TIMESTAMP_TOO_EARLY`, `LOG_GAP`, `COMMIT_CORRUPT`,
 * `CHECKPOINT_CORRUPT`, `TABLE_STATE_MISSING`, `SCHEMA_CORRUPT` and `UNSUPPORTED_READER_FEATURE`.
 */
export async function readSnapshot(
  store: Store,
  options: { readonly version?: number; readonly timestampMs?: number } = {},
): Promise<Snapshot> {
  if (options.timestampMs === undefined) {
    const segment = await listSegment(store, options.version)
    return toSnapshot(store, await replaySegment(store, segment), {
      version: segment.version,
      fileTimeMs: segment.last.modifiedMs,
      lastFile: await identify(store, segment.last),
    })
  }
  // The latest metadata says whether commits carry their own times. It need not be readable: the version asked for must be.
  const latest = await listSegment(store)
  const { metadata } = await replaySegment(store, latest)
  return readSnapshot(store, { version: await resolveTimestamp(store, metadata, options.timestampMs) })
}

/**
 * The table at its latest version, reading only the commits after this snapshot; the same object when there are none. Where the log is not
 * the one that the snapshot was read from, it is read from the start.
 */
export async function refreshSnapshot(snapshot: Snapshot): Promise<Snapshot> {
  return (await followSnapshot(snapshot)) ?? readSnapshot(snapshot.store)
}

/**
 * The same; undefined where nothing shows that the log is the one that the snapshot was read from: the table may have been put back from a
 * backup, or deleted and made anew, or its log was cleaned that far. With `ownCommit`, the transaction id of a commit that the caller wrote
 * on top of this snapshot, the store is asked for one name less where that is the next one. Throws `TABLE_NOT_FOUND` and what reading throws.
 */
export async function followSnapshot(
  snapshot: Snapshot,
  { ownCommit }: { readonly ownCommit?: string | undefined } = {},
): Promise<Snapshot | undefined> {
  const { store } = snapshot
  const replay = startReplay(snapshot)
  let { version, timestampMs } = snapshot
  let last: StoreEntry | undefined
  let isOurs = false
  for (;;) {
    const path = commitPath(version + 1)
    const entry = await store.stat(path)
    if (entry === undefined) break
    const actions = parseCommit(path, await store.read(path))
    if (last === undefined) isOurs = ownCommit !== undefined && commitInfoOf(actions)?.txnId === ownCommit
    replay.add(actions)
    last = entry
    version++
    timestampMs = Math.max(entry.modifiedMs, timestampMs + 1)
  }
  // Asked last: what was read before it is of the same log then.
  if (!isOurs && !(await isStillThere(snapshot, { isLast: last === undefined }))) return undefined
  if (last === undefined) return snapshot
  const lastFile = await identify(store, last)
  return toSnapshot(store, replay.finish(), { version, fileTimeMs: timestampMs, lastFile })
}

/** Whether the log has the newest commit of the snapshot, and not another one under its number. */
async function isStillThere(
  { store, version, lastFile }: Snapshot,
  { isLast }: { readonly isLast: boolean },
): Promise<boolean> {
  if (lastFile === undefined) return false
  const found = await store.stat(commitPath(version))
  if (found !== undefined) return isSameFile(lastFile, await identify(store, found))
  if (!isLast) return false
  // Where log cleanup took this version too, a missing next one proves nothing: a commit put there would lie below a checkpoint, unseen.
  const latest = await listSegment(store)
  return latest.version === version && isSameFile(lastFile, await identify(store, latest.last))
}

/** The number of the latest commit. Throws `TABLE_NOT_FOUND`, `LOG_GAP`. */
export async function latestVersion(store: Store): Promise<number> {
  return (await listSegment(store)).version
}

async function replaySegment(store: Store, segment: LogSegment): Promise<TableState> {
  const replay = startReplay(segment.checkpoint ? await readBase(store, segment.checkpoint) : EMPTY_STATE)
  for (const { path } of segment.commits) replay.add(parseCommit(path, await store.read(path)))
  return replay.finish()
}

async function readBase(store: Store, checkpoint: CheckpointFiles): Promise<TableState> {
  // The Parquet reader is loaded only where there is a checkpoint: commands on small tables start sooner.
  const { readCheckpoint } = await import('./read-checkpoint.ts')
  return readCheckpoint(store, checkpoint)
}

async function toSnapshot(
  store: Store,
  state: TableState,
  at: { readonly version: number; readonly fileTimeMs: number; readonly lastFile: StoreEntry },
): Promise<Snapshot> {
  const { protocol, metadata } = state
  if (protocol === undefined) throw tableStateMissing(store.url, 'protocol')
  if (metadata === undefined) throw tableStateMissing(store.url, 'metaData')
  // Before anything else is trusted: an unknown feature may change what all the rest means.
  assertReadable(protocol, metadata)
  const { files, tombstones, transactions, domains } = state
  const timestampMs = hasInCommitTimestamps(metadata) ? await readCommitTime(store, at) : at.fileTimeMs
  return {
    store,
    version: at.version,
    timestampMs,
    protocol,
    metadata,
    schema: parseSchema(metadata.schemaString),
    files,
    tombstones,
    transactions,
    domains,
    lastFile: at.lastFile,
  }
}

async function readCommitTime(
  store: Store,
  at: { readonly version: number; readonly fileTimeMs: number },
): Promise<number> {
  // Log cleanup may have left only the checkpoint of this version.
  if ((await store.stat(commitPath(at.version))) === undefined) return at.fileTimeMs
  return commitInfoOf(await readActions(store, at.version))?.inCommitTimestamp ?? at.fileTimeMs
}
