import type { Engine } from '@tributary/delta'
import { type IngestSummary, ingest } from './ingest.ts'
import type { Lake } from './lake.ts'
import { pause } from './pause.ts'
import type { IngestOptions } from './run.ts'
import type { TableSession } from './table-session.ts'

/** How to watch: `ingest`'s options, the pause, and the way to end. */
export interface WatchOptions extends Omit<IngestOptions, 'dryRun' | 'sessions'> {
  readonly signal: AbortSignal
  /** Pause between two looks at the landing, in milliseconds. */
  readonly intervalMs: number
  /** Called after each look that found something. */
  readonly onRound?: (summary: IngestSummary) => void
}

/** Looks at the landing again and again until the signal is aborted; the commit under way is finished first. */
export async function watch(lake: Lake, engine: Engine, options: WatchOptions): Promise<void> {
  const sessions = new Map<string, TableSession>()
  while (!options.signal.aborted) {
    const summary = await ingest(lake, engine, { ...options, sessions })
    if (summary.tables.some((table) => table.commits > 0 || table.stopped !== null)) options.onRound?.(summary)
    await pause(lake.clock, options.intervalMs, options.signal)
  }
  for (const { index } of sessions.values()) await index?.building
}
