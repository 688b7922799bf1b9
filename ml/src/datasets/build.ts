// Builds a dataset: cut, extract, guard, write, publish.
import { type Engine, quoteName, quoteText } from '@tributary/delta'
import { type Lake, pinPlaceOf, pinVersion, readPins } from '@tributary/pipeline'
import type { Definition } from './definition.ts'
import { rowsDigest } from './digest.ts'
import { type Extracted, extract, type OpenedCut, openCut, partSql, ROWS } from './extract.ts'
import type { GitState } from './git-state.ts'
import { checkGuards, enoughRows } from './guards.ts'
import { labelMean } from './label-mean.ts'
import { datasetId, describeColumns, folderOf, type GuardFinding, type Manifest, sha256 } from './manifest.ts'
import { publish, readPublished, removeLeftovers, type UnwrittenPart } from './publish.ts'
import { compareWithReference } from './reference.ts'
import { openSources, type Source, type Sources, snapshotDigest } from './sources.ts'
import { LEFT_OUT, partsOf } from './split.ts'
import { collectStats } from './stats.ts'

/** How to build. */
export interface BuildOptions {
  /** The value of `:until`, in milliseconds; the end of the data if it is left out. */
  readonly untilMs?: number | undefined
  /** Table to version; the newest if a table is left out. */
  readonly versions?: ReadonlyMap<string, number> | undefined
  /** Keep the versions readable with pins. */
  readonly pins?: boolean | undefined
  /** Of the folder of the definition, where it is in a repository. */
  readonly git?: GitState | undefined
}

/** What came of a build. */
export type BuildOutcome =
  | { readonly kind: 'published'; readonly manifest: Manifest; readonly isNew: boolean }
  /** A guard failed, and nothing was published. */
  | { readonly kind: 'refused'; readonly findings: readonly GuardFinding[] }

/** Our release, as manifests tell it. */
const RELEASE = '0.1.0'
const FLOAT_POLICY = 'exact sums of scaled integers'

/**
 * Builds and publishes a dataset. Throws `SPINE_INVALID`, `SPINE_TOO_NEW`, `DATASET_FEATURE_INVALID`, `DATASET_VERSION_UNREAD`, `HISTORY_MISSING`,
 * and what reading and writing throw.
 */
export async function buildDataset(
  lake: Lake,
  engine: Engine,
  definition: Definition,
  options: BuildOptions = {},
): Promise<BuildOutcome> {
  return withCut(lake, engine, { definition, options }, async ({ fork, sources, opened }) => {
    const rows = enoughRows(definition, opened.parts)
    // A part without rows is told before the features are joined, which takes nearly all of the time.
    if (rows.outcome === 'failed') return { kind: 'refused', findings: [...opened.findings, rows] }
    const extracted = await extract(fork, sources, definition, opened)
    const findings = [
      rows,
      ...(await checkGuards(fork, definition, extracted)),
      ...(await compareWithReference(lake, fork, definition, extracted)),
    ]
    if (findings.some(({ outcome }) => outcome === 'failed')) return { kind: 'refused', findings }
    const described = await describeRows(fork, { definition, sources, extracted, git: options.git })
    const id = datasetId({ ...described, splits: withoutFiles(described.splits) })
    if ((await lake.root.stat(`${folderOf({ name: definition.name, id })}manifest.json`)) !== undefined) {
      const manifest = await readPublished(lake.root, { name: definition.name, id })
      await removeLeftovers(lake, manifest)
      return { kind: 'published', manifest, isNew: false }
    }
    const pinned = options.pins === true ? await pinSources(lake, sources, `dataset-${id}`) : new Set<string>()
    const content = {
      ...described,
      id,
      created_at: new Date(lake.clock.now()).toISOString(),
      sources: described.sources.map((source) => ({ ...source, pinned: pinned.has(source.table) })),
      guards: findings,
      croissant: 'croissant.json',
    }
    const stats = await collectStats(fork, definition, extracted)
    return {
      kind: 'published',
      ...(await publish(fork, lake, { definition, fields: extracted.fields, content, stats })),
    }
  })
}

/** Rows that were extracted and wait in the engine. */
export interface RowsAtHand {
  readonly fork: Engine
  readonly sources: Sources
  readonly extracted: Extracted
}

/** What rows are wanted. */
export interface RowsRequest {
  readonly definition: Definition
  readonly options: BuildOptions
  /** As an earlier build found it; looked for where it is left out. */
  readonly knownUntil?: string | undefined
}

/** A cut whose spine waits in the engine. */
interface CutAtHand {
  readonly fork: Engine
  readonly sources: Sources
  readonly opened: OpenedCut
}

/** Extracts the rows of a definition for some work on them. */
export async function withRows<T>(
  lake: Lake,
  engine: Engine,
  request: RowsRequest,
  work: (rows: RowsAtHand) => Promise<T>,
): Promise<T> {
  return withCut(lake, engine, request, async ({ fork, sources, opened }) =>
    work({ fork, sources, extracted: await extract(fork, sources, request.definition, opened) }),
  )
}

