// From a definition and a cut to the rows of a dataset, in one temporary table.
import { describeFields, type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import { spineInvalid, versionUnread } from '../errors.ts'
import { assertFeature, assertJoin, zoneFindings } from './assert-feature.ts'
import { cutFindings, findConsistentCut, latestOf, newestChanges, sourceTimeOf } from './consistent-cut.ts'
import type { Definition, Feature } from './definition.ts'
import { type ExtractedFeature, extractFeatures, openSource } from './extract-features.ts'
import { ROW_NUMBER, SPINE } from './join-sql.ts'
import { findLabelUses, type LabelUses } from './label-source.ts'
import type { GuardFinding } from './manifest.ts'
import type { Source, Sources } from './sources.ts'
import { assertKnown, prepareSpine, type QueryColumn, stageSpine } from './spine.ts'
import { parametersOf } from './spine-text.ts'
import { keyText, sampleSql, splitSql } from './split.ts'

/** The temporary table of all rows; besides the columns it has `__split`, `__order` (by md5 of the key) and `__known_…`. */
export const ROWS = '__dataset_rows'

/** A dataset before it is written. */
export interface Extracted {
  readonly fields: readonly StructField[]
  readonly features: readonly ExtractedFeature[]
  /** Where each column comes from, in words. */
  readonly origins: ReadonlyMap<string, string>
  /** Until when the sources are known. */
  readonly knownUntil: string | undefined
  /** What `:until` stood for; undefined where nothing asks for it. */
  readonly untilMs: number | undefined
  readonly labelUses: LabelUses | undefined
  /** What was found before a feature was joined. */
  readonly findings: readonly GuardFinding[]
  /** When the source committed the newest change of each source. */
  readonly sourceTimes: ReadonlyMap<string, string>
}

/** The rows of one part, without the columns that only we need. */
export function partSql({ fields }: Extracted, part: string): string {
  return `SELECT ${fields.map(({ name }) => quoteName(name)).join(', ')} FROM ${quoteName(ROWS)} WHERE "__split" = ${quoteText(part)}`
}

/** What bounds an extraction. */
export interface Cut {
  /** The value of `:until`; the end of the data where it is left out. */
  readonly untilMs: number | undefined
  /** Until when the sources are known, where that was found before; what waits today says nothing of an old cut. */
  readonly knownUntil?: string | undefined
}

/** Joins the features to the staged spine of a cut. Throws `DATASET_FEATURE_INVALID`, `HISTORY_MISSING`, and what reading throws. */
export async function extract(
  engine: Engine,
  sources: Sources,
  definition: Definition,
  { columns, knownUntil, untilMs, labelUses, findings, sourceTimes }: OpenedCut,
): Promise<Extracted> {
  const features = await extractFeatures(engine, sources, definition)
  const { weight } = sampleSql(definition)
  const names = [...columns.map(({ name }) => name), ...features.flatMap((one) => one.columns.map(({ name }) => name))]
  await joinRows(engine, definition, { features, names })
  const { fields } = await describeFields(
    engine,
    `SELECT ${[...names, ...(weight === undefined ? [] : ['weight'])].map(quoteName).join(', ')} FROM ${quoteName(ROWS)}`,
  )
  return {
    fields,
    features,
    origins: new Map([
      ...columns.map(({ name }) => [name, 'spine'] as const),
      ...features.flatMap((one) => one.columns.map(({ name, from }) => [name, from] as const)),
      ['weight', 'sample'],
    ]),
    knownUntil,
    untilMs,
    labelUses,
    findings,
    sourceTimes,
  }
}

/** A cut with its spine staged. */
export interface OpenedCut {
  readonly columns: readonly QueryColumn[]
  readonly knownUntil: string | undefined
  readonly untilMs: number | undefined
  /** Told by the SQL alone. */
  readonly labelUses: LabelUses | undefined
  /** What of the spine was rewritten, in words. */
  readonly rewrites: readonly string[]
  /** What is to be told before a feature is joined. */
  readonly findings: readonly GuardFinding[]
  /** Rows of each part, and of those that are left out. */
  readonly parts: ReadonlyMap<string, number>
  readonly sourceTimes: ReadonlyMap<string, string>
}

/**
 * Opens the sources of the features, decides until when they are known, and stages the spine. Throws `SPINE_INVALID`, `SPINE_TOO_NEW`,
 * `DATASET_FEATURE_INVALID`, `DATASET_VERSION_UNREAD`, `HISTORY_MISSING`, and what reading throws.
 */
export async function openCut(engine: Engine, sources: Sources, definition: Definition, cut: Cut): Promise<OpenedCut> {
  const opened: { readonly feature: Feature; readonly source: Source }[] = []
  for (const feature of definition.features) opened.push({ feature, source: await openSource(sources, feature) })
  for (const { feature, source } of opened) assertFeature(feature, source)
  const histories = opened.flatMap(({ feature, source }) => (feature.kind === 'current' ? [] : [source]))
  const newest = await newestChanges(engine, definition, histories)
  let untilMs = cut.untilMs ?? timeOf(latestOf(newest.values()))
  if (untilMs === undefined && parametersOf(definition.spine.sql).includes('until'))
    throw spineInvalid(
      definition.name,
      'it asks for :until, and no feature has a history by which the end of the data could be told',
      'Give the time with --until',
    )
  // The spine names more tables, and one of them may be behind.
  let spine = await prepareSpine(engine, sources, definition, { untilMs })
  const { knownUntil, lagging } =
    cut.knownUntil === undefined
      ? await findConsistentCut(definition, sources, newest)
      : { knownUntil: cut.knownUntil, lagging: [] }
  if (cut.untilMs === undefined && timeOf(knownUntil) !== untilMs) {
    untilMs = timeOf(knownUntil)
    spine = await prepareSpine(engine, sources, definition, { untilMs })
  }
  for (const { feature, source } of opened) assertJoin(feature, source, spine.columns)
  const [unread] = sources.unread()
  if (unread !== undefined)
    throw versionUnread(
      definition.name,
      unread,
      sources.all().map(({ name }) => name),
    )
  const labelUses = await findLabelUses(engine, definition, { spine, features: opened, sources: sources.all() })
  await stageSpine(engine, definition, spine)
  if (knownUntil !== undefined) await assertKnown(engine, definition, knownUntil)
  const sourceTimes = new Map(
    sources.all().flatMap((source): readonly [string, string][] => {
      const time = sourceTimeOf(source, newest)
      return time === undefined ? [] : [[source.name, time]]
    }),
  )
  const { columns, rewrites } = spine
  const findings = [...cutFindings(lagging), ...opened.flatMap(({ feature, source }) => zoneFindings(feature, source))]
  const parts = await countParts(engine, definition)
  return { columns, rewrites, knownUntil, untilMs, labelUses, findings, parts, sourceTimes }
}

async function countParts(engine: Engine, definition: Definition): Promise<ReadonlyMap<string, number>> {
  const rows = await engine.all(
    `SELECT ${splitSql(definition.split)} AS part, count(*) AS n FROM ${quoteName(SPINE)} WHERE ${sampleSql(definition).keep} GROUP BY ALL`,
  )
  return new Map(rows.map((row) => [String(row['part']), Number(row['n'])]))
}

function timeOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time)
}

