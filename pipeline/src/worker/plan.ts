// What to do next for one table: a pure decision from the listing, the ledger and the table's state (design §3.1).
import { cdcFileChanged, lateFile } from '../errors.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { TableState } from '../ledger/table-state.ts'

/** A file of the landing that belongs to the table. */
export interface LandingFile {
  readonly key: string
  readonly sizeBytes: number
  /** Write time in milliseconds since the epoch. */
  readonly modifiedMs: number
  readonly kind: 'load' | 'cdc' | 'transactions'
  /** Order of the file among the table's files, bytewise comparable: loads first, then by file time and name. */
  readonly place: string
}

/** A file with what the ledger says of it. */
export interface SeenFile {
  readonly file: LandingFile
  /** `known`: these bytes were taken in. `changed`: the key was, with other bytes. `new`: the key was not. */
  readonly seen: 'known' | 'changed' | 'new'
  /** The ledger's newest entry for the key; of a LOAD that was skipped and has other bytes now, the load before. */
  readonly entry: LedgerEntry | undefined
}

/** The next commit of a table. */
export type TablePlan =
  | { readonly kind: 'idle' }
  | { readonly kind: 'settling'; readonly readyAtMs: number }
  | { readonly kind: 'load'; readonly generation: number; readonly files: readonly LandingFile[] }
  | { readonly kind: 'changes'; readonly files: readonly LandingFile[]; readonly guard: boolean }
  | { readonly kind: 'superseded'; readonly files: readonly LandingFile[] }

/** A commit to make. */
export type BatchPlan = Exclude<TablePlan, { readonly kind: 'idle' | 'settling' }>

/** Files of one commit at most. */
export const BATCH_FILES_MAX = 2000

export interface PlanLimits {
  /** Stored bytes of the files of one commit; one file may be larger. */
  readonly batchBytesMax: number
  readonly batchFilesMax: number
  /** Wait so long after the newest LOAD object before a load starts; 0 takes the load as listed. */
  readonly settleMs: number
}

/** Decides the table's next commit. Throws `LATE_FILE` or `CDC_FILE_CHANGED`, which stop the table. */
export function planTable(
  seen: readonly SeenFile[],
  state: TableState | undefined,
  options: { readonly nowMs: number; readonly hasSequence: boolean; readonly limits: PlanLimits },
): TablePlan {
  const loads = seen.filter(({ file }) => file.kind === 'load')
  const generation = nextGeneration(loads, state)
  if (generation !== undefined && generation.files.length > 0) {
    const readyAtMs = Math.max(...generation.files.map((file) => file.modifiedMs)) + options.limits.settleMs
    if (options.limits.settleMs > 0 && readyAtMs > options.nowMs) return { kind: 'settling', readyAtMs }
    return { kind: 'load', ...generation }
  }
  const waiting = seen
    .filter((candidate) => isWaiting(candidate, state))
    .sort((a, b) => (a.file.place < b.file.place ? -1 : a.file.place > b.file.place ? 1 : 0))
  const closed = state?.closedPlace ?? ''
  const superseded = waiting.filter(({ file }) => file.kind !== 'load' && file.place <= closed)
  if (superseded.length > 0) return { kind: 'superseded', files: superseded.map(({ file }) => file) }
  const [first] = waiting
  if (first === undefined) return { kind: 'idle' }
  if (!options.hasSequence) refuseLateFiles(waiting, state)
  const files = bounded(
    waiting.map(({ file }) => file),
    options.limits,
  )
  const isLate = state !== undefined && first.file.place <= state.lastPlace
  return { kind: 'changes', files, guard: options.hasSequence || isLate }
}

/**
 * The load to take next, if one waits: the first of the table, or a reload. A LOAD key that the generation holds with
 * other bytes starts the next one, and what was not written anew since is left over from before.
 */
export function nextGeneration(
  loads: readonly SeenFile[],
  state: TableState | undefined,
): { readonly generation: number; readonly files: readonly LandingFile[] } | undefined {
  if (state === undefined) return { generation: 1, files: loads.map(({ file }) => file) }
  // After a truncate the generation has no load of its own: the newest one that was taken in counts.
  const newest = Math.max(0, ...loads.flatMap(({ entry }) => (entry?.kind === 'load' ? [entry.generation] : [])))
  const restarted = loads.some(
    ({ file, seen, entry }) =>
      seen === 'changed' &&
      entry?.kind === 'load' &&
      entry.generation === newest &&
      (newest === state.generation || file.modifiedMs > entry.modifiedMs),
  )
  if (!restarted) return undefined
  const files = loads.filter(
    ({ file, seen, entry }) => entry === undefined || seen === 'changed' || file.modifiedMs > entry.modifiedMs,
  )
  return { generation: state.generation + 1, files: files.map(({ file }) => file) }
}

/**
 * Whether a file is still to be taken in. A LOAD object of a reload counts as new also when its bytes did not change, and so do changes that
 * are newer than the reload and were taken in before it was seen.
 */
export function isWaiting({ file, seen, entry }: SeenFile, state: TableState | undefined): boolean {
  if (entry?.kind === 'cdc' || entry?.kind === 'transactions') {
    const isOfNewer = state !== undefined && entry.generation < state.generation && file.place > state.closedPlace
    return seen !== 'known' || isOfNewer
  }
  if (file.kind !== 'load' || entry === undefined || state === undefined || entry.generation >= state.generation)
    return seen !== 'known'
  return file.modifiedMs > entry.modifiedMs
}

/** All files that are still to be taken in, those of a reload included. */
export function listWaiting(seen: readonly SeenFile[], state: TableState | undefined): readonly string[] {
  const reloaded = nextGeneration(
    seen.filter(({ file }) => file.kind === 'load'),
    state,
  )
  const waiting = seen.filter((candidate) => isWaiting(candidate, state)).map(({ file }) => file)
  return [...new Set([...waiting, ...(reloaded?.files ?? [])])].map(({ key }) => key)
}

/** A LOAD object of an earlier generation that was not written again. */
export function isLeftover(file: LandingFile, entry: LedgerEntry | undefined, state: TableState | undefined): boolean {
  return (
    entry !== undefined &&
    state !== undefined &&
    entry.generation < state.generation &&
    file.modifiedMs <= entry.modifiedMs
  )
}

/** Without a sequence column the order of files is all there is: a file behind its successors stops the table (law 2). */
function refuseLateFiles(waiting: readonly SeenFile[], state: TableState | undefined): void {
  for (const { file, seen } of waiting) {
    if (state === undefined || file.kind === 'load' || file.place > state.lastPlace) continue
    throw seen === 'changed' ? cdcFileChanged(file.key) : lateFile(file.key, state.lastFile)
  }
}

function bounded(files: readonly LandingFile[], limits: PlanLimits): readonly LandingFile[] {
  const taken: LandingFile[] = []
  let sizeBytes = 0
  for (const file of files) {
    sizeBytes += file.sizeBytes
    if (taken.length > 0 && (sizeBytes > limits.batchBytesMax || taken.length >= limits.batchFilesMax)) break
    taken.push(file)
  }
  return taken
}
