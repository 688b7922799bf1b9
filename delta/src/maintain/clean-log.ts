// PROTOCOL.md, "Metadata Cleanup": what is older than `delta.logRetentionDuration` leaves the log, as far as a checkpoint allows it.
// The newest checkpoint at or before the cutoff stays, with the commit of its version and all that follows.

import type { Clock } from '../clock.ts'
import { LOG_FOLDER, parseLogFileName } from '../log/file-names.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { protectedBefore } from './checkpoint.ts'
import { DAY_MS, flagOf, logRetentionMs } from './retention.ts'
import { readSidecarNames, SIDECAR_FOLDER } from './sidecar-names.ts'

/** What log cleanup must leave readable beyond what the table's properties say. */
export interface CleanLogOptions {
  /** Versions that somebody pinned: the log from the checkpoint before them on stays. */
  readonly keepVersions?: readonly number[]
}

/** What a cleanup deletes, in the order of deletion. */
export interface LogCleanup {
  /** The version from which on the log stays; undefined when nothing may go. */
  readonly firstVersion: number | undefined
  readonly paths: readonly string[]
}

/**
 * Delete what the log no longer has to hold; called after a checkpoint. Returns what went.
 * Throws `STORE_FAILED`; an interrupted cleanup is completed by the next.
 */
export async function cleanLog(clock: Clock, snapshot: Snapshot, options: CleanLogOptions = {}): Promise<LogCleanup> {
  const { store, metadata } = snapshot
  const none: LogCleanup = { firstVersion: undefined, paths: [] }
  if (!flagOf(metadata, 'delta.enableExpiredLogCleanup', true)) return none
  // Spark's way: a whole day leaves at once, so that most calls have nothing to do.
  const cutoffMs = Math.floor((clock.now() - logRetentionMs(metadata)) / DAY_MS) * DAY_MS
  const entries = await listExpired(store, cutoffMs)
  if (entries === undefined) return none
  const plan = planCleanup(entries, {
    cutoffMs,
    keepVersions: options.keepVersions ?? [],
    protectedBefore: protectedBefore(snapshot),
  })
  const unnamed =
    plan.firstVersion === undefined ? [] : await unnamedSidecars(store, entries, plan, clock.now() - DAY_MS)
  const paths = [...plan.paths, ...unnamed]
  for (const path of paths) await store.delete(path)
  return { ...plan, paths }
}

/** The whole log, or undefined when its first commit is too young for anything to go: then the listing ends early. */
async function listExpired(store: Store, cutoffMs: number): Promise<readonly StoreEntry[] | undefined> {
  const entries: StoreEntry[] = []
  let isFirst = true
  for await (const entry of store.list(LOG_FOLDER)) {
    if (isFirst && parseLogFileName(entry.path)?.kind === 'commit') {
      if (entry.modifiedMs > cutoffMs) return undefined
      isFirst = false
    }
    entries.push(entry)
  }
  return entries
}

/** Decide from a listing of the log. Pure. */
export function planCleanup(
  entries: readonly StoreEntry[],
  limits: { readonly cutoffMs: number; readonly keepVersions: readonly number[]; readonly protectedBefore: number },
): LogCleanup {
  const cutoff = Math.min(cutoffVersion(entries, limits.cutoffMs), ...limits.keepVersions)
  const first = Math.max(-1, ...completeCheckpoints(entries).filter((version) => version <= cutoff))
  // RFC "Checkpoint Protection": below the protected version all goes at once or nothing does.
  if (first <= 0 || first < limits.protectedBefore) return { firstVersion: undefined, paths: [] }
  const old = entries.flatMap((entry) => {
    const version = versionIn(entry.path)
    const isCompaction = /^\d{20}\.\d{20}\.compacted\.json$/.test(entry.path.slice(LOG_FOLDER.length))
    return version !== undefined && (version < first || (isCompaction && version <= first)) ? [entry.path] : []
  })
  const isCommit = (path: string): boolean => parseLogFileName(path)?.kind === 'commit'
  // Commits first: a checkpoint without its commits is a table, commits without their checkpoint are none.
  return { firstVersion: first, paths: [...old.filter(isCommit), ...old.filter((path) => !isCommit(path))] }
}

/** The newest commit that is not younger than the cutoff; times are made to rise with the version. */
function cutoffVersion(entries: readonly StoreEntry[], cutoffMs: number): number {
  let found = -1
  let timeMs = Number.NEGATIVE_INFINITY
  for (const { path, modifiedMs } of entries) {
    const file = parseLogFileName(path)
    if (file?.kind !== 'commit') continue
    timeMs = Math.max(modifiedMs, timeMs + 1)
    if (timeMs > cutoffMs) break
    found = file.version
  }
  return found
}

function completeCheckpoints(entries: readonly StoreEntry[]): readonly number[] {
  const complete: number[] = []
  const parts = new Map<string, number>()
  for (const { path, sizeBytes } of entries) {
    const file = parseLogFileName(path)
    const isCheckpoint = file?.kind === 'checkpoint' || file?.kind === 'uuid-checkpoint'
    if (!isCheckpoint || sizeBytes === 0) continue
    const wanted = file.kind === 'checkpoint' ? file.parts : 1
    const key = `${file.version}/${wanted}`
    const found = (parts.get(key) ?? 0) + 1
    parts.set(key, found)
    if (found === wanted) complete.push(file.version)
  }
  return complete
}

/** The version with which the name of a file of the log begins. */
function versionIn(path: string): number | undefined {
  const digits = /^(\d{20})\./.exec(path.slice(LOG_FOLDER.length))?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Sidecars that no checkpoint names any more. Those of the last day may belong to a checkpoint that is being written. */
async function unnamedSidecars(
  store: Store,
  entries: readonly StoreEntry[],
  plan: LogCleanup,
  writtenBeforeMs: number,
): Promise<readonly string[]> {
  const old = entries.filter(({ path, modifiedMs }) => path.startsWith(SIDECAR_FOLDER) && modifiedMs < writtenBeforeMs)
  if (old.length === 0) return []
  const gone = new Set(plan.paths)
  const named = new Set<string>()
  for (const entry of entries) {
    const file = parseLogFileName(entry.path)
    if (file === undefined || file.kind === 'commit' || gone.has(entry.path)) continue
    const names = await readSidecarNames(store, entry)
    // A checkpoint that cannot be read may name any of them.
    if (names === undefined) return []
    for (const name of names) named.add(name)
  }
  return old.flatMap(({ path }) => (named.has(path) ? [] : [path]))
}
