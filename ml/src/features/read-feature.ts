import { type Engine, type Snapshot, type StructField, scanSql } from '@tributary/delta'
import { keyCondition, type Lake, parseKey } from '@tributary/pipeline'
import { featureHistoryMissing, featureNotRefreshed, featureRowNotFound } from '../errors.ts'
import type { FeatureDefinition } from './definition.ts'
import { type FeatureState, parseFeatureState } from './feature-state.ts'
import { featureStore, readFeature } from './write-feature.ts'

/** A SELECT of rows of a feature, and what they were computed from. */
export interface FeatureRows {
  readonly sql: string
  readonly fields: readonly StructField[]
  readonly version: number
  readonly state: FeatureState | undefined
}

/** The row that a feature has for a key, with the version that it is of and the time that it is as of. Throws `FEATURE_NOT_REFRESHED`, `FEATURE_ROW_NOT_FOUND`, `KEY_TEXT_INVALID`. */
export async function featureRow(
  engine: Engine,
  lake: Lake,
  definition: FeatureDefinition,
  key: string,
): Promise<FeatureRows> {
  const snapshot = await readFeature(featureStore(lake, definition.name))
  if (snapshot === undefined) throw featureNotRefreshed(definition.name)
  const condition = conditionOf(snapshot, definition, key)
  const state = parseFeatureState(snapshot)
  const asOf = `make_timestamptz(${Math.round(state?.asOf ?? snapshot.timestampMs) * 1000})`
  const found = `(${await scanSql(engine, snapshot)}) WHERE ${condition}`
  const rows = await engine.all(`SELECT 1 FROM ${found} LIMIT 1`)
  if (rows.length === 0) throw featureRowNotFound(definition.name, key, snapshot.version)
  const fields: readonly StructField[] = [
    ...snapshot.schema.fields,
    { name: '__version', type: 'long', nullable: true, metadata: {} },
    { name: '__as_of', type: 'timestamp', nullable: true, metadata: {} },
  ]
  const sql = `SELECT *, ${snapshot.version}::BIGINT AS __version, ${asOf} AS __as_of FROM ${found}`
  return { sql, fields, version: snapshot.version, state }
}

/** The rows that were served for a key, in order, from `features.NAME__history`. Throws `FEATURE_HISTORY_MISSING`, `KEY_TEXT_INVALID`. */
export async function featureHistory(
  engine: Engine,
  lake: Lake,
  definition: FeatureDefinition,
  key: string,
): Promise<FeatureRows> {
  const snapshot = await readFeature(featureStore(lake, `${definition.name}__history`))
  if (snapshot === undefined) throw featureHistoryMissing(definition.name)
  const condition = conditionOf(snapshot, definition, key)
  const rows = await scanSql(engine, snapshot)
  const sql = `SELECT * FROM (${rows}) WHERE ${condition} ORDER BY __version`
  return { sql, fields: snapshot.schema.fields, version: snapshot.version, state: undefined }
}

/** True for rows of the key. */
function conditionOf({ schema }: Snapshot, { entity }: FeatureDefinition, key: string): string {
  const fields = entity.flatMap((name) => schema.fields.find((field) => field.name === name) ?? [])
  return keyCondition(parseKey(key, fields))
}

/** How a feature is. */
export interface FeatureStatus {
  readonly feature: string
  /** `late`: as of a time that is longer ago than `every`; `behind`: an input has newer commits. */
  readonly kind: 'fresh' | 'behind' | 'late' | 'never-refreshed'
  readonly version: number | undefined
  readonly keys: number | undefined
  /** How long ago the moment is that the rows are as of. */
  readonly ageMs: number | undefined
  /** Commits of the inputs that the rows do not know yet, by input. */
  readonly behind: Readonly<Record<string, number>>
  readonly lastMode: string | undefined
  readonly lastReason: string | undefined
  readonly lastAffected: number | undefined
}

/** How a feature is: its age, what it has not seen yet, and how it was last refreshed. Reads logs and no rows. */
export async function featureStatus(
  lake: Lake,
  { name, everyMs }: FeatureDefinition,
  readVersion: (table: string) => Promise<number>,
): Promise<FeatureStatus> {
  const snapshot = await readFeature(featureStore(lake, name))
  const state = snapshot === undefined ? undefined : parseFeatureState(snapshot)
  const behind: Record<string, number> = {}
  for (const { table, version } of state?.inputs ?? []) {
    const newest = await readVersion(table)
    if (newest !== version) behind[table] = newest - version
  }
  const ageMs = state === undefined ? undefined : lake.clock.now() - state.asOf
  const isBehind = Object.keys(behind).length > 0
  // Silent inputs do not keep it fresh: windows move, and that nothing else happened is known by a refresh only.
  const isLate = everyMs !== undefined && ageMs !== undefined && ageMs > everyMs
  return {
    feature: name,
    kind: state === undefined ? 'never-refreshed' : isLate ? 'late' : isBehind ? 'behind' : 'fresh',
    version: snapshot?.version,
    keys: state?.keys,
    ageMs,
    behind,
    lastMode: state?.mode,
    lastReason: state?.reason,
    lastAffected: state?.affected,
  }
}
