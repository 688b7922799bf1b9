// What was known of each row, and from when until when. A history table holds every change; a state is what the newest change known so far
// says, so a change begins a state and ends the one before:
//
//     changes of a key     I at 10:00      U at 10:05          D at 11:00
//     states               [10:00, 10:05)  [10:05, 11:00)      [11:00, ∞) not live
//
// By the source's clock a change is known when the source committed it. By the lake's it is known when our commit was written; then a
// change that comes late but is older than one already known begins no state.
import { type Engine, quoteName } from '@tributary/delta'
import { HISTORY_COLUMNS, historyTimeOrderSql } from '@tributary/pipeline'
import type { Definition } from './definition.ts'
import { type Source, sourceSql } from './sources.ts'

/** Names of the columns that a table of states has beside the table's own. */
export const STATE = { from: '__from', until: '__until', isLive: '__live', order: '__order' } as const

/** What of a history is wanted. */
export interface StatesRequest {
  readonly columns: readonly string[]
  readonly knownAt: Definition['knownAt']
}

/** The newest change first. */
export const NEWEST_FIRST: string = historyTimeOrderSql({ isNewestFirst: true })
/** Columns of a history beside those of its table. */
export const SYSTEM: readonly string[] = HISTORY_COLUMNS.map(({ name }) => name)

/** Puts the states of a history into a temporary table of the engine. */
export async function stageStates(
  engine: Engine,
  table: string,
  source: Source,
  { columns, knownAt }: StatesRequest,
): Promise<void> {
  const key = source.key.map(quoteName).join(', ')
  const wanted = [...new Set([...source.key, ...columns])]
  // Sorted, and numbered as they stream by: a window over all rows would take each column through its own sort.
  const sorted = `SELECT ${wanted.map(quoteName).join(', ')}, "__op", ${knownSql(knownAt, key)} AS "__known"
    FROM (${await sourceSql(engine, source, [...wanted, ...SYSTEM])}) ORDER BY ${historyTimeOrderSql()}`
  const changes = `SELECT *, row_number() OVER () AS ${quoteName(STATE.order)} FROM (${sorted})`
  // Of the changes that became known at one time the highest stays; it is the last of them, so its successor has another time.
  await engine.run(`CREATE TEMP TABLE ${quoteName(table)} AS
    SELECT ${wanted.map(quoteName).join(', ')}, ${quoteName(STATE.order)}, "__known" AS ${quoteName(STATE.from)},
      ${quoteName(STATE.until)}, "__op" <> 'D' AS ${quoteName(STATE.isLive)}
    FROM (
      SELECT *, lead("__known") OVER (PARTITION BY ${key} ORDER BY "__known", ${quoteName(STATE.order)}) AS ${quoteName(STATE.until)}
      FROM (${knownAt.clock === 'source' && !knownAt.trustsLoad ? changes : newestSql(changes, key)})
    )
    WHERE ${quoteName(STATE.until)} IS DISTINCT FROM "__known"`)
}

/** When a change counts as known. */
export function knownSql({ clock, trustsLoad }: Definition['knownAt'], key: string): string {
  const source = 'coalesce("__source_at", "__committed_at")'
  const known =
    clock === 'source' ? source : clock === 'lake' ? '"__committed_at"' : `greatest(${source}, "__committed_at")`
  if (!trustsLoad) return known
  // A loaded row was there before the load: since when, nobody knows.
  return `CASE WHEN "__op" = 'L' AND row_number() OVER (PARTITION BY ${key} ORDER BY ${historyTimeOrderSql()}) = 1
    THEN TIMESTAMPTZ '0001-01-01 00:00:00+00' ELSE ${known} END`
}

/** Changes that are newer than all that were known before them. */
function newestSql(changes: string, key: string): string {
  return `SELECT * FROM (${changes}) QUALIFY ${quoteName(STATE.order)} = max(${quoteName(STATE.order)}) OVER
    (PARTITION BY ${key} ORDER BY "__known", ${quoteName(STATE.order)} ROWS UNBOUNDED PRECEDING)`
}
