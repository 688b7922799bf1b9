// The columns of a history table, and the order of its rows.
import { quoteName, type StructType } from '@tributary/delta'
import { columnReserved } from '../errors.ts'

/** What a history row has beside the columns of the live table. */
export const HISTORY_COLUMNS = [
  { name: '__op', type: 'string' },
  { name: '__source_at', type: 'timestamp' },
  { name: '__seq', type: 'string' },
  { name: '__generation', type: 'long' },
  { name: '__batch', type: 'long' },
  { name: '__committed_at', type: 'timestamp' },
  { name: '__file', type: 'string' },
  { name: '__row', type: 'long' },
] as const

/** The schema of the history of a table with this schema. Throws `COLUMN_RESERVED` when a column has a name of ours. */
export function historySchemaOf(table: string, live: StructType): StructType {
  const ours = new Set<string>(HISTORY_COLUMNS.map(({ name }) => name))
  const taken = live.fields.find(({ name }) => ours.has(name.toLowerCase()))
  if (taken !== undefined) throw columnReserved(`the history (history: true)`, table, taken.name)
  const plain = live.fields.map((field) => ({ ...field, nullable: true }))
  const added = HISTORY_COLUMNS.map((column) => ({ ...column, nullable: true, metadata: {} }))
  return { type: 'struct', fields: [...plain, ...added] }
}

/** How an order is written down. */
export interface HistoryOrder {
  /** The relation whose columns are meant. */
  readonly alias?: string
  readonly isNewestFirst?: boolean
}

/**
 * ORDER BY list that puts the changes of a key in the order of `__source_at`, those of one time in the order of law 2: for what was known at
 * a time. It ends as `historyOrderSql` does, but for late files of a table whose changes have a sequence and no time of their own, and for load
 * files that came in a later batch than changes of their generation.
 */
export function historyTimeOrderSql(order: HistoryOrder = {}): string {
  return orderSql([columnSql('__source_at', order), ...termsOf(order)], order)
}

/**
 * ORDER BY list that puts the changes of a key in a history table from first to last, as the live table takes them (law 2): what came last
 * in it is what the live table holds, and a delete means that it holds nothing.
 */
export function historyOrderSql(order: HistoryOrder = {}): string {
  return orderSql(termsOf(order), order)
}

function termsOf(order: HistoryOrder): readonly string[] {
  const file = columnSql('__file', order)
  return [
    columnSql('__generation', order),
    `${columnSql('__op', order)} <> 'L'`,
    columnSql('__seq', order),
    `regexp_extract(${file}, '[^/]*$')`,
    file,
    columnSql('__row', order),
    columnSql('__batch', order),
  ]
}

function columnSql(name: string, { alias }: HistoryOrder): string {
  return alias === undefined ? quoteName(name) : `${alias}.${quoteName(name)}`
}

function orderSql(terms: readonly string[], { isNewestFirst }: HistoryOrder): string {
  return terms.map((term) => `${term} ${isNewestFirst === true ? 'DESC NULLS LAST' : 'NULLS FIRST'}`).join(', ')
}
