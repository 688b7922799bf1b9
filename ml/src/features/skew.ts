// Whether a service answered what the feature's table held at the time: each value of its log beside `features.NAME__history`.

import { type Engine, jsonValueSql, quoteName, type Snapshot, type StructField, scanSql } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { featureHistoryMissing } from '../errors.ts'
import type { FeatureDefinition } from './definition.ts'
import { SERVED, type ServedLog, stageServedLog } from './served-log.ts'
import { SERVED_FIELDS } from './served-rows.ts'
import { distanceSql, equalSql, jsonPath, servedValue, storedValue } from './served-value.ts'
import { featureStore, readFeature } from './write-feature.ts'

/** One answer that is not what the history holds. */
export interface SkewExample {
  readonly line: number
  readonly key: string
  readonly at: string
  /** As JSON. */
  readonly served: string
  /** As JSON; null when the table had no row for the key then. */
  readonly known: string | null
}

/** What was found in one column: `compared` = `equal` + `differing` + `missing`. */
export interface ColumnSkew {
  readonly column: string
  /** Lines that have the column. */
  readonly compared: number
  readonly equal: number
  readonly differing: number
  /** Values that were served where the history has no row for the key at that time. */
  readonly missing: number
  /** The largest difference of two numbers. */
  readonly largest: number | null
  /** The farthest apart first. */
  readonly examples: readonly SkewExample[]
}

/** What a comparison of a service's log with the history of a feature found. */
export interface FeatureSkewReport {
  readonly feature: string
  /** Version of the history that was read. */
  readonly version: number
  readonly lines: number
  readonly isSkewed: boolean
  readonly columns: readonly ColumnSkew[]
}

const PAIRS = 'skew_pairs'
const EXAMPLES_MAX = 3

/**
 * Compares what a service answered with what the feature's table held for the same key at the same time. Floating numbers are equal up to a
 * relative difference of 10^-12; a null is equal to no row. Throws `FEATURE_HISTORY_MISSING` and `SERVED_LOG_INVALID`.
 */
export async function featureSkew(
  lake: Lake,
  engine: Engine,
  { name, entity }: FeatureDefinition,
  log: ServedLog,
): Promise<FeatureSkewReport> {
  const history = await readFeature(featureStore(lake, `${name}__history`))
  if (history === undefined) throw featureHistoryMissing(name)
  const { fields } = history.schema
  const key = entity.flatMap((column) => fields.find((field) => field.name === column) ?? [])
  const values = fields.filter(({ name: column }) => !entity.includes(column) && !NOT_SERVED.has(column))
  const fork = await engine.fork()
  try {
    const lines = await stageServedLog(fork, log, { key, values })
    await pair(fork, history, { key, values })
    const columns: ColumnSkew[] = []
    for (const field of values) columns.push(await compareColumn(fork, field))
    const isSkewed = columns.some(({ differing, missing }) => differing + missing > 0)
    return { feature: name, version: history.version, lines, isSkewed, columns }
  } finally {
    await fork.close()
  }
}

/** Columns that the history adds, and the name under which a log tells the time. */
const NOT_SERVED = new Set([...SERVED_FIELDS.map(({ name }) => name), 'at'])

/** Puts each line beside the row that the table held then. */
async function pair(
  engine: Engine,
  history: Snapshot,
  { key, values }: { readonly key: readonly StructField[]; readonly values: readonly StructField[] },
): Promise<void> {
  const names = key.map(({ name }) => quoteName(name))
  // Of several rows of one time the newest version counts: a join as of a time would take any of them.
  const states = `SELECT * FROM (${await scanSql(engine, history)})
    QUALIFY row_number() OVER (PARTITION BY ${names.join(', ')}, __served_at ORDER BY __version DESC) = 1`
  const same = names.map((name) => `s.${name} = h.${name}`)
  const known = values.map(({ name }) => `CASE WHEN h.__op <> 'D' THEN h.${quoteName(name)} END AS ${quoteName(name)}`)
  const text = names.map((name) => `CAST(s.${name} AS VARCHAR)`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${PAIRS} AS
    SELECT s.__line, s.__text, s.__at, concat_ws('/', ${text.join(', ')}) AS __key, coalesce(h.__op <> 'D', false) AS __known, ${known.join(', ')}
    FROM ${SERVED} s ASOF LEFT JOIN (${states}) h ON ${same.join(' AND ')} AND s.__at >= h.__served_at`)
}

async function compareColumn(engine: Engine, { name, type }: StructField): Promise<ColumnSkew> {
  const outcome = `CASE WHEN served IS NULL AND stored IS NULL THEN 'equal' WHEN NOT __known THEN 'missing'
    WHEN coalesce(${equalSql('served', 'stored', type)}, false) THEN 'equal' ELSE 'differing' END`
  const compared = `SELECT *, ${outcome} AS outcome, ${distanceSql('served', 'stored', type)} AS distance FROM (
    SELECT __line, __key, __at, __known, __text, ${quoteName(name)} AS held, ${servedValue(name, type)} AS served,
      ${storedValue(quoteName(name), type)} AS stored
    FROM ${PAIRS} WHERE json_exists(__text, ${jsonPath(name)}))`
  const [row = {}] = await engine.all(`SELECT count(*) AS compared, count_if(outcome = 'equal') AS equal,
    count_if(outcome = 'differing') AS differing, count_if(outcome = 'missing') AS missing,
    max(distance) FILTER (WHERE outcome <> 'equal') AS largest FROM (${compared})`)
  const counts = {
    compared: Number(row['compared']),
    equal: Number(row['equal']),
    differing: Number(row['differing']),
    missing: Number(row['missing']),
  }
  const largest = row['largest'] === null || row['largest'] === undefined ? null : Number(row['largest'])
  if (counts.differing + counts.missing === 0) return { column: name, ...counts, largest, examples: [] }
  const rows =
    await engine.all(`SELECT __line, __key, __at, CAST(json_extract(__text, ${jsonPath(name)}) AS VARCHAR) AS served,
      CASE WHEN __known THEN ${jsonValueSql(type, 'held')} END AS known
    FROM (${compared}) WHERE outcome <> 'equal' ORDER BY distance DESC NULLS LAST, __line LIMIT ${EXAMPLES_MAX}`)
  const examples = rows.map((example) => ({
    line: Number(example['__line']),
    key: String(example['__key']),
    at: String(example['__at']),
    served: String(example['served']),
    known: example['known'] === null ? null : String(example['known']),
  }))
  return { column: name, ...counts, largest, examples }
}
