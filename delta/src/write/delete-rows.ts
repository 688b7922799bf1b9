import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { type Filter, filterColumns, filterSql } from '../read/filter.ts'
import { filterFiles } from '../read/filter-files.ts'
import { changeRowsActions } from './change-rows.ts'
import type { FileDeletions } from './deletion-vector-actions.ts'
import { locateRows } from './locate-rows.ts'
import { commitTransaction } from './transaction.ts'
import { countRows } from './upsert-rows.ts'
import { type WriteOutcome, type WriteWork, withCounts } from './write-rows.ts'

/**
 * Delete the rows that a filter finds. Follows winners row by row, as an upsert does.
 * Throws `TABLE_APPEND_ONLY`, `COLUMN_NOT_FOUND`, and what scanning and writing throw.
 */
export async function deleteRows(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  filter: Filter,
): Promise<WriteOutcome> {
  const condition = { sql: filterSql(filter, snapshot.schema), columns: filterColumns(filter, snapshot.schema) }
  const findIn = (candidates: readonly AddFile[]): Promise<readonly FileDeletions[]> =>
    locateRows(engine, snapshot, candidates, condition)
  const gone = await findIn(filterFiles(snapshot, filter))
  const deleted = countRows(gone)
  if (deleted === 0) return { kind: 'unchanged', version: snapshot.version }
  const outcome = await commitTransaction(clock, {
    snapshot,
    actions: await changeRowsActions(engine, clock, { snapshot, gone }),
    info: {
      operation: 'DELETE',
      operationParameters: { predicate: JSON.stringify([condition.sql]) },
      operationMetrics: { numDeletedRows: String(deleted) },
    },
    reads: { kind: 'rows', areIn: async (candidates) => (await findIn(candidates)).length > 0 },
    moves: { relocate: findIn },
  })
  return withCounts(outcome, { inserted: 0, updated: 0, deleted })
}
