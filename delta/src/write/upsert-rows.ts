import type { Engine } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/sql.ts'
import type { EngineValue, Row } from '../duckdb/values.ts'
import { rowInvalid } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { pickFields } from '../read/scan.ts'
import { type ColumnBounds, filesThatMayHold } from '../read/skipping.ts'
import { changeRowsActions } from './change-rows.ts'
import type { FileDeletions } from './deletion-vector-actions.ts'
import { locateRows, type RowCondition } from './locate-rows.ts'
import { type NewRows, stageRows } from './stage-rows.ts'
import { type StagedRows, stageTableRows } from './table-rows.ts'
import { commitTransaction } from './transaction.ts'
import { metadataAction, type WriteOutcome, type WriteWork, withCounts } from './write-rows.ts'

/** Rows that replace those of the same key, or are added where there is none. */
export interface UpsertRequest {
  /** Columns that tell rows apart. No change may have NULL in them, and no two changes the same key. */
  readonly key: readonly string[]
  /** Whole rows: a column that is left out gets its default, or NULL. */
  readonly changes: NewRows
}

/**
 * Replace rows by key. Follows winners row by row: it conflicts only when somebody else took away or added a row of the same key.
 * Throws `ROW_INVALID`, `COLUMN_NOT_FOUND`, and what `writeTableRows` throws.
 */
export async function upsertRows(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  { key, changes }: UpsertRequest,
): Promise<WriteOutcome> {
  const columns = pickFields(snapshot.schema, key).map(({ name }) => name)
  if (columns.length === 0) throw rowInvalid('no key columns are named')
  const relation = await stageRows(engine, snapshot.schema, changes)
  const staged = await stageTableRows(engine, snapshot, { relation })
  if (staged.count === 0) return { kind: 'unchanged', version: snapshot.version }
  await assertUniqueKeys(engine, staged, columns)
  const condition = keyCondition(staged, columns)
  const files = await filesOfKeys(engine, snapshot, { staged, columns })
  const gone = await locateRows(engine, snapshot, files, condition)
  const updated = countRows(gone)
  const actions = await changeRowsActions(engine, clock, {
    snapshot,
    gone,
    fresh: { relation: staged.relation, key: columns },
  })
  const findIn = (candidates: readonly AddFile[]): Promise<readonly FileDeletions[]> =>
    locateRows(engine, snapshot, candidates, condition)
  const counts = { inserted: staged.count - updated, updated, deleted: 0 }
  const outcome = await commitTransaction(clock, {
    snapshot,
    actions: [...metadataAction(staged.metadata), ...actions],
    info: {
      operation: 'MERGE',
      operationParameters: { predicate: JSON.stringify(columns.map((name) => `target.${name} = source.${name}`)) },
      operationMetrics: {
        numSourceRows: String(staged.count),
        numTargetRowsInserted: String(counts.inserted),
        numTargetRowsUpdated: String(counts.updated),
      },
    },
    reads: { kind: 'rows', areIn: async (candidates) => (await findIn(candidates)).length > 0 },
    moves: { relocate: findIn },
  })
  return withCounts(outcome, counts)
}

/** How many rows the deletions take away. */
export function countRows(deletions: readonly FileDeletions[]): number {
  return deletions.reduce((sum, { positions }) => sum + Array.from(positions).length, 0)
}

function keyCondition({ relation }: StagedRows, key: readonly string[]): RowCondition {
  const names = key.map(quoteName)
  const own = names.map((name) => `t.${name}`).join(', ')
  // One column compared by value and several as a record: DuckDB turns both into a hash join.
  const sql =
    names.length === 1
      ? `${own} IN (SELECT ${names[0]} FROM (${relation}))`
      : `(${own}) IN (SELECT (${names.join(', ')}) FROM (${relation}))`
  return { sql, columns: key }
}

async function assertUniqueKeys(engine: Engine, { relation }: StagedRows, key: readonly string[]): Promise<void> {
  const names = key.map(quoteName)
  const [empty] = await engine.all(
    `SELECT ${names.join(', ')} FROM (${relation}) WHERE ${names.map((name) => `${name} IS NULL`).join(' OR ')} LIMIT 1`,
  )
  if (empty !== undefined) throw rowInvalid(`a change has NULL in its key ${keyText(empty)}`)
  const [twice] = await engine.all(
    `SELECT ${names.join(', ')} FROM (${relation}) GROUP BY ALL HAVING count(*) > 1 LIMIT 1`,
  )
  if (twice !== undefined)
    throw rowInvalid(`two changes have the key ${keyText(twice)}, and nothing says which is newer`)
}

function keyText(row: Row): string {
  return `(${Object.entries(row)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join(', ')})`
}

async function filesOfKeys(
  engine: Engine,
  snapshot: Snapshot,
  { staged, columns }: { readonly staged: StagedRows; readonly columns: readonly string[] },
): Promise<readonly AddFile[]> {
  const items = columns.flatMap((name, index) => [
    `min(${quoteName(name)}) AS min${index}`,
    `max(${quoteName(name)}) AS max${index}`,
  ])
  const [row = {}] = await engine.all(`SELECT ${items.join(', ')} FROM (${staged.relation})`)
  const bounds = columns.flatMap((column, index): readonly ColumnBounds[] => {
    const [min, max] = [boundOf(row[`min${index}`]), boundOf(row[`max${index}`])]
    return min === undefined || max === undefined ? [] : [{ column, min, max }]
  })
  return filesThatMayHold(snapshot, bounds)
}

function boundOf(value: EngineValue | undefined): ColumnBounds['min'] | undefined {
  // NaN is the greatest number to DuckDB, and statistics leave it out.
  const isPlain =
    typeof value === 'bigint' || typeof value === 'string' || (typeof value === 'number' && !Number.isNaN(value))
  return isPlain ? value : undefined
}
