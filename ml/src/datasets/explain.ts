// Where each value of one row comes from. It is told by a plain walk through the raw changes, which shares nothing with the joins that
// made the dataset but the definition: so it is also a second opinion on them.
import { attachStore, type Engine, quoteName, quoteText, type Row } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { datasetRowNotFound } from '../errors.ts'
import { REFRESHED } from '../features/served-rows.ts'
import { type Definition, type Feature, parseDefinition } from './definition.ts'
import { columnsRead, openSource } from './extract-features.ts'
import { folderOf, type Manifest } from './manifest.ts'
import { columnOf, openSources, type Source, sourceSql } from './sources.ts'
import { knownSql, NEWEST_FIRST, SYSTEM } from './states.ts'
import { storedRows } from './stored.ts'

/** One row of a source that a feature's values come from. */
export interface Origin {
  readonly known_at: string | null
  /** `file:row` in the landing. */
  readonly place: string | null
  readonly values: Readonly<Record<string, string | null>>
}

/** A feature of the row. */
export interface ExplainedFeature {
  readonly feature: string
  readonly kind: Feature['kind']
  readonly table: string
  readonly version: number
  /** As they are in the dataset. */
  readonly columns: Readonly<Record<string, string | null>>
  /** How many rows count; the newest of them are listed. */
  readonly count: number
  readonly origins: readonly Origin[]
}

/** One row of a dataset. */
export interface RowExplanation {
  readonly schema: 'tributary.dataset-explanation/1'
  readonly dataset: string
  readonly at: string
  readonly row: Readonly<Record<string, string | null>>
  readonly features: readonly ExplainedFeature[]
}

const ROW = '__explained_row'
const ORIGINS_SHOWN = 20

