// The index of one table as it lies on disk, and what is open of it.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Snapshot, TributaryError } from '@tributary/delta'
import { dropIndex, type IndexSubject, type Manifest, readManifest } from './manifest.ts'
import { openRun, type Run } from './read-run.ts'

/** A local folder of key indexes: a cache that may be deleted at any time. */
export interface IndexPlace {
  readonly folder: string
  /** So many rows are scanned rather than asked for; half a million unless set. */
  readonly scannedRowsMax?: number
  /** The same for the first batch alone, where it is more. */
  readonly firstScannedRowsMax?: number
  /** Limit of the folder, for the indexes of all tables together; 16 GiB unless set. */
  readonly bytesMax?: number
}

/** Where the index of one table is kept, and what is open of it. */
export interface IndexHolder {
  readonly folder: string
  /** So many rows are scanned rather than asked for. */
  readonly scannedRowsMax: number
  /** What the first batch scans beyond that, where no index is near; 0 once there was one. */
  firstScannedRowsMax: number
  open: OpenIndex | undefined
  /** Versions that are batches of this process, as far as the index does not cover them. */
  readonly batches: Set<number>
  /** Whether the batch before had anything to ask that statistics did not tell; true before the first. */
  wasAsked: boolean
  /** What a batch would have asked it about, when it was not there. */
  missed: IndexSubject | undefined
  /** Settles when the index that is being built is ready, or was given up. */
  building: Promise<void> | undefined
  /** The batch that was committed last is being taken up: the next one waits for that a while. */
  following: { readonly done: Promise<void>; readonly sinceMs: number } | undefined
  /** Open runs that were found on disk and not read through yet; what this process wrote the system has in memory. */
  readonly unread: Set<Run>
  /** Settles when those are read through. No batch waits for it. */
  reading: Promise<void> | undefined
  /** There was no room for it, or its folder may not be written; it is not tried again before. */
  waitsUntilMs: number
}

// A scan of fewer keys takes no longer than to ask for them.
const SCANNED_ROWS_MAX = 500_000

// To build an index, or to bring one over many commits, takes a process longer than to read so many keys once.
const ONCE_SCANNED_ROWS_MAX = 12_000_000
const NEAR_COMMITS = 16

/** The place as a process uses it that comes for one batch. */
export function placeForOnce(place: IndexPlace | undefined): IndexPlace | undefined {
  if (place === undefined || place.scannedRowsMax !== undefined) return place
  return { ...place, firstScannedRowsMax: ONCE_SCANNED_ROWS_MAX }
}

/** How many rows a batch at that version of the table scans rather than asking for them. */
export function takeScannedRowsMax(holder: IndexHolder, version: number): number {
  const { scannedRowsMax, firstScannedRowsMax, folder } = holder
  holder.firstScannedRowsMax = 0
  if (firstScannedRowsMax <= scannedRowsMax) return scannedRowsMax
  return isNear(coveredVersion(folder), version) ? scannedRowsMax : firstScannedRowsMax
}

/** Whether there is an index that is brought to that version of the table in no time. */
export function isAtHand({ open, folder, building }: IndexHolder, version: number): boolean {
  return building === undefined && isNear(open?.manifest.version ?? coveredVersion(folder), version)
}

function isNear(covered: number | undefined, version: number): boolean {
  return covered !== undefined && covered <= version && covered >= version - NEAR_COMMITS
}

/** The version that an index covers; undefined when there is none, or what is there cannot be read: a scan needs nothing of it. */
function coveredVersion(folder: string): number | undefined {
  try {
    return readManifest(folder)?.manifest.version
  } catch (error) {
    if (!isIndexFault(error)) throw error
    return undefined
  }
}

/** Room for some 250 million keys. */
export const INDEX_BYTES_MAX: number = 16 * 1024 ** 3

/** An index whose runs are open. */
export interface OpenIndex {
  readonly number: number
  readonly manifest: Manifest
  /** Newest first. */
  readonly runs: readonly Run[]
  /** The snapshot at the manifest's version, when it is at hand. */
  readonly covered: Snapshot | undefined
}

/** The place of a table's index below the folder of all indexes; nothing is open yet. */
export function holdIndex(
  { folder, scannedRowsMax = SCANNED_ROWS_MAX, firstScannedRowsMax = 0 }: IndexPlace,
  url: string,
): IndexHolder {
  const name = createHash('sha256').update(url).digest('hex').slice(0, 32)
  return {
    folder: join(folder, name),
    scannedRowsMax,
    firstScannedRowsMax,
    open: undefined,
    batches: new Set(),
    wasAsked: true,
    missed: undefined,
    building: undefined,
    following: undefined,
    unread: new Set(),
    reading: undefined,
    waitsUntilMs: 0,
  }
}

/** The newest index in the folder, runs opened; the one that is open already when it is the newest. Throws `INDEX_DAMAGED`. */
export function openNewest(holder: IndexHolder): OpenIndex | undefined {
  const newest = readManifest(holder.folder)
  if (newest === undefined) {
    closeIndex(holder)
    return undefined
  }
  const { open } = holder
  if (open !== undefined && open.number === newest.number && open.manifest.salt === newest.manifest.salt) return open
  const known = new Map(open?.runs.map((run) => [run.path, run]))
  const runs: Run[] = []
  try {
    for (const { name } of newest.manifest.runs) {
      const path = join(holder.folder, name)
      runs.push(known.get(path) ?? openRun(path))
    }
  } catch (error) {
    for (const run of runs) if (known.get(run.path) !== run) run.close()
    throw error
  }
  const next = { ...newest, runs, covered: undefined }
  replaceOpen(holder, next)
  for (const run of runs) if (!known.has(run.path)) holder.unread.add(run)
  return next
}

/** Puts an index that was just written in the place of the open one. */
export function replaceOpen(holder: IndexHolder, next: OpenIndex): void {
  closeRuns(holder, (run) => !next.runs.includes(run))
  holder.open = next
}

/** The table may be another one under its name: whether the index is of it is looked at anew, and no version of it is a batch of ours. */
export function forgetCovered(holder: IndexHolder): void {
  if (holder.open !== undefined) holder.open = { ...holder.open, covered: undefined }
  holder.batches.clear()
}

/** Closes what is open. */
export function closeIndex(holder: IndexHolder): void {
  closeRuns(holder, () => true)
  holder.open = undefined
}

function closeRuns({ open, unread }: IndexHolder, isLeft: (run: Run) => boolean): void {
  for (const run of open?.runs.filter(isLeft) ?? []) {
    unread.delete(run)
    run.close()
  }
}

/** Drops the index, for all processes. False where it may not be taken away: whoever opens it finds what is wrong with it again. */
export function discardIndex(holder: IndexHolder): boolean {
  closeIndex(holder)
  try {
    dropIndex(holder.folder)
    return true
  } catch (error) {
    if (!isIndexFault(error)) throw error
    return false
  }
}

/** Whether an error is about the index and not about the table: its bytes, its folder, its disk. */
export function isIndexFault(error: unknown): boolean {
  if (error instanceof TributaryError) return error.code === 'INDEX_DAMAGED'
  return error instanceof Error && 'syscall' in error && 'code' in error
}
