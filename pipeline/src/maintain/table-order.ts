import { type RowOrder, rowOrderOf, type Snapshot } from '@tributary/delta'
import { stateOf } from './sidecars.ts'

/**
 * The order in which upkeep lays the rows of a table that we feed: that of the columns by which the table says it is clustered, else of its
 * key. Undefined for all other tables. Throws `LEDGER_FORMAT_UNKNOWN`, `TABLE_STATE_CORRUPT`.
 */
export function tableOrder(snapshot: Snapshot): RowOrder | undefined {
  const key = stateOf(snapshot)?.key
  return key === undefined ? undefined : rowOrderOf(snapshot, key)
}
