import { type CommitInfo, commitInfoOf, listCommitTimes, readCommits, type Store } from '@tributary/delta/log'
import { type HopTimes, hopsOf } from '../ledger/commit-times.ts'

/** What the commits of a span of time did, by their own metrics. */
export interface RecentChanges {
  readonly commits: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Changes in each minute of the span, the oldest first: one bar of a sparkline each. */
  readonly perMinute: readonly number[]
  /** False when there were so many commits that only the newest were read. */
  readonly isComplete: boolean
  /** The way of the newest change that a commit of the span took in; null where none tells. */
  readonly newest: HopTimes | null
}

const COMMITS_MAX = 500
const MINUTE_MS = 60_000

/** Adds up the commits of the last minutes. Reads only those, and at most 500 of them. */
export async function readRecentChanges(
  store: Store,
  options: { readonly nowMs: number; readonly minutes: number },
): Promise<RecentChanges> {
  const fromMs = options.nowMs - options.minutes * MINUTE_MS
  const recent = (await listCommitTimes(store)).filter(({ timestampMs }) => timestampMs > fromMs)
  const read = recent.slice(-COMMITS_MAX)
  const perMinute: number[] = Array.from({ length: options.minutes }, () => 0)
  const sums = { inserted: 0, updated: 0, deleted: 0 }
  let newest: HopTimes | null = null
  const [first, last] = [read.at(0), read.at(-1)]
  if (first !== undefined && last !== undefined) {
    for await (const { timestampMs, actions } of readCommits(store, {
      fromVersion: first.version,
      toVersion: last.version,
    })) {
      const info = commitInfoOf(actions)
      newest = hopsOf(info) ?? newest
      const changed = changesOf(info)
      sums.inserted += changed.inserted
      sums.updated += changed.updated
      sums.deleted += changed.deleted
      // A commit whose own time lies in the future (another machine's clock) counts as just now.
      const minute = Math.min(options.minutes - 1, Math.max(0, Math.floor((timestampMs - fromMs) / MINUTE_MS)))
      perMinute[minute] = (perMinute[minute] ?? 0) + changed.inserted + changed.updated + changed.deleted
    }
  }
  return { commits: recent.length, ...sums, perMinute, isComplete: read.length === recent.length, newest }
}

/** Rows that a commit inserted, updated and deleted: our own metrics, else those that Spark and delta-rs write. */
export function changesOf(info: CommitInfo | undefined): {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
} {
  const metrics = info?.operationMetrics ?? {}
  const first = (...names: readonly string[]): number => {
    const found = names.map((name) => Number(metrics[name])).find((value) => Number.isFinite(value))
    return found ?? 0
  }
  const isWrite = info?.operation === 'WRITE' || info?.operation === 'STREAMING UPDATE'
  return {
    inserted: first(
      'inserted',
      'numTargetRowsInserted',
      'num_target_rows_inserted',
      ...(isWrite ? ['numOutputRows', 'num_added_rows'] : []),
    ),
    updated: first('updated', 'numTargetRowsUpdated', 'num_target_rows_updated', 'numUpdatedRows', 'num_updated_rows'),
    deleted: first('deleted', 'numTargetRowsDeleted', 'num_target_rows_deleted', 'numDeletedRows', 'num_deleted_rows'),
  }
}
