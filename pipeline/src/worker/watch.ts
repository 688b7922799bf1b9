import { type Engine, TributaryError } from '@tributary/delta'
import { type IngestSummary, ingest } from './ingest.ts'
import { spareTime } from './keep-tables.ts'
import type { Lake } from './lake.ts'
import type { IngestOptions } from './run.ts'
import type { TableSession } from './table-session.ts'

/** How to watch: `ingest`'s options, the pause, and the way to end. */
export interface WatchOptions extends Omit<IngestOptions, 'dryRun' | 'sessions' | 'upkeep'> {
  readonly signal: AbortSignal
  /** Pause between two looks at the landing, in milliseconds. */
  readonly intervalMs: number
  /** Called after each look that found something. */
  readonly onRound?: (summary: IngestSummary) => void
}

const PAUSE_MS_MAX = 60_000

/**
 * Looks at the landing again and again until the signal is aborted; the commit under way is finished first. A bucket that does not answer
 * is waited for, unless it never did: then its name or the network is wrong, and the error is thrown.
 */
export async function watch(lake: Lake, engine: Engine, options: WatchOptions): Promise<void> {
  const sessions = new Map<string, TableSession>()
  const upkeep = spareTime()
  let hasLooked = false
  let failures = 0
  while (!options.signal.aborted) {
    try {
      const summary = await ingest(lake, engine, { ...options, sessions, upkeep })
      if (summary.tables.some((table) => table.commits > 0 || table.stopped !== null)) options.onRound?.(summary)
      hasLooked = true
      failures = 0
    } catch (error) {
      if (!hasLooked || !(error instanceof TributaryError) || error.kind !== 'unavailable') throw error
      failures += 1
      options.onEvent?.({ kind: 'warning', table: 'landing', message: error.message })
    }
    const pauseMs = Math.max(
      options.intervalMs,
      Math.min(PAUSE_MS_MAX, options.intervalMs * 2 ** Math.min(failures, 20)),
    )
    await lake.clock.sleep(pauseMs, options.signal)
  }
  await upkeep.settled()
  for (const { index } of sessions.values()) await Promise.all([index?.building, index?.reading])
}
