// `shop.orders__periods`: the history as periods, in which a row was as it says (SCD2).
import { quoteName } from '@tributary/delta'
import { historyNameOf } from '../history-table/history-name.ts'
import { historyTimeOrderSql } from '../history-table/history-shape.ts'

const SUFFIX = '__periods'

/** The table of whose history a name asks the periods; undefined for any other name. */
export function tableOfPeriods(name: string): { readonly table: string; readonly history: string } | undefined {
  if (!name.endsWith(SUFFIX)) return undefined
  const table = name.slice(0, -SUFFIX.length)
  return { table, history: historyNameOf(table) }
}

/**
 * SELECT of the periods of a history, which is `rows`: `__valid_from` is in the period and `__valid_to`, NULL for now, is not. A delete ends
 * a period and begins none; of changes at one time the last counts.
 */
export function periodsSql(rows: string, key: readonly string[]): string {
  const next = `lead("__source_at") OVER (PARTITION BY ${key.map(quoteName).join(', ')} ORDER BY ${historyTimeOrderSql()})`
  return `SELECT * FROM (SELECT *, "__source_at" AS "__valid_from", ${next} AS "__valid_to" FROM (${rows}))
    WHERE "__op" <> 'D' AND ("__valid_to" IS NULL OR "__valid_to" > "__valid_from")`
}