async function withCut<T>(
  lake: Lake,
  engine: Engine,
  { definition, options, knownUntil }: RowsRequest,
  work: (cut: CutAtHand) => Promise<T>,
): Promise<T> {
  const fork = await engine.fork()
  try {
    const sources = openSources(lake, options.versions ?? new Map())
    const opened = await openCut(fork, sources, definition, { untilMs: options.untilMs, knownUntil })
    return await work({ fork, sources, opened })
  } finally {
    await fork.close()
  }
}

type Described = Omit<Manifest, 'id' | 'created_at' | 'guards' | 'splits' | 'stats' | 'croissant'> & {
  readonly splits: Readonly<Record<string, UnwrittenPart>>
}

async function describeRows(
  engine: Engine,
  {
    definition,
    sources,
    extracted,
    git,
  }: {
    readonly definition: Definition
    readonly sources: Sources
    readonly extracted: Extracted
    readonly git: GitState | undefined
  },
): Promise<Described> {
  const { spine, split, knownAt } = definition
  const splits: Record<string, UnwrittenPart> = {}
  for (const part of partsOf(split)) splits[part] = await describePart(engine, definition, { extracted, part })
  const counted = await engine.all(`SELECT "__split" AS name, count(*) AS n FROM ${quoteName(ROWS)} GROUP BY ALL`)
  const [version] = await engine.all('SELECT version() AS v')
  return {
    schema: 'tributary.dataset/1',
    name: definition.name,
    spec: { sha256: sha256(definition.text), yaml: definition.text, ...(git === undefined ? {} : { git }) },
    cut: {
      until: extracted.untilMs === undefined ? null : new Date(extracted.untilMs).toISOString(),
      known_until: extracted.knownUntil ?? null,
      known_at: { clock: knownAt.clock, delay_ms: knownAt.delayMs, trust_load: knownAt.trustsLoad },
    },
    sources: sources.all().map((source) => describeSource(source, extracted)),
    engine: { tributary: RELEASE, duckdb: String(version?.['v']).replace(/^v/, ''), float_policy: FLOAT_POLICY },
    key: spine.key,
    at: spine.at,
    label: spine.label ?? null,
    columns: describeColumns(extracted.fields, extracted.origins),
    splits,
    left_out: Object.fromEntries(
      LEFT_OUT.map((name) => [name, Number(counted.find((row) => row['name'] === name)?.['n'] ?? 0)]),
    ),
  }
}

async function describePart(
  engine: Engine,
  { spine, split }: Definition,
  { extracted, part }: { readonly extracted: Extracted; readonly part: string },
): Promise<UnwrittenPart> {
  const relation = partSql(extracted, part)
  const label = extracted.fields.find(({ name }) => name === spine.label)
  const [row] = await engine.all(`SELECT count(*) AS n FROM (${relation})`)
  const strata =
    split.kind === 'hash' && split.stratify !== undefined ? await strataOf(engine, split.stratify, part) : undefined
  return {
    rows: Number(row?.['n']),
    label_mean: await labelMean(engine, relation, label),
    rows_digest: await rowsDigest(engine, relation, extracted.fields),
    ...(strata === undefined ? {} : { strata }),
  }
}

/** Of all rows of each value, the share that is in this part. */
async function strataOf(engine: Engine, column: string, part: string): Promise<Readonly<Record<string, number>>> {
  const rows = await engine.all(
    `SELECT CAST(${quoteName(column)} AS VARCHAR) AS value, count(*) FILTER (WHERE "__split" = ${quoteText(part)}) / count(*) AS share FROM ${quoteName(ROWS)} GROUP BY ALL ORDER BY ALL`,
  )
  return Object.fromEntries(rows.map((row) => [String(row['value']), Number(row['share'])]))
}

function describeSource({ name, snapshot }: Source, { sourceTimes }: Extracted): Manifest['sources'][number] {
  return {
    table: name,
    uri: snapshot.store.url,
    table_id: snapshot.metadata.id,
    version: snapshot.version,
    committed_at: new Date(snapshot.timestampMs).toISOString(),
    source_at: sourceTimes.get(name) ?? null,
    snapshot: snapshotDigest(snapshot),
    pinned: false,
  }
}

function withoutFiles(splits: Readonly<Record<string, UnwrittenPart>>): Manifest['splits'] {
  return Object.fromEntries(Object.entries(splits).map(([name, part]) => [name, { ...part, files: [] }]))
}

async function pinSources(lake: Lake, sources: Sources, name: string): Promise<ReadonlySet<string>> {
  const pinned = new Set<string>()
  for (const { name: table, snapshot } of sources.all()) {
    const place = pinPlaceOf(snapshot.store)
    // A build that was killed before its manifest may have left them.
    const isThere = (await readPins(place)).some((pin) => pin.name === name && pin.version === snapshot.version)
    if (!isThere) await pinVersion(lake.clock, { store: snapshot.store, place }, { version: snapshot.version, name })
    pinned.add(table)
  }
  return pinned
}
