// Rows that left and rows that came, paired by key: a pair is an update. Windows put NULLs of a key together, as a join would not.

import { nameList, quoteName } from '../duckdb/sql.ts'
import type { StructField } from '../protocol/schema.ts'
import type { Events } from './change-events.ts'

/** What has to be known to pair the rows of a range of commits. */
export interface Pairing extends Pick<Events, 'reloads' | 'rewrites'> {
  /** The columns that are given out. */
  readonly fields: readonly StructField[]
  /** Columns that tell rows apart; without any, nothing is paired. */
  readonly key: readonly StructField[]
  /** An update that changed none of these is left out. */
  readonly watched: readonly StructField[] | undefined
  /** Parquet columns that tell where a row came from. */
  readonly places: readonly string[]
}

/** Columns of these queries, besides those of a row's place. */
export const PAIRING_COLUMNS: readonly string[] = [
  '__turn',
  '__values',
  '__group',
  '__rank',
  '__count',
  '__dropped',
  '__before',
]

/** A SELECT of two rows for an update and one for an insert or delete, with `__group` and `__rank` to sort them by. */
export function imagesSql(moved: string, pairing: Pairing): string {
  const columns = nameList(pairing.fields)
  if (pairing.key.length === 0) {
    return `SELECT ${columns}, ${SINGLE_TYPE} AS _change_type, _commit_version, _commit_timestamp,
      row_number() OVER (ORDER BY __sign, __path, __position) AS __group, 0 AS __rank FROM (${moved})`
  }
  return `SELECT ${columns}, CASE WHEN __count = 2 THEN CASE WHEN __sign < 0 THEN 'update_preimage' ELSE 'update_postimage' END
      ELSE ${SINGLE_TYPE} END AS _change_type, _commit_version, _commit_timestamp, __group, __sign AS __rank
    FROM (${numberedSql(moved, pairing)}) WHERE NOT __dropped`
}

/** A SELECT of one row a change: its columns after it (of a delete: before it), and in `__before` what they were before an update. */
export function pairsSql(moved: string, pairing: Pairing): string {
  const columns = nameList(pairing.fields)
  if (pairing.key.length === 0) return singlesSql(moved, pairing)
  return `SELECT ${columns}, CASE WHEN __count = 2 THEN 'update' ELSE ${SINGLE_TYPE} END AS _change_type, _commit_version, _commit_timestamp,
      CASE WHEN __count = 2 THEN __before END AS __before, __group
    FROM (${numberedSql(moved, pairing, { withBefore: true })}) WHERE NOT __dropped AND NOT (__count = 2 AND __sign < 0)`
}

/** As `pairsSql`, for rows none of which has a partner. */
export function singlesSql(moved: string, { fields }: Pick<Pairing, 'fields'>): string {
  return `SELECT ${nameList(fields)}, ${SINGLE_TYPE} AS _change_type, _commit_version, _commit_timestamp,
    CASE WHEN false THEN ${recordOf(fields)} END AS __before, 0 AS __group FROM (${moved})`
}

/** The columns of a row as one STRUCT. */
export function recordOf(fields: readonly StructField[]): string {
  return `struct_pack(${fields.map(({ name }) => `${quoteName(name)} := ${quoteName(name)}`).join(', ')})`
}

const SINGLE_TYPE = `CASE WHEN __sign < 0 THEN 'delete' ELSE 'insert' END`

function numberedSql(
  moved: string,
  pairing: Pairing,
  { withBefore }: { readonly withBefore: boolean } = { withBefore: false },
): string {
  const pair = ['_commit_version', ...pairing.key.map(({ name }) => quoteName(name))].join(', ')
  const { isDropped, values } = dropping(pairing)
  const before = withBefore ? `, first_value(${recordOf(pairing.fields)}) OVER whole AS __before` : ''
  return `SELECT *, count(*) OVER whole AS __count, dense_rank() OVER (ORDER BY ${pair}, __turn) AS __group,
        count(*) OVER whole = 2 AND (${isDropped}) AS __dropped${before}
      FROM (SELECT *, row_number() OVER (PARTITION BY __sign, ${pair} ORDER BY __path, __position) AS __turn, ${values} AS __values FROM (${moved}))
      WINDOW whole AS (PARTITION BY ${pair}, __turn ORDER BY __sign ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)`
}

const IS_EQUAL = `(first_value(__values) OVER whole) IS NOT DISTINCT FROM (last_value(__values) OVER whole)`

/** When a pair is no change, and the values that have to be compared for it. */
function dropping({ fields, watched, places, reloads, rewrites }: Pairing): {
  readonly isDropped: string
  readonly values: string
} {
  // Rows that only moved have equal values too, so the columns that are watched say it all.
  if (watched !== undefined)
    return watched.length === 0
      ? { isDropped: 'true', values: 'NULL' }
      : { isDropped: IS_EQUAL, values: `ROW(${nameList(watched)})` }
  const names = places.map(quoteName)
  const isMoved = names.length === 0 ? 'false' : names.map(sameOnBothSides).join(' AND ')
  const isUnknown = names.length === 0 ? 'true' : names.map((name) => `count(${name}) OVER whole < 2`).join(' OR ')
  // A reload may bring other values from the place of the old ones. Where files were written anew and no place tells a row that was
  // carried over from one that was updated to what it was, the values do.
  const isDropped = `CASE WHEN ${isAmong(reloads)} THEN ${IS_EQUAL} WHEN ${isAmong(rewrites)} AND (${isUnknown}) THEN ${IS_EQUAL} ELSE ${isMoved} END`
  return { isDropped, values: reloads.length + rewrites.length === 0 ? 'NULL' : `ROW(${nameList(fields)})` }
}

function isAmong(versions: readonly number[]): string {
  return versions.length === 0 ? 'false' : `_commit_version IN (${versions.join(', ')})`
}

/** True when both rows of a pair have the column, with one value. */
function sameOnBothSides(column: string): string {
  return `count(${column}) OVER whole = 2 AND min(${column}) OVER whole = max(${column}) OVER whole`
}
