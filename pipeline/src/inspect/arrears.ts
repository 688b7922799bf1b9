// What is known to be missing from tables: a reader of several of them must not take the newest change of one for what all of them know.
import { readSnapshot, type Snapshot, type Store, TributaryError } from '@tributary/delta/log'
import { parseHistoryNote } from '../history-table/note.ts'
import { type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { resolveTime } from '../query/version-text.ts'
import type { Lake } from '../worker/lake.ts'
import { listLanding } from '../worker/listing.ts'
import type { LandingFile } from '../worker/plan.ts'
import { readStop } from '../worker/stops.ts'
import { findWaiting } from './waiting.ts'

/** What a configured table has not taken in. */
export interface Arrears {
  /** The newest batch of the table, and the newest of which its history has rows. */
  readonly batch: number
  readonly historyBatch: number
  /** Files that wait in the landing; undefined where the landing cannot be read. */
  readonly waitingFiles: number | undefined
  readonly quarantinedRows: number
  /** Whether files after all that gave rows are in quarantine whole: the table went on, its rows did not. */
  readonly endsInQuarantine: boolean
  /** The code of what stopped it. */
  readonly stopped: string | undefined
}

/** How far a version of a table is; undefined where we did not write it. */
export function progressOf({
  domains,
}: Pick<Snapshot, 'domains'>): { readonly batch: number; readonly sourceAt: string | undefined } | undefined {
  const text = domains.get(STATE_DOMAIN)
  if (text === undefined) return undefined
  const { batch, sourceAt } = parseTableState(text)
  return { batch, sourceAt: sourceAt === undefined ? undefined : new Date(resolveTime(sourceAt)).toISOString() }
}

/** The arrears of configured tables by name; one that was never ingested, or was not written by us, has none. Reads no data file. */
export async function readArrears(lake: Lake, tables: readonly string[]): Promise<ReadonlyMap<string, Arrears>> {
  const landing = await listTables(lake)
  const found = new Map<string, Arrears>()
  for (const { name } of lake.config.tables.filter((table) => tables.includes(table.name))) {
    const arrears = await arrearsOf(lake, name, landing?.get(name))
    if (arrears !== undefined) found.set(name, arrears)
  }
  return found
}

/** Whoever builds datasets may not be allowed to read the landing. */
async function listTables(lake: Lake): Promise<ReadonlyMap<string, readonly LandingFile[]> | undefined> {
  try {
    return (await listLanding(lake)).tables
  } catch (error) {
    if (error instanceof TributaryError) return undefined
    throw error
  }
}

async function arrearsOf(
  lake: Lake,
  name: string,
  files: readonly LandingFile[] | undefined,
): Promise<Arrears | undefined> {
  const store = lake.tableStore(name)
  const domains = await readDomains(store)
  const text = domains?.get(STATE_DOMAIN)
  if (text === undefined) return undefined
  const state = parseTableState(text)
  const ledger = await readLedger(store, state.ledger)
  const waiting = files === undefined ? undefined : await findWaiting(lake.landing, files, { state, ledger })
  const quarantinedRows = state.quarantine.reduce((sum, segment) => sum + segment.entries, 0)
  return {
    batch: state.batch,
    historyBatch: parseHistoryNote(domains)?.batch ?? 0,
    waitingFiles: waiting?.files,
    quarantinedRows,
    endsInQuarantine: quarantinedRows > 0 && endsInQuarantine(ledger, state),
    stopped: (await readStop(lake.root, name))?.code,
  }
}

/** Undefined where only the history of the table is left, or nothing yet. */
async function readDomains(store: Store): Promise<Snapshot['domains'] | undefined> {
  try {
    return (await readSnapshot(store)).domains
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

function endsInQuarantine(ledger: readonly LedgerEntry[], { generation }: TableState): boolean {
  const files = ledger.filter((entry) => entry.generation === generation && entry.kind !== 'replay')
  const newest = (entries: readonly LedgerEntry[]): string =>
    entries.reduce((place, entry) => (entry.place > place ? entry.place : place), '')
  const gave = files.filter(({ read, quarantined }) => read > quarantined)
  return newest(files.filter(({ quarantined }) => quarantined > 0)) > newest(gave)
}
