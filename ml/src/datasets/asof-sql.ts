// The newest row that was known at a time. The other side is first made a timeline: one row for each time at which the answer changes,
// so that ties in DuckDB's ASOF join, which it breaks by where rows happen to lie, cannot occur.
import { quoteName, quoteText } from '@tributary/delta'
import { REFRESHED } from '../features/served-rows.ts'
import type { On } from './definition-schema.ts'
import { AT, microsSql, onSql, ROW_NUMBER, SPINE, theirsSql } from './join-sql.ts'
import { STATE } from './states.ts'

/** What to join, and how old it may be. */
export interface AsofRequest {
  readonly on: On
  /** Column of the other table, and what it is called in the dataset. */
  readonly columns: readonly { readonly from: string; readonly to: string }[]
  readonly delayMs: number
  readonly maxAgeMs: number | undefined
  /** Gets the time since when the value was known. */
  readonly knownColumn: string
  /** A timeline of the times that all rows are as of: then these tell how old a value is, and not when it was written. */
  readonly refreshes?: string
}

/** A SELECT of the spine's row number, the columns, and since when they were known; `timeline` is a table or subquery. */
export function asofSql(
  timeline: string,
  { on, columns, delayMs, maxAgeMs, knownColumn, refreshes }: AsofRequest,
): string {
  const known = refreshes === undefined ? 't."__known"' : 'coalesce(r."__as_of", t."__known")'
  const isUsable =
    maxAgeMs === undefined
      ? 't."__live"'
      : `t."__live" AND ${microsSql(`s.${quoteName(AT)}`)} <= ${microsSql(known, { plusMs: maxAgeMs })}`
  const values = columns.map(
    ({ from, to }) => `CASE WHEN ${isUsable} THEN t.${quoteName(from)} END AS ${quoteName(to)}`,
  )
  const isKnown = (side: string): string =>
    `${microsSql(`s.${quoteName(AT)}`)} >= ${microsSql(`${side}."__from"`, { plusMs: delayMs })}`
  return `SELECT s.${quoteName(ROW_NUMBER)}, ${values.join(', ')}, CASE WHEN ${isUsable} THEN ${known} END AS ${quoteName(knownColumn)}
    FROM ${quoteName(SPINE)} s ASOF LEFT JOIN (${timeline}) t ON ${onSql(on, { ours: 's', theirs: 't' })} AND ${isKnown('t')}
    ${refreshes === undefined ? '' : `ASOF LEFT JOIN (${refreshes}) r ON ${isKnown('r')}`}`
}

/** The timeline of a table joined by its key: its states as they are. */
export function keyTimeline(states: string, columns: readonly string[]): string {
  return `SELECT ${columns.map(quoteName).join(', ')}, "__from", "__from" AS "__known", "__live" FROM ${quoteName(states)}`
}

/**
 * The timeline of a table joined by other columns: at each time the row that became known last, among those that are live then. It changes
 * when a row becomes known, and when the last known one goes; then one that was known before it is the newest again.
 */
export function groupTimeline(
  states: string,
  { on, columns }: { readonly on: On; readonly columns: readonly string[] },
): string {
  const group = theirsSql(on)
  const names = columns.map(quoteName).join(', ')
  const isSameGroup = (other: string): string =>
    on.map(({ theirs }) => `e.${quoteName(theirs)} = ${other}.${quoteName(theirs)}`).join(' AND ')
  const isKnown = on.map(({ theirs }) => `${quoteName(theirs)} IS NOT NULL`).join(' AND ')
  const order = quoteName(STATE.order)
  return `
    WITH live AS (SELECT ${names}, "__from", "__until", ${order} FROM ${quoteName(states)} WHERE "__live" AND ${isKnown}),
    -- Few rows of a group become known at one time; only these are compared, and the last of them counts.
    tied AS MATERIALIZED (
      SELECT ${group}, "__from" AS tied_from, max(${order}) AS newest FROM live GROUP BY ALL HAVING count(*) > 1
    ),
    starts AS MATERIALIZED (
      SELECT e.* FROM live e LEFT JOIN tied n ON ${isSameGroup('n')} AND n.tied_from = e."__from"
      WHERE coalesce(e.${order} = n.newest, true)
    ),
    -- Where a row becomes known just then, that one is the newest.
    gone AS (
      SELECT e.* FROM live e ANTI JOIN live n ON ${isSameGroup('n')} AND n."__from" = e."__until" WHERE e."__until" IS NOT NULL
    ),
    -- A row that goes while a newer one is live was not the newest: most rows that are purged go so.
    ends AS (
      SELECT DISTINCT ${theirsSql(on, 'e')}, e."__until" AS ended
      FROM gone e
      ASOF LEFT JOIN starts n ON ${isSameGroup('n')} AND e."__until" >= n."__from"
      WHERE NOT coalesce(n."__from" > e."__from" AND coalesce(n."__until" > e."__until", true), false)
    ),
    after_ends AS (
      SELECT ${theirsSql(on, 'e')}, e.ended, arg_max(p, {f: p."__from", o: p.${order}}) AS newest
      FROM ends e LEFT JOIN live p ON ${isSameGroup('p')} AND p."__from" < e.ended AND coalesce(p."__until" > e.ended, true)
      GROUP BY ALL
    )
    SELECT ${names}, "__from", "__from" AS "__known", true AS "__live" FROM starts
    UNION ALL BY NAME
    SELECT ${columns.map((column) => (isJoined(on, column) ? quoteName(column) : `newest.${quoteName(column)} AS ${quoteName(column)}`)).join(', ')},
      ended AS "__from", newest."__from" AS "__known", newest IS NOT NULL AS "__live" FROM after_ends`
}

function isJoined(on: On, column: string): boolean {
  return on.some(({ theirs }) => theirs === column)
}

/** The timeline of feature values as they were served: the last that was written for each time. */
export function servedTimeline(
  rows: string,
  {
    on,
    columns,
    order,
    liveSql,
  }: { readonly on: On; readonly columns: readonly string[]; readonly order: string; readonly liveSql: string },
): string {
  return `SELECT ${columns.map(quoteName).join(', ')}, "__served_at" AS "__from", "__served_at" AS "__known", ${liveSql} AS "__live"
    FROM (${rows}) QUALIFY row_number() OVER (PARTITION BY ${theirsSql(on)}, "__served_at" ORDER BY ${order}) = 1`
}

/** The times that the rows of a stored feature were as of, from each of its refreshes on. */
export function refreshTimeline(rows: string): string {
  return `SELECT "__served_at" AS "__from", arg_max("__as_of", "__version") AS "__as_of" FROM (${rows}) WHERE "__op" = ${quoteText(REFRESHED)} GROUP BY ALL`
}
