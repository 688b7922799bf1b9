// The rows that a feature's history gets: what became of each key, and for each refresh a row without a key, which tells as of when all rows
// are from then on. A value that stays as it is is not written again, so how old it is cannot be told from its own row.

import type { WriteWork } from '@tributary/delta'
import {
  changesSql,
  quoteName,
  quoteText,
  readCommits,
  type Snapshot,
  type StructField,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { FEATURE_DOMAIN, parseFeatureState } from './feature-state.ts'

/** What the history has besides the feature's columns. */
export const SERVED_FIELDS: readonly StructField[] = [
  { name: '__served_at', type: 'timestamp', nullable: true, metadata: {} },
  { name: '__version', type: 'long', nullable: true, metadata: {} },
  { name: '__op', type: 'string', nullable: true, metadata: {} },
  { name: '__as_of', type: 'timestamp', nullable: true, metadata: {} },
]

/** `__op` of the row that a refresh has without a key. */
export const REFRESHED = 'R'

/** How far the history knows its feature. */
export interface ServedSoFar {
  readonly entity: readonly string[]
  /** Undefined where there is none. */
  readonly history: Snapshot | undefined
  /** The feature's version that it was brought to. */
  readonly done: number | undefined
}

/** A SELECT of the rows that bring a history up to a version of its feature. */
export async function servedSql(work: WriteWork, feature: Snapshot, soFar: ServedSoFar): Promise<string> {
  if (soFar.done === undefined) return wholeSql(work, feature, soFar)
  const range = { fromVersion: soFar.done + 1, toVersion: feature.version }
  try {
    const refreshes = await readRefreshes(feature, range)
    const { sql } = await changesSql(work.engine, feature.store, { ...range, key: soFar.entity, feed: true })
    const columns = feature.schema.fields.map(({ name }) => quoteName(name)).join(', ')
    const rows = `SELECT ${columns}, _commit_timestamp AS __served_at, _commit_version AS __version,
      CASE _change_type WHEN 'insert' THEN 'I' WHEN 'delete' THEN 'D' ELSE 'U' END AS __op
      FROM (${sql}) WHERE _change_type <> 'update_preimage'`
    return withRefreshes(rows, refreshes)
  } catch (error) {
    // The versions between are gone, which takes a run that died and a vacuum after it: the rows as they are now are a new beginning.
    if (error instanceof TributaryError && ['VERSION_EXPIRED', 'DATA_FILE_MISSING', 'LOG_GAP'].includes(error.code))
      return wholeSql(work, feature, soFar)
    throw error
  }
}

/** A refresh that was committed. */
interface ServedRefresh {
  readonly version: number
  readonly servedMs: number
  readonly asOfMs: number
}

/** The refreshes among some commits: merging files is none. */
async function readRefreshes(
  { store }: Snapshot,
  range: { readonly fromVersion: number; readonly toVersion: number },
): Promise<readonly ServedRefresh[]> {
  const refreshes: ServedRefresh[] = []
  for await (const { version, timestampMs, actions } of readCommits(store, range))
    for (const action of actions) {
      if (!('domainMetadata' in action) || action.domainMetadata.domain !== FEATURE_DOMAIN) continue
      const domains = new Map([[FEATURE_DOMAIN, action.domainMetadata.configuration]])
      const state = parseFeatureState({ domains, store })
      if (state !== undefined) refreshes.push({ version, servedMs: timestampMs, asOfMs: state.asOf })
    }
  return refreshes
}

/** All rows as they are, and an end for each key that the history still has and the table has not. */
async function wholeSql({ engine }: WriteWork, feature: Snapshot, { entity, history }: ServedSoFar): Promise<string> {
  const state = parseFeatureState(feature)
  const { version, timestampMs: servedMs } = feature
  const at = `${timeSql(servedMs)} AS __served_at, ${version}::BIGINT AS __version`
  const rows = await scanSql(engine, feature)
  const live = `SELECT *, ${at}, 'I' AS __op FROM (${rows})`
  const refreshes = state === undefined ? [] : [{ version, servedMs, asOfMs: state.asOf }]
  const isKnown = (column: string): boolean => history?.schema.fields.some(({ name }) => name === column) === true
  if (history === undefined || !entity.every(isKnown)) return withRefreshes(live, refreshes)
  const key = entity.map(quoteName).join(', ')
  const newest = `SELECT ${key}, __op FROM (${await scanSql(engine, history)})
    QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY __served_at DESC, __version DESC) = 1`
  const isWhole = entity.map((column) => `${quoteName(column)} IS NOT NULL`).join(' AND ')
  const ended = `SELECT ${key}, ${at}, 'D' AS __op FROM (${newest}) h ANTI JOIN (${rows}) f USING (${key}) WHERE __op <> 'D' AND ${isWhole}`
  return withRefreshes(`${live} UNION ALL BY NAME ${ended}`, refreshes)
}

function withRefreshes(rows: string, refreshes: readonly ServedRefresh[]): string {
  if (refreshes.length === 0) return rows
  const list = refreshes.map(
    ({ version, servedMs, asOfMs }) => `(${timeSql(servedMs)}, ${version}::BIGINT, ${timeSql(asOfMs)})`,
  )
  return `WITH refreshes AS (FROM (VALUES ${list.join(', ')}) AS r (__served_at, __version, __as_of))
    SELECT s.*, r.__as_of FROM (${rows}) s LEFT JOIN refreshes r ON r.__version = s.__version
    UNION ALL BY NAME SELECT __served_at, __version, ${quoteText(REFRESHED)} AS __op, __as_of FROM refreshes`
}

function timeSql(ms: number): string {
  return `make_timestamptz(${Math.round(ms * 1000)})`
}
