// Whether a feature holds what its SQL gives: everything is computed anew at the versions and the time of the last refresh, and compared.

import { type Engine, quoteName, readSnapshot, type Snapshot, scanSql } from '@tributary/delta'
import { findNamedTable, type Lake } from '@tributary/pipeline'
import { featureNotRefreshed } from '../errors.ts'
import { compileFeature } from './compile.ts'
import type { FeatureDefinition } from './definition.ts'
import { FRESH, stageFresh } from './feature-rows.ts'
import { parseFeatureState, specHash } from './feature-state.ts'
import { createViews, openHeads } from './inputs.ts'
import { resultSql } from './key-queries.ts'
import { featureStore, readFeature } from './write-feature.ts'

/** What a check found. */
export interface FeatureCheckReport {
  readonly feature: string
  readonly version: number
  /** Keys that were compared. */
  readonly compared: number
  /** Keys whose rows differ, are missing, or are there and should not be. */
  readonly different: number
  readonly missing: number
  readonly extra: number
  /** Some of these keys. */
  readonly examples: readonly string[]
  /** The file says something else than what the table was computed by: the next refresh will be a full one. */
  readonly isOtherSql: boolean
}

const EXAMPLES_MAX = 10

/**
 * Compares a feature's table with a full computation at the same cut, for all keys or for a share of them that is the same each time.
 * Throws `FEATURE_NOT_REFRESHED`, and `VERSION_EXPIRED` or `DATA_FILE_MISSING` when that cut cannot be read any more.
 */
export async function checkFeature(
  lake: Lake,
  engine: Engine,
  definition: FeatureDefinition,
  { share = 1 }: { readonly share?: number } = {},
): Promise<FeatureCheckReport> {
  const fork = await engine.fork()
  try {
    const table = await readFeature(featureStore(lake, definition.name))
    const state = table === undefined ? undefined : parseFeatureState(table)
    if (table === undefined || state === undefined) throw featureNotRefreshed(definition.name)
    const heads = openHeads((name) => findNamedTable(lake, name))
    const query = await compileFeature(fork, definition, heads.columnsOf)
    const cut = new Map<string, Snapshot>()
    for (const { table: input, version } of state.inputs) {
      const { store } = await findNamedTable(lake, input)
      cut.set(input, await readSnapshot(store, { version }))
    }
    const names = await createViews(fork, query, cut, 'feature_then')
    await stageFresh(fork, definition, table.schema, await resultSql(fork, query, { names, asOfMs: state.asOf }))
    const report = await compare(fork, definition, { table, share })
    return {
      feature: definition.name,
      version: table.version,
      ...report,
      isOtherSql: state.spec !== specHash(definition),
    }
  } finally {
    await fork.close()
  }
}

async function compare(
  engine: Engine,
  { entity }: FeatureDefinition,
  { table, share }: { readonly table: Snapshot; readonly share: number },
): Promise<Omit<FeatureCheckReport, 'feature' | 'version' | 'isOtherSql'>> {
  const key = entity.map(quoteName).join(', ')
  // By the digits of a hash that no version of DuckDB changes, so that a sample is the same each time.
  const bucket = `md5_number_upper(${entity.map((name) => `coalesce(CAST(${quoteName(name)} AS VARCHAR), '')`).join(` || '/' || `)})`
  const isWanted = share >= 1 ? 'true' : `${bucket} < ${BigInt(Math.round(share * 1_000_000)) * BUCKETS_PER_MILLION}`
  const columns = table.schema.fields.map(({ name }) => quoteName(name)).join(', ')
  const pick = (rows: string): string => `SELECT ${key}, ROW(${columns}) AS __row FROM (${rows}) WHERE ${isWanted}`
  const pairs = entity.map((name) => `s.${quoteName(name)} = f.${quoteName(name)}`).join(' AND ')
  const text = entity
    .map((name) => `CAST(coalesce(s.${quoteName(name)}, f.${quoteName(name)}) AS VARCHAR)`)
    .join(` || '/' || `)
  const [row = {}] = await engine.all(
    `SELECT count(*) AS compared, count_if(NOT is_missing AND NOT is_extra AND is_other) AS different, count_if(is_missing) AS missing,
       count_if(is_extra) AS extra, list(key_text ORDER BY key_text) FILTER (WHERE is_missing OR is_extra OR is_other) AS keys
     FROM (SELECT ${text} AS key_text, s.__row IS NULL AS is_missing, f.__row IS NULL AS is_extra, s.__row IS DISTINCT FROM f.__row AS is_other
       FROM (${pick(await scanSql(engine, table))}) s FULL JOIN (${pick(`SELECT * FROM ${FRESH}`)}) f ON ${pairs})`,
  )
  const keys = row['keys']
  return {
    compared: Number(row['compared']),
    different: Number(row['different']),
    missing: Number(row['missing']),
    extra: Number(row['extra']),
    examples: Array.isArray(keys) ? keys.slice(0, EXAMPLES_MAX).map(String) : [],
  }
}

const BUCKETS_PER_MILLION = 2n ** 64n / 1_000_000n
