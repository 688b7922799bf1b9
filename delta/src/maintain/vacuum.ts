// PROTOCOL.md knows no VACUUM; this is the reference implementation's rule. A file goes when no reader of the current version and none of
// a version within the retention can need it, and when it is old enough not to belong to a commit that is still being made.

import type { Clock } from '../clock.ts'
import { pinUnreadable, retentionTooShort, TributaryError } from '../errors.ts'
import { listCommitTimes, readCommits } from '../log/read-commit.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { AddFile, RemoveFile } from '../protocol/actions.ts'
import { assertWritable } from '../protocol/features.ts'
import type { StoreEntry } from '../store/store.ts'
import { placesOfFile } from './file-places.ts'
import { deletedFileRetentionMs } from './retention.ts'

/** What VACUUM is to keep. */
export interface VacuumOptions {
  /** How long removed files stay, in milliseconds; `delta.deletedFileRetentionDuration` (7 days) unless set. */
  readonly retainMs?: number
  /** A retention shorter than the table's breaks readers and writers that are at work: it has to be meant. */
  readonly allowShortRetention?: boolean
  /** Versions whose files stay, whatever their age. */
  readonly keepVersions?: readonly number[]
}

/** What VACUUM deletes. */
export interface VacuumPlan {
  readonly version: number
  readonly retainMs: number
  /** Files that no kept version names, with their sizes. */
  readonly files: readonly StoreEntry[]
  readonly sizeBytes: number
  /** Files that nothing names and that are too young to go. */
  readonly tooYoung: number
}

/**
 * Find the files that may go; deletes nothing. Names that begin with `_` or `.` are left alone, all but `_change_data`.
 * Throws `RETENTION_TOO_SHORT`, `PIN_UNREADABLE`, `UNSUPPORTED_WRITER_FEATURE` (who cannot write a table cannot clean it either),
 * and what `readSnapshot` throws.
 */
export async function planVacuum(clock: Clock, snapshot: Snapshot, options: VacuumOptions = {}): Promise<VacuumPlan> {
  const { store, protocol, metadata, version } = snapshot
  // PROTOCOL.md, "Vacuum Protocol Check": the write protocol, not only the read protocol. We ask for it on every table.
  assertWritable(protocol, metadata)
  const tableMs = deletedFileRetentionMs(metadata)
  const { retainMs = tableMs } = options
  if (retainMs < tableMs && options.allowShortRetention !== true)
    throw retentionTooShort(store.url, { askedMs: retainMs, tableMs })
  const cutoffMs = clock.now() - retainMs
  const named = await namedPaths(snapshot, { cutoffMs, isLonger: retainMs > tableMs, keep: options.keepVersions ?? [] })
  const files: StoreEntry[] = []
  let tooYoung = 0
  for await (const entry of store.list('')) {
    if (named.has(entry.path) || isHidden(entry.path, metadata.partitionColumns)) continue
    if (entry.modifiedMs < cutoffMs) files.push(entry)
    else tooYoung += 1
  }
  return { version, retainMs, files, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0), tooYoung }
}

/** Delete the files of a plan. Throws `STORE_FAILED`; what is left then is found by the next VACUUM. */
export async function vacuum(snapshot: Snapshot, plan: Pick<VacuumPlan, 'files'>): Promise<void> {
  for (let start = 0; start < plan.files.length; start += DELETES_AT_ONCE) {
    const part = plan.files.slice(start, start + DELETES_AT_ONCE)
    await Promise.all(part.map(({ path }) => snapshot.store.delete(path)))
  }
}

const DELETES_AT_ONCE = 16

// Spark's rule, with the folders of partition columns whose own names begin so, and those that Tributary 0.1 gave to partitions.
function isHidden(path: string, partitionColumns: readonly string[]): boolean {
  return path.split('/').some((part, index) => {
    if (!/^[_.]/.test(part) || (index === 0 && part === '_change_data')) return false
    return !/^_tributary_p\d+=/.test(part) && !partitionColumns.some((name) => part.startsWith(`${name}=`))
  })
}

interface Keep {
  readonly cutoffMs: number
  /** Whether more is to be kept than the table itself remembers. */
  readonly isLonger: boolean
  readonly keep: readonly number[]
}

async function namedPaths(snapshot: Snapshot, { cutoffMs, isLonger, keep }: Keep): Promise<ReadonlySet<string>> {
  const named = new Set<string>()
  const note = (files: Iterable<AddFile | RemoveFile>): void => {
    for (const file of files) for (const path of placesOfFile(snapshot.store, file)) named.add(path)
  }
  note(snapshot.files)
  // A tombstone without a time is as old as the table.
  note(snapshot.tombstones.filter(({ deletionTimestamp }) => (deletionTimestamp ?? 0) >= cutoffMs))
  for (const version of keep) note((await readPinned(snapshot, version)).files)
  if (isLonger) await noteRemoved(snapshot, cutoffMs, note)
  return named
}

async function readPinned({ store }: Snapshot, version: number): Promise<Snapshot> {
  try {
    return await readSnapshot(store, { version })
  } catch (error) {
    if (error instanceof TributaryError && error.kind !== 'unavailable') throw pinUnreadable(store.url, version, error)
    throw error
  }
}

/** Removed files that the checkpoint has forgotten by the table's own, shorter retention: the commits still name them. */
async function noteRemoved(
  { store, version }: Snapshot,
  cutoffMs: number,
  note: (files: Iterable<RemoveFile>) => void,
): Promise<void> {
  const [first] = (await listCommitTimes(store)).filter(({ timestampMs }) => timestampMs >= cutoffMs)
  if (first === undefined) return
  for await (const { actions } of readCommits(store, { fromVersion: first.version, toVersion: version })) {
    note(actions.flatMap((action) => ('remove' in action ? [action.remove] : [])))
  }
}
