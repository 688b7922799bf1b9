// A table's turn, whoever gives it: a worker that follows a queue, or a function that was handed some of its messages.
import { type Engine, TributaryError } from '@tributary/delta'
import type { Turn, TurnOutcome } from '../queue/inbox.ts'
import { type LandingPlace, parseNotification } from '../queue/notification.ts'
import { tablesWoken } from '../queue/woken.ts'
import { buildMeanwhile, followMeanwhile, readMeanwhile } from './build-indexes.ts'
import { type IngestSummary, runTable } from './ingest.ts'
import { findTable, type Lake } from './lake.ts'
import { listLanding } from './listing.ts'
import type { LandingFile } from './plan.ts'
import type { BatchWork, IngestOptions } from './run.ts'
import type { TableFolders } from './table-folders.ts'
import { openTableSession, type TableSession } from './table-session.ts'

/** What turns are taken with; sessions and folders learn. */
export interface TurnParts {
  readonly lake: Lake
  readonly engine: Engine
  readonly folders: TableFolders
  readonly sessions: Map<string, TableSession>
  /** DuckDB's, unless a simulation brings its own. */
  readonly work?: BatchWork | undefined
}

/** How to ingest, and whom to tell. */
export interface TurnOptions extends Omit<IngestOptions, 'dryRun' | 'sessions' | 'tables'> {
  /** Called after each turn of a table that found something. */
  readonly onRound?: (summary: IngestSummary) => void
}

/** What a message asks for. */
export type MessageReading =
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'wakes'
      /** Tables with the objects that concern them; none: there is nothing to do. */
      readonly tables: ReadonlyMap<string, ReadonlySet<string>>
      readonly writtenMs: number | undefined
    }

/** Reads the body of a message. */
export function readMessage({ config }: Lake, place: LandingPlace, body: string): MessageReading {
  const read = parseNotification(body, place)
  if (read.kind === 'unreadable') return { kind: 'unreadable', reason: `not a notification of S3: ${read.why}` }
  if (read.kind === 'nothing') return { kind: 'wakes', tables: new Map(), writtenMs: undefined }
  return { kind: 'wakes', tables: tablesWoken(config, read.keys), writtenMs: read.writtenMs }
}

/** What came of a turn, and since when the oldest of the files that it left waits. */
export interface TakenTurn extends TurnOutcome {
  readonly waitingSinceMs?: number
}

/** Lists the table's folders, after its messages were received, and applies what waits there. */
export async function takeTurn(
  { lake, engine, folders, sessions, work }: TurnParts,
  { table: name, keys }: Pick<Turn, 'table' | 'keys'>,
  options: TurnOptions,
): Promise<TakenTurn> {
  const table = findTable(lake.config, name)
  const session = sessions.get(name) ?? openTableSession(lake, table, lake.index)
  sessions.set(name, session)
  try {
    const listing = await listLanding(lake, { folders: folders.of(name, keys) })
    const run = { lake, engine, table, session, options, ...(work === undefined ? {} : { work }) }
    const files = listing.tables.get(name) ?? []
    const { summary, bytesWritten, waiting: left, readyAtMs, error } = await runTable(run, files)
    buildMeanwhile(run)
    followMeanwhile(run)
    readMeanwhile(run)
    if (error === undefined) options.upkeep?.offer(run, bytesWritten)
    const waiting = new Set(left)
    if (summary.commits > 0 || summary.stopped !== null)
      options.onRound?.({ schema: 'tributary.ingest/1', tables: [summary], unconfigured: [], ignored: [], refused: [] })
    const stopped = error === undefined ? undefined : stopOf(name, error)
    return { waiting, readyAtMs, stopped, ...oldestOf(files.filter(({ key }) => waiting.has(key))) }
  } catch (error) {
    if (!(error instanceof TributaryError) || error.kind !== 'unavailable') throw error
    options.onEvent?.({ kind: 'warning', table: name, message: error.message })
    return { waiting: keys, stopped: stopOf(name, error) }
  }
}

function oldestOf(files: readonly LandingFile[]): Pick<TakenTurn, 'waitingSinceMs'> {
  const [first, ...others] = files.map(({ modifiedMs }) => modifiedMs)
  return first === undefined ? {} : { waitingSinceMs: others.reduce((oldest, ms) => Math.min(oldest, ms), first) }
}

function stopOf(table: string, { code, message, kind }: TributaryError): NonNullable<TurnOutcome['stopped']> {
  // The bucket, its rights and a lost race are not the fault of any file.
  const isTemporary = kind === 'unavailable' || kind === 'conflict' || code.startsWith('S3_')
  return { reason: `${table} stopped: ${code}: ${message}`, isTemporary }
}