/** Explains the row with a key, its values with commas between. Throws `DATASET_ROW_NOT_FOUND`, and what opening the sources throws. */
export async function explainRow(lake: Lake, engine: Engine, manifest: Manifest, key: string): Promise<RowExplanation> {
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const { sql } = await storedRows(lake, fork, manifest)
    const text = `concat_ws(',', ${manifest.key.map((name) => `CAST(${quoteName(name)} AS VARCHAR)`).join(', ')})`
    await fork.run(`CREATE TEMP TABLE ${quoteName(ROW)} AS SELECT * FROM (${sql}) WHERE ${text} = ${quoteText(key)}`)
    const [row] = await fork.all(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${quoteName(ROW)}`)
    if (row === undefined) throw datasetRowNotFound(`${manifest.name}@${manifest.id}`, key)
    const values = textsOf(row)
    const definition = parseDefinition(manifest.spec.yaml, `${folderOf(manifest)}manifest.json`)
    const sources = openSources(lake, new Map(manifest.sources.map(({ table, version }) => [table, version])))
    const features: ExplainedFeature[] = []
    for (const feature of definition.features) {
      const source = await openSource(sources, feature)
      features.push(await explainFeature(fork, { definition, feature, source, values }))
    }
    return {
      schema: 'tributary.dataset-explanation/1',
      dataset: `${manifest.name}@${manifest.id}`,
      at: values[manifest.at] ?? '',
      row: values,
      features,
    }
  } finally {
    await fork.close()
  }
}

async function explainFeature(
  engine: Engine,
  {
    definition,
    feature,
    source,
    values,
  }: {
    readonly definition: Definition
    readonly feature: Feature
    readonly source: Source
    readonly values: Readonly<Record<string, string | null>>
  },
): Promise<ExplainedFeature> {
  const found = await engine.all(await originsSql(engine, { definition, feature, source }))
  return {
    feature: feature.as,
    kind: feature.kind,
    table: source.name,
    version: source.snapshot.version,
    columns: Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith(`${feature.as}_`))),
    count: Number(found[0]?.['__count'] ?? 0),
    origins: found.slice(0, ORIGINS_SHOWN).map((row) => {
      const { __count: _, __known, __place, ...rest } = textsOf(row)
      return { known_at: __known ?? null, place: __place ?? null, values: rest }
    }),
  }
}

async function originsSql(
  engine: Engine,
  {
    definition,
    feature,
    source,
  }: { readonly definition: Definition; readonly feature: Feature; readonly source: Source },
): Promise<string> {
  const joined = feature.on.map(({ ours, theirs }) => `t.${quoteName(theirs)} = r.${quoteName(ours)}`).join(' AND ')
  const at = `r.${quoteName(definition.spine.at)}`
  const read = [...new Set(columnsRead(feature))]
  const values = read.map((name) => `CAST(t.${quoteName(name)} AS VARCHAR) AS ${quoteName(name)}`).join(', ')
  const us = (ms: number): string => `to_microseconds(${BigInt(ms) * 1000n})`
  if (feature.kind === 'current')
    return `SELECT ${values}, count(*) OVER () AS "__count", NULL AS "__known", NULL AS "__place"
      FROM (${await sourceSql(engine, source, read)}) t JOIN ${quoteName(ROW)} r ON ${joined}`
  if (feature.kind === 'feature') {
    const order = ['__version', '__batch'].filter((name) => columnOf(source, name) !== undefined)
    const op = columnOf(source, '__op') === undefined ? [] : ['__op']
    // As old as the newest refresh by then, whose row has no key.
    const refreshed =
      columnOf(source, '__as_of') === undefined
        ? 't."__served_at"'
        : `coalesce((SELECT max_by(f."__as_of", {served: f."__served_at", version: f."__version"})
            FROM (${await sourceSql(engine, source, ['__as_of', '__served_at', '__version', '__op'])}) f JOIN ${quoteName(ROW)} r ON f."__served_at" <= ${at}
            WHERE f."__op" = ${quoteText(REFRESHED)}), t."__served_at")`
    const age = feature.max_age === undefined ? '' : `AND ${refreshed} >= ${at} - ${us(feature.max_age)}`
    return `SELECT * EXCLUDE ("__is_live") FROM (
      SELECT ${values}, 1 AS "__count", CAST(t."__served_at" AS VARCHAR) AS "__known", NULL AS "__place", ${op.length === 0 ? 'true' : `t."__op" <> 'D'`} AS "__is_live"
      FROM (${await sourceSql(engine, source, [...read, '__served_at', ...op, ...order])}) t JOIN ${quoteName(ROW)} r ON ${joined}
      WHERE t."__served_at" <= ${at} ${age} ORDER BY ${['__served_at', ...order].map((name) => `t.${quoteName(name)} DESC`).join(', ')} LIMIT 1
    ) WHERE "__is_live"`
  }
  const key = source.key.map(quoteName).join(', ')
  const changes = `SELECT *, ${knownSql(definition.knownAt, key)} AS "__known" FROM (${await sourceSql(engine, source, [...source.key, ...read, ...SYSTEM])})`
  const newest = `SELECT t.* FROM (${changes}) t, ${quoteName(ROW)} r WHERE t."__known" <= ${at} - ${us(definition.knownAt.delayMs)}
    QUALIFY row_number() OVER (PARTITION BY ${source.key.map((name) => `t.${quoteName(name)}`).join(', ')} ORDER BY ${NEWEST_FIRST}) = 1`
  const extra = feature.kind === 'asof' ? `t."__known" AS "__since", ${at} AS "__of", ` : ''
  const select = `SELECT ${extra}${values}, count(*) OVER () AS "__count", CAST(t."__known" AS VARCHAR) AS "__known", t."__file" || ':' || t."__row" AS "__place"
    FROM (${newest}) t JOIN ${quoteName(ROW)} r ON ${joined} WHERE t."__op" <> 'D'`
  if (feature.kind === 'asof') {
    const age = feature.max_age === undefined ? '' : `WHERE "__of" - ${us(feature.max_age)} <= "__since"`
    return `SELECT * EXCLUDE ("__since", "__of") REPLACE (1 AS "__count") FROM (
      ${select} ORDER BY t."__known" DESC, ${NEWEST_FIRST} LIMIT 1) ${age}`
  }
  const time = `CAST(t.${quoteName(feature.time)} AS TIMESTAMPTZ)`
  return `${select} AND ${time} <= ${at} AND ${time} > ${at} - ${us(feature.over)} ORDER BY ${time} DESC, t."__known" DESC, ${NEWEST_FIRST} LIMIT ${ORIGINS_SHOWN}`
}

function textsOf(row: Row): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null || value === undefined ? null : String(value)]),
  )
}
