// Whether a table keeps its target. It is missed while a file waits too long, and when the newest change came too late: a quiet source is
// neither. Both are read from the landing and the table, so it does not matter which worker runs, or whether any does.
import type { HopTimes } from '../ledger/commit-times.ts'

/** A table against its target. */
export interface Freshness {
  readonly targetMs: number
  /** For how long the oldest file in the landing has waited; null when none waits. */
  readonly oldestWaitingMs: number | null
  /** From the source (or the landing, where files carry no source time) to the table, for the newest change of the last hour. */
  readonly newestMs: number | null
  readonly isMissed: boolean
}

/** Judges what `status` found of a table; null without a target. */
export function judgeFreshness(
  table: {
    readonly waiting: { readonly oldestAt: string | null }
    readonly lastHour: { readonly newest: HopTimes | null } | null
  },
  { targetMs, nowMs }: { readonly targetMs: number | undefined; readonly nowMs: number },
): Freshness | null {
  if (targetMs === undefined) return null
  const { oldestAt } = table.waiting
  const newest = table.lastHour?.newest ?? null
  const oldestWaitingMs = oldestAt === null ? null : nowMs - Date.parse(oldestAt)
  const newestMs = newest === null ? null : (newest.dmsMs ?? 0) + newest.queueMs + newest.mergeMs
  const isMissed = Math.max(oldestWaitingMs ?? 0, newestMs ?? 0) > targetMs
  return { targetMs, oldestWaitingMs, newestMs, isMissed }
}
