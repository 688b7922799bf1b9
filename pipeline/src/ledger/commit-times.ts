// The way of a batch's newest change as its commit tells it, for lag by hop (console.md 5.1): source, landing, pick-up. The hop after
// these ends with the commit itself.
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
  const landedMs = batch.entries
    .filter(({ kind }) => kind === 'load' || kind === 'cdc' || kind === 'transactions')
    .reduce((newest, { modifiedMs }) => Math.max(newest, modifiedMs), Number.NEGATIVE_INFINITY)
  const times: CommitTimes = {
    sourceAt: batch.sourceAt,
    landedAt: isoTime(landedMs),
    pickedUpAt: isoTime(batch.readAtMs),
  }
  const isTold = Object.values(times).some((time) => time !== undefined)
  return isTold ? JSON.stringify(times) : undefined
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

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined || !Number.isFinite(ms) ? undefined : new Date(ms).toISOString()
}
