// The way of a batch's newest change as its commit tells it, for lag by hop (console.md 5.1): source, landing, pick-up. The hop after
// these ends with the commit itself.
import { parseTime } from '../query/time-text.ts'
import type { LedgerEntry } from './ledger.ts'

/** Times in the `userMetadata` of a commit, as ISO 8601 text; what is not known is absent. */
export interface CommitTimes {
  /** Commit time at the source of the newest change taken in so far. */
  readonly sourceAt: string | undefined
  /** When the newest file of the batch was written to the landing. */
  readonly landedAt: string | undefined
  /** When the worker began to look at the landing and found it. */
  readonly pickedUpAt: string | undefined
}

/** The text for a commit's `userMetadata`, if there is anything to tell. */
export function encodeCommitTimes(batch: {
  readonly sourceAt: string | undefined
  readonly entries: readonly Pick<LedgerEntry, 'kind' | 'modifiedMs'>[]
  /** When the table and its landing were looked at. */
  readonly readAtMs: number | undefined
}): string | undefined {
  const times: CommitTimes = {
    sourceAt: batch.sourceAt,
    landedAt: isoTime(newestWriteMs(batch.entries)),
    pickedUpAt: isoTime(batch.readAtMs),
  }
  const isTold = Object.values(times).some((time) => time !== undefined)
  return isTold ? JSON.stringify(times) : undefined
}

/** When the newest of the landing files was written. */
export function newestWriteMs(entries: readonly Pick<LedgerEntry, 'kind' | 'modifiedMs'>[]): number | undefined {
  const times = entries
    .filter(({ kind }) => kind === 'load' || kind === 'cdc' || kind === 'transactions')
    .map(({ modifiedMs }) => modifiedMs)
  return times.length === 0 ? undefined : times.reduce((newest, ms) => Math.max(newest, ms))
}

/** Reads them; other writers put other texts there. */
export function parseCommitTimes(userMetadata: string | undefined): CommitTimes {
  const json = parseObject(userMetadata)
  const text = (name: keyof CommitTimes): string | undefined => {
    const value = json[name]
    return typeof value === 'string' ? value : undefined
  }
  return { sourceAt: text('sourceAt'), landedAt: text('landedAt'), pickedUpAt: text('pickedUpAt') }
}

/** How long a change was on its way, in milliseconds and by hop; below zero where clocks differ, null where nothing tells. */
export interface HopTimes {
  /** From the commit at the source to the file in the landing. */
  readonly dmsMs: number | null
  /** From there until the worker looked. */
  readonly queueMs: number
  /** From there to the commit. */
  readonly mergeMs: number
}

/** The hops of the newest change in a commit of ours; undefined for commits that took nothing in. */
export function hopsOf(
  info: { readonly timestamp?: number | undefined; readonly userMetadata?: string | undefined } | undefined,
): HopTimes | undefined {
  const { sourceAt = '', landedAt = '', pickedUpAt = '' } = parseCommitTimes(info?.userMetadata)
  const [sourceMs, landedMs, pickedUpMs] = [sourceAt, landedAt, pickedUpAt].map(parseTime)
  // The commit's own time and not its file's: a bucket tells whole seconds only.
  const committedMs = info?.timestamp
  if (landedMs === undefined || pickedUpMs === undefined || committedMs === undefined) return undefined
  return {
    dmsMs: sourceMs === undefined ? null : landedMs - sourceMs,
    queueMs: pickedUpMs - landedMs,
    mergeMs: committedMs - pickedUpMs,
  }
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}
