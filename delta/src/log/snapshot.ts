import { tableStateMissing } from '../errors.ts'
import type { AddFile, Metadata, Protocol, RemoveFile, SetTransaction } from '../protocol/actions.ts'
import { assertReadable } from '../protocol/features.ts'
import { parseSchema } from '../protocol/parse-schema.ts'
import type { StructType } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'
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
    })
  }
  // The latest metadata says whether commits carry their own times. It need not be readable: the version asked for must be.
  const latest = await listSegment(store)
  const { metadata } = await replaySegment(store, latest)
  return readSnapshot(store, { version: await resolveTimestamp(store, metadata, options.timestampMs) })
}

/** The table at its latest version, reading only the commits after this snapshot; the same object when there are none. */
export async function refreshSnapshot(snapshot: Snapshot): Promise<Snapshot> {
  const { store } = snapshot
  const replay = startReplay(snapshot)
  let { version, timestampMs } = snapshot
  for (;;) {
    const path = commitPath(version + 1)
    const entry = await store.stat(path)
    if (entry === undefined) break
    replay.add(parseCommit(path, await store.read(path)))
    version++
    timestampMs = Math.max(entry.modifiedMs, timestampMs + 1)
  }
  // Where log cleanup took this version too, a missing next one proves nothing: a commit put there would lie below a checkpoint, unseen.
  // (One that was read just now is there.)
  if (version === snapshot.version && (await store.stat(commitPath(version))) === undefined) {
    const latest = await readSnapshot(store)
    if (latest.version !== version) return latest
  }
  return version === snapshot.version
    ? snapshot
    : toSnapshot(store, replay.finish(), { version, fileTimeMs: timestampMs })
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
  at: { readonly version: number; readonly fileTimeMs: number },
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
