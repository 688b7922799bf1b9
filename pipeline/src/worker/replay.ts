// Brings rows out of quarantine after a fix: they are read again with today's settings and take the place in the order
// that they had (law 2), so a newer change that was applied meanwhile wins.
import type { Engine } from '@tributary/delta'
import { commitContended } from '../errors.ts'
import { completeHistory } from '../history-table/complete-history.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import { type QuarantinedRow, readQuarantine } from '../ledger/quarantine.ts'
import { assertSettings } from './assert-settings.ts'
import { commitBatch } from './commit-batch.ts'
import { findTable, type Lake } from './lake.ts'
import type { IngestOptions, TableRun } from './run.ts'
import { openTableSession, refreshSession } from './table-session.ts'
import { trackSession } from './track-writes.ts'

/** What a replay did: `replayed` = `applied` + `superseded` + `noop`. */
export interface ReplayOutcome {
  /** Rows that could be read, and so wait no longer. */
  readonly replayed: number
  readonly applied: number
  /** Rows that lost to newer changes, or to the load or the truncate that replaced theirs. */
  readonly superseded: number
  /** Deletes of keys that are not there. */
  readonly noop: number
  /** How many rows wait on. */
  readonly still: number
  /** These rows, with today's reasons. */
  readonly rows: readonly QuarantinedRow[]
  /** The commit, null when there was nothing to commit. */
  readonly version: number | null
}

const ATTEMPTS_MAX = 5

/** Replays all rows that wait for a table; a dry run only says which could be read. Throws `COMMIT_CONTENDED` and what reading a file throws. */
export async function replayQuarantine(
  lake: Lake,
  engine: Engine,
  name: string,
  options: { readonly dryRun?: boolean; readonly onEvent?: NonNullable<IngestOptions['onEvent']> } = {},
): Promise<ReplayOutcome> {
  // Loaded on use, so that other commands start without it.
  const { prepareReplay } = await import('./prepare-replay.ts')
  const table = findTable(lake.config, name)
  const session = openTableSession(lake, table)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    await refreshSession(session)
    if (options.dryRun !== true) await completeHistory({ lake, engine, table, session, options })
    const waiting = await readQuarantine(session.store, session.state?.quarantine ?? [])
    if (waiting.length === 0) return { replayed: 0, ...countsOf([]), still: 0, rows: [], version: null }
    const writes = trackSession(session)
    const fork = await engine.fork()
    try {
      const run: TableRun = { lake, engine: fork, table, session: writes.session, options }
      assertSettings(run)
      const { batch, still, replayed } = await prepareReplay(run, waiting)
      const told = { replayed, ...countsOf(batch.entries), still: still.length, rows: still }
      if (options.dryRun === true || replayed === 0) {
        await writes.discard()
        return { ...told, version: null }
      }
      const target = { table, snapshot: session.snapshot, state: session.state }
      const outcome = await commitBatch({ store: writes.session.store, clock: lake.clock }, target, batch)
      if (outcome.kind === 'committed') {
        if (table.history) {
          await refreshSession(session)
          await completeHistory({ ...run, session })
        }
        return { ...told, version: outcome.version }
      }
      await writes.discard()
    } finally {
      await fork.close()
    }
  }
  throw commitContended(table.name, ATTEMPTS_MAX)
}

function countsOf(
  entries: readonly Pick<LedgerEntry, 'applied' | 'superseded' | 'noop'>[],
): Pick<ReplayOutcome, 'applied' | 'superseded' | 'noop'> {
  const sum = (count: 'applied' | 'superseded' | 'noop'): number =>
    entries.reduce((total, entry) => total + entry[count], 0)
  return { applied: sum('applied'), superseded: sum('superseded'), noop: sum('noop') }
}
