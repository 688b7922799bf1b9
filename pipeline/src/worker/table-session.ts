import { followSnapshot, readSnapshot, type Snapshot, type Store, TributaryError } from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import { historyNameOf } from '../history-table/history-name.ts'
import { forgetCovered, holdIndex, type IndexHolder, type IndexPlace } from '../key-index/index-folder.ts'
import { type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { type CommitTurns, commitTurns } from './commit-turns.ts'
import type { Lake } from './lake.ts'
import type { HashedFiles } from './look-up.ts'

/** What is known of a table's history between two batches. */
export interface HistorySession {
  readonly store: Store
  snapshot: Snapshot | undefined
  /** As that of the table. */
  ownCommit: string | undefined
  /** Its newest batch; undefined before it was looked at. */
  batch: number | undefined
  /** The newest batch whose files were written here: they need not be looked for. */
  written: number
}

/** What is known of a table between two batches of one run. Everything in it can be read again from the table. */
export interface TableSession {
  readonly store: Store
  snapshot: Snapshot | undefined
  state: TableState | undefined
  /** The transaction id of what was committed on top of the snapshot here; undefined when the snapshot has it. */
  ownCommit: string | undefined
  ledger: readonly LedgerEntry[]
  readonly segments: Map<string, readonly LedgerEntry[]>
  readonly hashed: HashedFiles
  /** Its key index; undefined where none is kept. */
  readonly index: IndexHolder | undefined
  /** A batch has the turn from its look at the table to its commit. */
  readonly turns: CommitTurns
  /** Undefined for a table that keeps no history. */
  readonly history?: HistorySession
}

/** Before it was looked at. */
const NO_HISTORY = { snapshot: undefined, ownCommit: undefined, batch: undefined, written: 0 }

/** A session of a configured table, with its history where it keeps one. */
export function openTableSession(
  { tableStore }: Pick<Lake, 'tableStore'>,
  { name, history }: Pick<TableConfig, 'name' | 'history'>,
  place?: IndexPlace,
): TableSession {
  const session = openSession(tableStore(name), place)
  if (!history) return session
  return {
    ...session,
    history: { store: tableStore(historyNameOf(name)), ...NO_HISTORY },
  }
}

/** Starts with nothing read. */
export function openSession(store: Store, place?: IndexPlace): TableSession {
  const index = place === undefined ? undefined : holdIndex(place, store.url)
  return {
    store,
    snapshot: undefined,
    state: undefined,
    ownCommit: undefined,
    ledger: [],
    segments: new Map(),
    hashed: new Map(),
    index,
    turns: commitTurns(),
  }
}

/** Brings the session to the table's newest version; a table that does not exist yet has no snapshot. */
export async function refreshSession(session: TableSession): Promise<void> {
  const snapshot = await newestSnapshot(session)
  if (snapshot === session.snapshot) return
  const text = snapshot?.domains.get(STATE_DOMAIN)
  const state = text === undefined ? undefined : parseTableState(text)
  const ledger = await readLedger(session.store, state?.ledger ?? [], session.segments)
  // All of it or nothing: a snapshot beside the ledger of an older one takes files in twice.
  Object.assign(session, { snapshot, state, ledger, ownCommit: undefined })
}

async function newestSnapshot(session: TableSession): Promise<Snapshot | undefined> {
  const { store, snapshot, ownCommit } = session
  try {
    const next = snapshot === undefined ? undefined : await followSnapshot(snapshot, { ownCommit })
    if (next !== undefined) return next
    if (snapshot !== undefined) await forgetTable(session)
    return await readSnapshot(store)
  } catch (error) {
    // The first batch creates the table.
    if (!(error instanceof TributaryError) || error.code !== 'TABLE_NOT_FOUND') throw error
    if (snapshot !== undefined) await forgetTable(session)
    return undefined
  }
}

/** The table may be another one under its name: it was put back from a backup, or deleted and made anew. What is read is read as at the start. */
async function forgetTable({ index, history }: TableSession): Promise<void> {
  if (index !== undefined) {
    // What is under way brings the index to a version of before.
    await index.building
    forgetCovered(index)
  }
  if (history !== undefined) Object.assign(history, NO_HISTORY)
}
