// `status` answers from the log, the ledger and a listing. It never opens a data file and never loads DuckDB.
import { readSnapshot, type Snapshot, TributaryError } from '@tributary/delta/log'
import { type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { parseTime } from '../query/time-text.ts'
import { groupIgnored, type IgnoredFiles } from '../worker/ignored-files.ts'
import type { Lake } from '../worker/lake.ts'
import { listLanding } from '../worker/listing.ts'
import type { LandingFile } from '../worker/plan.ts'
import { readStop, type StopNote } from '../worker/stops.ts'
import { type Freshness, judgeFreshness } from './freshness.ts'
import { type RecentChanges, readRecentChanges } from './recent-changes.ts'
import { sizeOf, type TableSize } from './table-size.ts'
import { findWaiting } from './waiting.ts'

/** One word for how a table is: `stuck` beats `new` beats `behind`; all applied is `live`, or `quiet` without a recent commit. */
export type TableStateWord = 'live' | 'quiet' | 'behind' | 'stuck' | 'new'

/** A configured table as it is now. What a table that does not exist yet cannot have is null. */
export interface TableStatus {
  readonly table: string
  readonly state: TableStateWord
  readonly version: number | null
  readonly committedAt: string | null
  readonly size: TableSize | null
  readonly generation: number | null
  readonly waiting: { readonly files: number; readonly sizeBytes: number; readonly oldestAt: string | null }
  /** Rows that wait in quarantine. */
  readonly quarantinedRows: number
  readonly stopped: { readonly code: string; readonly message: string; readonly at: string | null } | null
  readonly leftoverLoads: readonly string[]
  /** Landing files that came too late for their generation: taken note of, not applied. */
  readonly supersededFiles: readonly string[]
  /** Commit time at the source of the newest change taken in. */
  readonly sourceAt: string | null
  /** Now minus `sourceAt`; below zero when the clocks differ. */
  readonly lagMs: number | null
  readonly lastHour: RecentChanges | null
  /** Null without a target (`freshness`). */
  readonly freshness: Freshness | null
}

/** All tables of a lake; the `--json` of `status`, whose schema is published. */
export interface LakeStatus {
  readonly schema: 'tributary.status/1'
  readonly at: string
  readonly tables: readonly TableStatus[]
  readonly unconfigured: readonly { readonly table: string; readonly files: number }[]
  /** Files of the landing that are taken for none of a table's. */
  readonly ignored: readonly IgnoredFiles[]
}

/** A commit within this time makes a table with nothing waiting `live`. */
const LIVE_MS = 15 * 60_000

/** Reads the status of all configured tables. A table that cannot be read is `stuck`, with the error; the others are shown. */
export async function readStatus(lake: Lake): Promise<LakeStatus> {
  const listing = await listLanding(lake)
  const nowMs = lake.clock.now()
  const tables = await Promise.all(
    lake.config.tables.map(async ({ name, freshnessMs }) => {
      const status = await readTableStatus(lake, name, listing.tables.get(name) ?? [])
      return { ...status, freshness: judgeFreshness(status, { targetMs: freshnessMs, nowMs }) }
    }),
  )
  return {
    schema: 'tributary.status/1',
    at: isoTime(nowMs),
    tables,
    unconfigured: [...listing.unconfigured].map(([table, files]) => ({ table, files })),
    ignored: groupIgnored(listing),
  }
}

async function readTableStatus(lake: Lake, name: string, files: readonly LandingFile[]): Promise<TableStatus> {
  const stop = await readStop(lake.root, name)
  try {
    return await describeTable(lake, { name, files, stop })
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error
    const stopped = { code: error.code, message: error.message, at: stop?.code === error.code ? stop.at : null }
    return {
      ...absentTable(name),
      state: 'stuck',
      stopped,
      waiting: { files: files.length, ...sumOf(files), oldestAt: null },
    }
  }
}

async function describeTable(
  lake: Lake,
  {
    name,
    files,
    stop,
  }: { readonly name: string; readonly files: readonly LandingFile[]; readonly stop: StopNote | undefined },
): Promise<TableStatus> {
  const store = lake.tableStore(name)
  const nowMs = lake.clock.now()
  const snapshot = await readSnapshotIfAny(lake, name)
  const state = stateOf(snapshot)
  const ledger = await readLedger(store, state?.ledger ?? [])
  const { oldestMs, leftoverLoads, ...waiting } = await findWaiting(lake.landing, files, { state, ledger })
  const base: TableStatus = {
    ...absentTable(name),
    waiting: { ...waiting, oldestAt: oldestMs === null ? null : isoTime(oldestMs) },
    leftoverLoads,
    stopped: stop ?? null,
    state: stop === undefined ? 'new' : 'stuck',
  }
  if (snapshot === undefined) return base
  const sourceMs = parseTime(state?.sourceAt ?? '')
  return {
    ...base,
    state: wordOf({ stop, waitingFiles: waiting.files, commitAgeMs: nowMs - snapshot.timestampMs }),
    version: snapshot.version,
    committedAt: isoTime(snapshot.timestampMs),
    size: sizeOf(snapshot),
    generation: state?.generation ?? null,
    quarantinedRows: (state?.quarantine ?? []).reduce((sum, segment) => sum + segment.entries, 0),
    supersededFiles: ledger.filter((entry) => isSuperseded(entry, state)).map((entry) => entry.key),
    sourceAt: state?.sourceAt ?? null,
    lagMs: sourceMs === undefined ? null : nowMs - sourceMs,
    lastHour: await readRecentChanges(store, { nowMs, minutes: 60 }),
  }
}

async function readSnapshotIfAny(lake: Lake, name: string): Promise<Snapshot | undefined> {
  try {
    return await readSnapshot(lake.tableStore(name))
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

function stateOf(snapshot: Snapshot | undefined): TableState | undefined {
  const text = snapshot?.domains.get(STATE_DOMAIN)
  return text === undefined ? undefined : parseTableState(text)
}

function wordOf(table: {
  readonly stop: StopNote | undefined
  readonly waitingFiles: number
  readonly commitAgeMs: number
}): TableStateWord {
  if (table.stop !== undefined) return 'stuck'
  if (table.waitingFiles > 0) return 'behind'
  return table.commitAgeMs <= LIVE_MS ? 'live' : 'quiet'
}

/** A CDC file that came when its generation was over: counted, and none of its rows applied. */
function isSuperseded(entry: LedgerEntry, state: TableState | undefined): boolean {
  const isChanges = entry.kind === 'cdc' || entry.kind === 'transactions'
  const isOld = state !== undefined && entry.generation < state.generation && entry.place <= state.closedPlace
  return isChanges && isOld && entry.read > 0 && entry.superseded === entry.read
}

function absentTable(table: string): TableStatus {
  return {
    table,
    state: 'new',
    version: null,
    committedAt: null,
    size: null,
    generation: null,
    waiting: { files: 0, sizeBytes: 0, oldestAt: null },
    quarantinedRows: 0,
    stopped: null,
    leftoverLoads: [],
    supersededFiles: [],
    sourceAt: null,
    lagMs: null,
    lastHour: null,
    freshness: null,
  }
}

function sumOf(files: readonly LandingFile[]): { readonly sizeBytes: number } {
  return { sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
