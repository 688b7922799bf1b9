import { type Engine, TributaryError } from '@tributary/delta'
import { landingNameRefused } from '../errors.ts'
import { placeForOnce } from '../key-index/index-folder.ts'
import { addCounts, type Counts, NO_COUNTS } from '../ledger/table-state.ts'
import { buildMeanwhile, buildMissedIndex, followMeanwhile, readMeanwhile } from './build-indexes.ts'
import { groupIgnored, type IgnoredFiles } from './ignored-files.ts'
import { keepAfter } from './keep-tables.ts'
import { findTable, type Lake } from './lake.ts'
import { listLanding } from './listing.ts'
import type { LandingFile } from './plan.ts'
import type { CommitEvent, IngestOptions, TableRun } from './run.ts'
import { forgetStop, rememberStop } from './stops.ts'
import { openTableSession } from './table-session.ts'

/** What a run did to one table. */
export interface TableSummary extends Counts {
  readonly table: string
  /** The newest version, null when the table does not exist yet. */
  readonly version: number | null
  readonly commits: number
  readonly files: number
  readonly stopped: { readonly code: string; readonly message: string } | null
  /** A dry run names the files that wait. */
  readonly wouldApply?: readonly string[]
}

/** The `--json` summary of an ingest; its schema is published. */
export interface IngestSummary {
  readonly schema: 'tributary.ingest/1'
  readonly tables: readonly TableSummary[]
  readonly unconfigured: readonly { readonly table: string; readonly files: number }[]
  /** Files that are taken for none of a table's. */
  readonly ignored: readonly IgnoredFiles[]
  /** Landing objects whose names are refused; they are errors. */
  readonly refused: readonly { readonly key: string; readonly message: string }[]
}

const TABLES_AT_ONCE = 2

/**
 * Applies all that waits in the landing, table by table, and returns. What stops one table (law 7) does not stop the
 * others: it is in the summary and in `status`.
 */
export async function ingest(lake: Lake, engine: Engine, options: IngestOptions = {}): Promise<IngestSummary> {
  const wanted = (options.tables ?? lake.config.tables.map((table) => table.name)).map((name) =>
    findTable(lake.config, name),
  )
  const listing = await listLanding(lake, { again: options.sessions !== undefined })
  // Who does not come again has little use of an index.
  const indexPlace = options.sessions === undefined ? placeForOnce(lake.index) : lake.index
  const summaries = new Map<string, TableSummary>()
  const queue = [...new Map(wanted.map((table) => [table.name, table])).values()]
  const runs: TableRun[] = []
  const written = new Map<TableRun, number | undefined>()
  const lane = async (): Promise<void> => {
    for (let table = queue.shift(); table !== undefined && !options.signal?.aborted; table = queue.shift()) {
      const session = options.sessions?.get(table.name) ?? openTableSession(lake, table, indexPlace)
      options.sessions?.set(table.name, session)
      const files = listing.tables.get(table.name) ?? []
      const run = { lake, engine, table, session, options }
      const { summary, bytesWritten, error } = await runTable(run, files)
      summaries.set(table.name, summary)
      runs.push(run)
      if (error === undefined && !options.dryRun) written.set(run, bytesWritten)
    }
  }
  // A batch of a small table is planning and waiting for the disk: a second table fills the gaps.
  const lanes = await Promise.allSettled(Array.from({ length: TABLES_AT_ONCE }, lane))
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
  const unconfigured = [...listing.unconfigured].map(([table, files]) => ({ table, files }))
  const tables = wanted.flatMap(({ name }) => summaries.get(name) ?? [])
  const refused = listing.refused.map(({ key, why }) => ({ key, message: landingNameRefused(key, why).message }))
  for (const { key, message } of refused)
    options.onEvent?.({ kind: 'stopped', table: key, code: 'LANDING_NAME_REFUSED', message })
  for (const run of runs) {
    // Who comes again does not wait for it.
    if (options.sessions === undefined) await buildMissedIndex(run)
    else {
      buildMeanwhile(run)
      followMeanwhile(run)
      readMeanwhile(run)
    }
  }
  for (const [run, bytes] of written) {
    // Who comes again does not wait for that either.
    const isLast = options.sessions === undefined && options.upkeep === undefined
    options.upkeep?.offer(run, bytes)
    if (isLast && bytes !== undefined) await keepAfter(run, bytes)
  }
  return { schema: 'tributary.ingest/1', tables, unconfigured, ignored: groupIgnored(listing), refused }
}

/** What a run did to one table, and what it left. */
export interface TableOutcome {
  readonly summary: TableSummary
  /** Of data files; undefined where nothing was committed. */
  readonly bytesWritten: number | undefined
  /** Files that are not taken in yet. */
  readonly waiting: readonly string[]
  /** When a load that waits for more files may begin. */
  readonly readyAtMs?: number
  /** What stopped the table. */
  readonly error?: TributaryError
}

/** Applies what waits of one table; what stops it is in the outcome and in `status`. */
export async function runTable(run: TableRun, files: readonly LandingFile[]): Promise<TableOutcome> {
  const { lake, table, options } = run
  let totals = NO_COUNTS
  let commits = 0
  let committed = -1
  let filesTaken = 0
  let bytesWritten: number | undefined
  let waiting: readonly string[] = files.map(({ key }) => key)
  const onCommit = (event: CommitEvent): void => {
    totals = addCounts(totals, event)
    commits += 1
    committed = event.version
    filesTaken += event.files
    bytesWritten = (bytesWritten ?? 0) + event.bytesAdded
    options.onEvent?.({ kind: 'committed', table: table.name, ...event })
  }
  const summary = (): TableSummary => ({
    table: table.name,
    version: newestOf(committed, run.session.snapshot?.version),
    commits,
    files: filesTaken,
    ...totals,
    stopped: null,
  })
  try {
    // Loaded here, not above: the commands that only look start without all that reads and writes rows.
    const { ingestTable } = await import('./ingest-table.ts')
    const onLook = (left: readonly string[]): void => {
      waiting = left
    }
    const { wouldApply = [], ...rest } = await ingestTable(run, files, { onCommit, onLook })
    if (options.dryRun) return { summary: { ...summary(), wouldApply }, bytesWritten, waiting }
    await forgetStop(lake.root, table.name)
    return { summary: summary(), bytesWritten, waiting, ...rest }
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
    if (!options.dryRun) await noteStop(lake, table.name, error)
    const { code, message } = error
    options.onEvent?.({ kind: 'stopped', table: table.name, code, message })
    return { summary: { ...summary(), stopped: { code, message } }, bytesWritten, waiting, error }
  }
}

/** Nothing decides by the note: where it cannot be written, what stopped the table is told all the same. */
async function noteStop(lake: Lake, table: string, stop: TributaryError): Promise<void> {
  try {
    await rememberStop(lake, table, stop)
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
    // The lake is full or out of reach, for all tables: who asked for them waits, or comes again.
    if (stop.kind === 'unavailable') throw stop
  }
}

/** A look at the table after its last commit may have failed. */
function newestOf(committed: number, seen: number | undefined): number | null {
  const newest = Math.max(committed, seen ?? -1)
  return newest < 0 ? null : newest
}
