// Upkeep beside the batches (decision 19): files that have become many and small, or of which much is deleted, are rewritten when a table
// has nothing to do. A batch does not wait for a rewrite, only for its commit; and that takes up what batches committed meanwhile.
import {
  assertWritable,
  type RowOrder,
  refreshSnapshot,
  rewriteFiles,
  type Snapshot,
  targetBytesOf,
} from '@tributary/delta'
import { historyNameOf } from '../history-table/history-name.ts'
import { keepLog } from '../maintain/log-upkeep.ts'
import { planUpkeep, SPARE_BYTES_MAX, takePieces, type UpkeepPiece } from '../maintain/plan-upkeep.ts'
import { tableOrder } from '../maintain/table-order.ts'
import { placeColumns } from '../upsert/locate.ts'
import { catchUpMeanwhile } from './build-indexes.ts'
import { cutOff } from './cut-off.ts'
import type { TableRun, UpkeepLane } from './run.ts'
import { openSession } from './table-session.ts'

/** Upkeep while other work goes on, of one table at a time. */
export interface SpareTime extends UpkeepLane {
  /** Settles when nothing is under way any more. What the runs' signal ends is given up at once. */
  readonly settled: () => Promise<void>
}

const MIB = 1024 * 1024
const BOUNDED_BYTES_MIN = 32 * MIB
const BOUNDED_SHARE = 8
/** A table is looked at again after each commit; what is left after so many is for the next time. */
const COMMITS_MAX = 8
/** Files of many partitions share a commit; each piece keeps a connection until then. */
const PIECES_MAX = 16
const REST_MS = 600_000

/** The upkeep of one worker; nothing is under way yet. */
export function spareTime(): SpareTime {
  const waiting = new Map<string, TableRun>()
  const restsUntilMs = new Map<string, number>()
  const seenVersions = new Map<string, number>()
  let working: Promise<void> | undefined
  const isResting = ({ lake, table }: TableRun): boolean => (restsUntilMs.get(table.name) ?? 0) > lake.clock.now()
  const work = async (): Promise<void> => {
    for (let run = waiting.values().next().value; run !== undefined; run = waiting.values().next().value) {
      const { lake, table } = run
      waiting.delete(table.name)
      // It was offered again while its upkeep failed.
      if (isResting(run)) continue
      if (!(await keepInShape(run, SPARE_BYTES_MAX))) restsUntilMs.set(table.name, lake.clock.now() + REST_MS)
    }
    working = undefined
  }
  return {
    offer: (run) => {
      const { table, session } = run
      const version = session.snapshot?.version ?? -1
      if (isResting(run) || seenVersions.get(table.name) === version) return
      seenVersions.set(table.name, version)
      waiting.set(table.name, run)
      working ??= work()
    },
    settled: async () => working,
  }
}

/** At the end of a run that does not come again: so much that its cost follows what the run wrote. */
export async function keepAfter(run: TableRun, bytesWritten: number): Promise<void> {
  await keepInShape(run, Math.max(BOUNDED_BYTES_MIN, BOUNDED_SHARE * bytesWritten))
  await run.session.index?.building
}

/** A table, and its history where it keeps one. */
async function keepInShape(run: TableRun, bytesMax: number): Promise<boolean> {
  const history = historyRun(run)
  const isKept = await keepOne(run, bytesMax)
  return history === undefined ? isKept : (await keepOne(history, bytesMax)) && isKept
}

/** The history as a table of its own, which only grows; its commits are made in the turns of the table. */
function historyRun(run: TableRun): TableRun | undefined {
  const { table, session } = run
  const { history, turns } = session
  if (history?.snapshot === undefined) return undefined
  const { store, snapshot } = history
  return {
    ...run,
    table: { ...table, name: historyNameOf(table.name), history: false },
    session: { ...openSession(store), snapshot, turns },
  }
}

