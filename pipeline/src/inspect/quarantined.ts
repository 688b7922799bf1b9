import { readSnapshot, type Store, TributaryError } from '@tributary/delta'
import { type QuarantinedRow, readQuarantine } from '../ledger/quarantine.ts'
import { parseTableState, STATE_DOMAIN } from '../ledger/table-state.ts'
import type { Lake } from '../worker/lake.ts'

/** How many rows of a table wait in quarantine, and from how many landing files. */
export interface QuarantineCount {
  readonly table: string
  readonly rows: number
  readonly files: number
}

/** The configured tables that have rows in quarantine. */
export async function listQuarantine(lake: Lake): Promise<readonly QuarantineCount[]> {
  const counts: QuarantineCount[] = []
  for (const { name } of lake.config.tables) {
    const rows = await readQuarantinedIfAny(lake.tableStore(name))
    if (rows.length > 0)
      counts.push({ table: name, rows: rows.length, files: new Set(rows.map((row) => row.file)).size })
  }
  return counts
}

/** The rows of one table that wait, oldest first; none where another program writes the table. Throws `TABLE_NOT_FOUND`, `SEGMENT_LOST`, `SEGMENT_CORRUPT`. */
export async function readQuarantined(store: Store): Promise<readonly QuarantinedRow[]> {
  const text = (await readSnapshot(store)).domains.get(STATE_DOMAIN)
  return text === undefined ? [] : readQuarantine(store, parseTableState(text).quarantine)
}

async function readQuarantinedIfAny(store: Store): Promise<readonly QuarantinedRow[]> {
  try {
    return await readQuarantined(store)
  } catch (error) {
    // Nothing has flowed into it yet.
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return []
    throw error
  }
}
