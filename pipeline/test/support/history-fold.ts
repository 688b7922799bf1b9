// What a history table says that the live table is: the last change of each key.
import { type Engine, type Snapshot, scanSql } from '@tributary/delta'
import { historyNameOf } from '../../src/history-table/history-name.ts'
import { historyOrderSql } from '../../src/history-table/history-shape.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { type ColumnType, quotedName } from './values.ts'
import { canonicalRelation, snapshotOf } from './workplace.ts'

type Columns = readonly { readonly name: string; readonly type: ColumnType }[]

/** The newest snapshot of a table's history. */
export function historyOf(lake: Lake, table: string): Promise<Snapshot | undefined> {
  return snapshotOf(lake, historyNameOf(table))
}

/** The rows that the changes in a history lead to, as canonical texts, in an order (an ORDER BY list): law 2's if it is left out. */
export async function foldedRows(
  engine: Engine,
  history: Snapshot | undefined,
  {
    key,
    columns,
    order = historyOrderSql(),
  }: { readonly key: readonly string[]; readonly columns: Columns; readonly order?: string },
): Promise<readonly string[]> {
  if (history === undefined) return []
  const keys = key.map(quotedName).join(', ')
  const ranked = `SELECT *, row_number() OVER (PARTITION BY ${keys} ORDER BY ${order}) AS "__at",
    count(*) OVER (PARTITION BY ${keys}) AS "__n" FROM (${await scanSql(engine, history)})`
  const sql = `SELECT * FROM (${ranked}) WHERE "__at" = "__n" AND "__op" <> 'D'`
  return canonicalRelation(engine, { sql, schema: history.schema }, columns)
}

/** Whether load rows came after changes of their generation, of which law 2 says that they are newer. */
export async function hasLateLoad(engine: Engine, history: Snapshot | undefined): Promise<boolean> {
  if (history === undefined) return false
  const [row] = await engine.all(`SELECT coalesce(bool_or(loaded > changed), false) AS late FROM (
    SELECT max("__batch") FILTER ("__op" = 'L') AS loaded, min("__batch") FILTER ("__op" <> 'L') AS changed
    FROM (${await scanSql(engine, history)}) GROUP BY "__generation")`)
  return row?.['late'] === true
}
