// Each feature of a definition becomes one or two temporary tables: the number of the spine's row and the feature's columns.
import { type DataType, type Engine, quoteName } from '@tributary/delta'
import { datasetFeatureInvalid } from '../errors.ts'
import { asofSql, groupTimeline, keyTimeline, refreshTimeline, servedTimeline } from './asof-sql.ts'
import type { Definition, Feature } from './definition.ts'
import type { On } from './definition-schema.ts'
import { onSql, ROW_NUMBER, SPINE, theirsSql } from './join-sql.ts'
import { type Source, type Sources, sourceSql } from './sources.ts'
import { stageStates } from './states.ts'
import { windowSql } from './window-sql.ts'

/** A column of a dataset that comes from a feature. */
export interface FeatureColumn {
  readonly name: string
  /** In words: which table and column, and how. */
  readonly from: string
}

/** What was extracted for one feature. */
export interface ExtractedFeature {
  readonly feature: Feature
  readonly source: Source
  /** Temporary tables with `__n` and columns. */
  readonly tables: readonly string[]
  readonly columns: readonly FeatureColumn[]
  /** The column that tells since when the value was known, for features that are one row's values. */
  readonly knownColumn: string | undefined
}

/** Runs all features over the spine. Throws `DATASET_FEATURE_INVALID`, `HISTORY_MISSING`. */
export async function extractFeatures(
  engine: Engine,
  sources: Sources,
  definition: Definition,
): Promise<readonly ExtractedFeature[]> {
  const opened: { readonly feature: Feature; readonly source: Source }[] = []
  for (const feature of definition.features) opened.push({ feature, source: await openSource(sources, feature) })
  const states = await stageAll(engine, definition, opened)
  const done: ExtractedFeature[] = []
  for (const [index, { feature, source }] of opened.entries()) {
    const { selects, columns, knownColumn } = await selectsFor(engine, {
      feature,
      source,
      states: states.get(source.name) ?? '',
      delayMs: definition.knownAt.delayMs,
      knownColumn: `__known_${index}`,
    })
    const tables: string[] = []
    for (const [part, select] of selects.entries()) {
      const table = `__feature_${index}_${part}`
      await engine.run(`CREATE TEMP TABLE ${quoteName(table)} AS ${select}`)
      tables.push(table)
    }
    done.push({ feature, source, tables, columns, knownColumn })
  }
  for (const table of states.values()) await engine.run(`DROP TABLE ${quoteName(table)}`)
  return done
}

/** The table behind a feature. Throws `HISTORY_MISSING`, `TABLE_UNKNOWN`. */
export function openSource(sources: Sources, feature: Feature): Promise<Source> {
  switch (feature.kind) {
    case 'asof':
    case 'window':
      return sources.history(feature.table)
    case 'feature':
      return sources.served(feature.name)
    case 'current':
      return sources.live(feature.table)
  }
}

/** Columns that a feature reads of its table. */
export function columnsRead(feature: Feature): readonly string[] {
  const joined = feature.on.map(({ theirs }) => theirs)
  if (feature.kind !== 'window') return [...joined, ...(feature.select ?? [])]
  return [...joined, feature.time, ...Object.values(feature.agg).flatMap(({ column }) => column ?? [])]
}

async function stageAll(
  engine: Engine,
  { knownAt }: Definition,
  opened: readonly { readonly feature: Feature; readonly source: Source }[],
): Promise<ReadonlyMap<string, string>> {
  const staged = new Map<string, string>()
  const timed = opened.filter(({ feature }) => feature.kind === 'asof' || feature.kind === 'window')
  for (const { source } of timed) {
    if (staged.has(source.name)) continue
    const columns = timed
      .filter((other) => other.source.name === source.name)
      .flatMap(({ feature }) => columnsRead(feature))
    const table = `__states_${staged.size}`
    await stageStates(engine, table, source, { columns, knownAt })
    staged.set(source.name, table)
  }
  return staged
}

interface SelectRequest {
  readonly feature: Feature
  readonly source: Source
  readonly states: string
  readonly delayMs: number
  readonly knownColumn: string
}

interface Selects {
  readonly selects: readonly string[]
  readonly columns: readonly FeatureColumn[]
  readonly knownColumn: string | undefined
}