/** False when it failed: that is told and does no harm, the table is as it was. */
async function keepOne(run: TableRun, bytesMax: number): Promise<boolean> {
  const { options, table, session, work } = run
  // A simulation has no files that could be rewritten.
  if (!table.upkeep || work !== undefined) return true
  let { snapshot } = session
  let bytesLeft = bytesMax
  let sorts = true
  const warn = (what: string, error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error)
    options.onEvent?.({ kind: 'warning', table: table.name, message: `${what}: ${why}` })
  }
  try {
    for (let commits = 0; commits < COMMITS_MAX && snapshot !== undefined && !isEnding(run); commits++) {
      const order = sorts ? tableOrder(snapshot) : undefined
      const due = takePieces(planUpkeep(snapshot, { order, bytesMax: bytesLeft }), bytesLeft)
      // A commit has one order of rows; the other pieces are for the next.
      const pieces = due.filter(({ rows }) => rows === due[0]?.rows).slice(0, PIECES_MAX)
      if (pieces.length === 0) break
      try {
        snapshot = await rewrite(run, snapshot, { pieces, order })
      } catch (error) {
        if (pieces[0]?.rows !== 'sorted' || isEnding(run)) throw error
        // For want of memory or disk: to sort takes both, to copy takes neither.
        warn('rows could not be sorted, so they stay as they lie', error)
        sorts = false
        continue
      }
      bytesLeft -= pieces.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
    }
    return true
  } catch (error) {
    if (isEnding(run)) return true
    warn('its files could not be rewritten', error)
    return false
  }
}

function isEnding({ options: { signal, cut } }: TableRun): boolean {
  return signal?.aborted === true || cut?.aborted === true
}

/** Rewrites the pieces in one commit and gives the table as it is then. */
async function rewrite(
  run: TableRun,
  snapshot: Snapshot,
  { pieces, order }: { readonly pieces: readonly UpkeepPiece[]; readonly order: RowOrder | undefined },
): Promise<Snapshot> {
  const { lake, table, session, options } = run
  // Before files are written that could not be committed.
  assertWritable(snapshot.protocol, snapshot.metadata)
  const startMs = lake.clock.now()
  const signals = [options.signal, options.cut].filter((signal) => signal !== undefined)
  const engine = cutOff(await run.engine.fork(), AbortSignal.any(signals))
  const turn = { end: (): void => undefined }
  const beforeCommit = async (): Promise<void> => {
    turn.end = await session.turns.take()
  }
  try {
    // In a history the place is a column as all others.
    const extraColumns = session.state === undefined ? [] : placeColumns
    // Nobody else's row has this key, and no other version of it this place. A history has many rows of a key.
    const identity =
      session.state === undefined ? {} : { identity: [...table.key, ...extraColumns.map(({ name }) => name)] }
    const rewriteOptions = { extraColumns, ...identity, parameters: { auto: 'true' }, beforeCommit }
    const rows = pieces[0]?.rows
    const clustering =
      order === undefined || rows === 'as they lie'
        ? undefined
        : ({ order, targetBytes: targetBytesOf(snapshot.metadata, {}), as: 'sortBy', isDone: rows === 'kept' } as const)
    const done = await rewriteFiles(engine, lake.clock, { snapshot, bins: pieces, clustering }, rewriteOptions)
    const next = await refreshSnapshot(snapshot)
    if (done.version === undefined) return next
    tellIndex(run, next, { version: done.version, rows: pieces.reduce((sum, { liveRows }) => sum + liveRows, 0) })
    turn.end()
    options.onEvent?.({
      kind: 'kept',
      table: table.name,
      version: done.version,
      filesRemoved: done.removed.length,
      filesAdded: done.added.length,
      bytesAdded: done.added.reduce((sum, { size }) => sum + size, 0),
      ms: lake.clock.now() - startMs,
    })
    // The next batch does it if one came in between.
    if (next.version === done.version) await keepLog(engine, lake.clock, next, { root: lake.root, table: table.name })
    return next
  } finally {
    turn.end()
    await engine.close()
  }
}

/** While the turn is ours: the next batch asks the index. */
function tellIndex(
  run: TableRun,
  snapshot: Snapshot,
  { version, rows }: { readonly version: number; readonly rows: number },
): void {
  const { index } = run.session
  if (index?.open === undefined) return
  // A rewrite leaves no two rows of one key, and brings none back.
  index.batches.add(version)
  if (rows > index.scannedRowsMax) catchUpMeanwhile(run, snapshot)
}