async function joinRows(
  engine: Engine,
  definition: Definition,
  { features, names }: { readonly features: readonly ExtractedFeature[]; readonly names: readonly string[] },
): Promise<void> {
  const { keep, weight } = sampleSql(definition)
  const tables = features.flatMap((one) => one.tables)
  const joins = tables.map((table) => `LEFT JOIN ${quoteName(table)} USING (${quoteName(ROW_NUMBER)})`)
  const counts = features.flatMap(({ feature }) =>
    feature.kind === 'window'
      ? Object.entries(feature.agg).flatMap(([name, { kind }]) => (kind === 'count' ? [`${feature.as}_${name}`] : []))
      : [],
  )
  // No row in the window is a count of none, whichever way it was counted.
  const values = names.map((name) =>
    counts.includes(name) ? `coalesce(${quoteName(name)}, 0) AS ${quoteName(name)}` : quoteName(name),
  )
  const known = features.flatMap(({ knownColumn }) => (knownColumn === undefined ? [] : [quoteName(knownColumn)]))
  await engine.run(`CREATE TEMP TABLE ${quoteName(ROWS)} AS
    SELECT ${[...values, ...known].join(', ')}, ${weight === undefined ? '' : `${weight} AS "weight", `}
      "__at", ${splitSql(definition.split)} AS "__split", md5(${keyText(definition.spine.key)}) AS "__order"
    FROM ${quoteName(SPINE)} ${joins.join(' ')}
    WHERE ${keep}`)
  for (const table of [SPINE, ...tables]) await engine.run(`DROP TABLE ${quoteName(table)}`)
}