async function selectsFor(engine: Engine, request: SelectRequest): Promise<Selects> {
  const { feature, source, states, delayMs, knownColumn } = request
  switch (feature.kind) {
    case 'asof': {
      const columns = pick(feature.as, feature.select)
      const read = [...new Set(columnsRead(feature))]
      const timeline = isKey(feature.on, source.key)
        ? keyTimeline(states, read)
        : groupTimeline(states, { on: feature.on, columns: read })
      return {
        selects: [asofSql(timeline, { on: feature.on, columns, delayMs, maxAgeMs: feature.max_age, knownColumn })],
        columns: columns.map(({ from, to }) => ({ name: to, from: `asof ${source.name}.${from}` })),
        knownColumn,
      }
    }
    case 'window': {
      const aggregates = Object.entries(feature.agg).map(([name, of]) => ({ to: `${feature.as}_${name}`, of }))
      return {
        selects: await windowSql(engine, states, {
          feature: feature.as,
          on: feature.on,
          time: feature.time,
          overMs: feature.over,
          delayMs,
          aggregates,
          typeOf: (column) => typeOf(source, column),
        }),
        columns: aggregates.map(({ to, of }) => ({
          name: to,
          from: `window ${of.kind}(${[of.column ?? '*', ...(of.at === undefined ? [] : [of.at])].join(', ')}) of ${source.name}`,
        })),
        knownColumn: undefined,
      }
    }
    case 'feature':
      return servedSelects(engine, request, feature)
    case 'current':
      return currentSelects(engine, request, feature)
  }
}

async function servedSelects(
  engine: Engine,
  { source, knownColumn }: SelectRequest,
  feature: Feature & { readonly kind: 'feature' },
): Promise<Selects> {
  const names = source.snapshot.schema.fields.map(({ name }) => name)
  if (!names.includes('__served_at'))
    throw datasetFeatureInvalid(
      feature.as,
      `${source.name} has no __served_at`,
      'Refresh the feature with keep_history: true',
    )
  const joined = feature.on.map(({ theirs }) => theirs)
  const selected = feature.select ?? names.filter((name) => !name.startsWith('__') && !joined.includes(name))
  const columns = pick(feature.as, selected)
  const order = ['__version', '__batch'].filter((name) => names.includes(name)).map((name) => `${quoteName(name)} DESC`)
  const rows = await sourceSql(engine, source, names)
  const timeline = servedTimeline(rows, {
    on: feature.on,
    columns: [...joined, ...selected],
    // Values decide between rows that nothing else tells apart, so that where they lie does not.
    order: [...order, ...names.filter((name) => !name.startsWith('__')).map(quoteName)].join(', '),
    liveSql: names.includes('__op') ? `"__op" <> 'D'` : 'true',
  })
  // A table of served rows that another program wrote may not tell its refreshes.
  const refreshes = names.includes('__as_of') ? { refreshes: refreshTimeline(rows) } : {}
  const request = { on: feature.on, columns, delayMs: 0, maxAgeMs: feature.max_age, knownColumn, ...refreshes }
  return {
    selects: [asofSql(timeline, request)],
    columns: columns.map(({ from, to }) => ({ name: to, from: `feature ${feature.name}.${from}` })),
    knownColumn,
  }
}

async function currentSelects(
  engine: Engine,
  { source }: SelectRequest,
  feature: Feature & { readonly kind: 'current' },
): Promise<Selects> {
  const joined = theirsSql(feature.on)
  const rows = await sourceSql(engine, source, columnsRead(feature))
  const [double] = await engine.all(
    `SELECT 1 FROM (${rows}) WHERE (${feature.on.map(({ theirs }) => `${quoteName(theirs)} IS NOT NULL`).join(' AND ')}) GROUP BY ${joined} HAVING count(*) > 1 LIMIT 1`,
  )
  if (double !== undefined)
    throw datasetFeatureInvalid(
      feature.as,
      `${source.name} has several rows for one ${feature.on.map(({ theirs }) => theirs).join(', ')}`,
      'Join by columns that tell its rows apart',
    )
  const columns = pick(feature.as, feature.select)
  const values = columns.map(({ from, to }) => `t.${quoteName(from)} AS ${quoteName(to)}`)
  return {
    selects: [
      `SELECT s.${quoteName(ROW_NUMBER)}, ${values.join(', ')} FROM ${quoteName(SPINE)} s LEFT JOIN (${rows}) t ON ${onSql(feature.on, { ours: 's', theirs: 't' })}`,
    ],
    columns: columns.map(({ from, to }) => ({ name: to, from: `current ${source.name}.${from}` })),
    knownColumn: undefined,
  }
}

function pick(as: string, names: readonly string[]): readonly { readonly from: string; readonly to: string }[] {
  return names.map((from) => ({ from, to: `${as}_${from}` }))
}

function isKey(on: On, key: readonly string[]): boolean {
  const joined = new Set(on.map(({ theirs }) => theirs))
  return key.length === joined.size && key.every((column) => joined.has(column))
}

/** The type of a column of a source. */
export function typeOf(source: Source, column: string): DataType {
  return source.snapshot.schema.fields.find(({ name }) => name === column)?.type ?? 'string'
}
