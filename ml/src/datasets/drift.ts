// Whether two datasets come from one distribution, column by column. The usual bounds for the population stability index (0.1, 0.25) fire
// on small samples and sleep on large ones; under no drift PSI / (1/n + 1/m) is χ² with one degree less than there are bins, and that is
// the bound here. An effect size stands beside it, so that a large sample does not make a drift of what nobody would notice.
import { attachStore, type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { adjustForMany, chiSquareTail } from './chi-square.ts'
import { isNumber } from './column-kind.ts'
import { parseDefinition } from './definition.ts'
import { folderOf, type Manifest } from './manifest.ts'
import { storedRows } from './stored.ts'

/** One column. */
export interface ColumnDrift {
  readonly column: string
  readonly psi: number
  /** Adjusted for the number of columns. */
  readonly p: number
  /** Numbers: how far the mass moved, in interquartile ranges. Texts: Jensen-Shannon distance, 0 to 1. */
  readonly effect: number
  readonly null_share: readonly [reference: number, compared: number]
  readonly appeared: readonly string[]
  readonly vanished: readonly string[]
  readonly bins: readonly { readonly name: string; readonly reference: number; readonly compared: number }[]
  readonly verdict: 'stable' | 'drifted' | 'small'
}

/** What came of a comparison. */
export interface DriftReport {
  readonly schema: 'tributary.dataset-drift/1'
  readonly reference: string
  readonly compared: string
  readonly alpha: number
  readonly rows: readonly [reference: number, compared: number]
  readonly columns: readonly ColumnDrift[]
  /** Columns that only one of the two has. */
  readonly schema_changes: readonly string[]
}

/** Which parts are compared, all if it is left out; and how, by the definition of what is compared if it is left out. */
export interface DriftOptions {
  readonly part?: string | undefined
  readonly bins?: number
  readonly alpha?: number
}

/** Below this nobody would notice. */
const EFFECT_MIN = 0.1
const NULLS_MIN = 0.05

/** Compares two published datasets. Throws `DATASET_NOT_FOUND`, `DATASET_INVALID`. */
export async function driftBetween(
  lake: Lake,
  engine: Engine,
  { reference, compared }: { readonly reference: Manifest; readonly compared: Manifest },
  { part, ...options }: DriftOptions = {},
): Promise<DriftReport> {
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const { stats } = parseDefinition(compared.spec.yaml, `${folderOf(compared)}manifest.json`)
    const rowsOf = async (manifest: Manifest): Promise<ComparedRows> => ({
      name: `${manifest.name}@${manifest.id}`,
      ...(await storedRows(lake, fork, manifest, part)),
    })
    const pair = { reference: await rowsOf(reference), compared: await rowsOf(compared) }
    return await driftOfRows(fork, pair, { ...stats, ...options, left: [...reference.key, reference.at] })
  } finally {
    await fork.close()
  }
}

/** Rows to be compared, under the name that a report gives them. */
export interface ComparedRows {
  readonly name: string
  readonly sql: string
  readonly fields: readonly StructField[]
}

/** Compares rows column by column; `left` are columns that are not compared, for they always differ. */
export async function driftOfRows(
  engine: Engine,
  { reference, compared }: { readonly reference: ComparedRows; readonly compared: ComparedRows },
  { left, bins, alpha }: { readonly left: readonly string[]; readonly bins: number; readonly alpha: number },
): Promise<DriftReport> {
  const shared = reference.fields.filter(
    ({ name }) => name !== 'weight' && !left.includes(name) && compared.fields.some((match) => match.name === name),
  )
  const found: Measured[] = []
  for (const field of shared)
    found.push(await measure(engine, field, { reference: reference.sql, compared: compared.sql, bins }))
  const adjusted = adjustForMany(found.map(({ p }) => p))
  const only = (one: ComparedRows, other: ComparedRows): readonly StructField[] =>
    one.fields.filter(({ name }) => !other.fields.some((match) => match.name === name))
  return {
    schema: 'tributary.dataset-drift/1',
    reference: reference.name,
    compared: compared.name,
    alpha,
    rows: [await countOf(engine, reference.sql), await countOf(engine, compared.sql)],
    columns: found.map((column, index) => judge(column, { p: adjusted[index] ?? 1, alpha })),
    schema_changes: [
      ...only(reference, compared).map(({ name }) => `- ${name}`),
      ...only(compared, reference).map(({ name }) => `+ ${name}`),
    ],
  }
}

type Measured = Omit<ColumnDrift, 'verdict'>

function judge(column: Measured, { p, alpha }: { readonly p: number; readonly alpha: number }): ColumnDrift {
  const [before, after] = column.null_share
  const isLikely = p <= alpha
  const isLarge = column.effect >= EFFECT_MIN || Math.abs(after - before) >= NULLS_MIN
  return { ...column, p, verdict: isLikely ? (isLarge ? 'drifted' : 'small') : 'stable' }
}

interface Pair {
  readonly reference: string
  readonly compared: string
  readonly bins: number
}

async function measure(engine: Engine, field: StructField, pair: Pair): Promise<Measured> {
  const binSql = isNumber(field) ? await numberBins(engine, field.name, pair) : await textBins(engine, field.name, pair)
  const counted = await engine.all(`
    SELECT coalesce(a.bin, b.bin) AS bin, coalesce(a.n, 0) AS a, coalesce(b.n, 0) AS b
    FROM (SELECT ${binSql} AS bin, count(*) AS n FROM (${pair.reference}) GROUP BY 1) a
    FULL JOIN (SELECT ${binSql} AS bin, count(*) AS n FROM (${pair.compared}) GROUP BY 1) b ON a.bin = b.bin ORDER BY 1`)
  const all = counted.map((row) => ({
    name: String(row['bin']),
    reference: Number(row['a']),
    compared: Number(row['b']),
  }))
  const [n, m] = [all.reduce((sum, bin) => sum + bin.reference, 0), all.reduce((sum, bin) => sum + bin.compared, 0)]
  const nulls = all.find(({ name }) => name === NULL_BIN)
  const psi = stabilityIndex(all, { n, m })
  const values = isNumber(field) ? [] : all.filter(({ name }) => name !== NULL_BIN && name !== OTHER_BIN)
  return {
    column: field.name,
    psi,
    p: n === 0 || m === 0 ? 1 : chiSquareTail(psi / (1 / n + 1 / m), all.length - 1),
    effect: isNumber(field) ? await movedMass(engine, field.name, pair) : shannonDistance(all, { n, m }),
    null_share: [n === 0 ? 0 : (nulls?.reference ?? 0) / n, m === 0 ? 0 : (nulls?.compared ?? 0) / m],
    appeared: values.filter(({ reference }) => reference === 0).map(({ name }) => name.slice(VALUE_PREFIX.length)),
    vanished: values.filter(({ compared }) => compared === 0).map(({ name }) => name.slice(VALUE_PREFIX.length)),
    bins: all,
  }
}

const NULL_BIN = 'null'
const OTHER_BIN = 'other'
const VALUE_PREFIX = '='

async function numberBins(engine: Engine, name: string, { reference, bins }: Pair): Promise<string> {
  const shares = Array.from({ length: bins - 1 }, (_, index) => (index + 1) / bins).join(', ')
  const value = `CAST(${quoteName(name)} AS DOUBLE)`
  const [row] = await engine.all(
    `SELECT quantile_disc(${value}, [${shares}]) AS edges FROM (${reference}) WHERE isfinite(${value})`,
  )
  const edges = Array.isArray(row?.['edges']) ? [...new Set(row['edges'].map(Number))] : []
  const cases = edges.map(
    (edge, index) =>
      `WHEN ${value} <= ${edge}::DOUBLE THEN ${quoteText(`${String(index).padStart(3, '0')} ≤ ${edge}`)}`,
  )
  const last = quoteText(`${String(edges.length).padStart(3, '0')} above`)
  return `CASE WHEN ${value} IS NULL OR NOT isfinite(${value}) THEN ${quoteText(NULL_BIN)} ${cases.join(' ')} ELSE ${last} END`
}

/** The most frequent values of either side, so that new ones show. */
async function textBins(engine: Engine, name: string, { reference, compared, bins }: Pair): Promise<string> {
  const value = `CAST(${quoteName(name)} AS VARCHAR)`
  const top = (relation: string): string =>
    `(SELECT ${value} AS v FROM (${relation}) WHERE ${value} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, v LIMIT ${bins})`
  const rows = await engine.all(`SELECT DISTINCT v FROM (${top(reference)} UNION ALL ${top(compared)}) ORDER BY v`)
  const list = rows.map((row) => quoteText(String(row['v']))).join(', ')
  const known = list === '' ? 'false' : `${value} IN (${list})`
  return `CASE WHEN ${value} IS NULL THEN ${quoteText(NULL_BIN)} WHEN ${known} THEN ${quoteText(VALUE_PREFIX)} || ${value} ELSE ${quoteText(OTHER_BIN)} END`
}

interface Totals {
  readonly n: number
  readonly m: number
}

/** Half a row more in each bin keeps an empty one from being infinitely surprising. */
function stabilityIndex(bins: Measured['bins'], { n, m }: Totals): number {
  const [all, others] = [n + bins.length / 2, m + bins.length / 2]
  return bins.reduce((sum, { reference, compared }) => {
    const [p, q] = [(reference + 0.5) / all, (compared + 0.5) / others]
    return sum + (q - p) * Math.log(q / p)
  }, 0)
}

function shannonDistance(bins: Measured['bins'], { n, m }: Totals): number {
  if (n === 0 || m === 0) return 0
  const divergence = bins.reduce((sum, { reference, compared }) => {
    const [p, q] = [reference / n, compared / m]
    const middle = (p + q) / 2
    const part = (share: number): number => (share === 0 ? 0 : (share * Math.log2(share / middle)) / 2)
    return sum + part(p) + part(q)
  }, 0)
  return Math.sqrt(Math.max(0, divergence))
}

/** The mean distance of the percentiles of both sides, in interquartile ranges of the reference. */
async function movedMass(engine: Engine, name: string, { reference, compared }: Pair): Promise<number> {
  const shares = Array.from({ length: 99 }, (_, index) => (index + 1) / 100).join(', ')
  const value = `CAST(${quoteName(name)} AS DOUBLE)`
  const percentiles = async (relation: string): Promise<readonly number[]> => {
    const [row] = await engine.all(
      `SELECT quantile_cont(${value}, [${shares}]) AS q FROM (${relation}) WHERE isfinite(${value})`,
    )
    return Array.isArray(row?.['q']) ? row['q'].map(Number) : []
  }
  const [a, b] = [await percentiles(reference), await percentiles(compared)]
  if (a.length === 0 || b.length === 0) return 0
  const moved = a.reduce((sum, edge, index) => sum + Math.abs(edge - (b[index] ?? edge)), 0) / a.length
  const range = (a[74] ?? 0) - (a[24] ?? 0) || (a[98] ?? 0) - (a[0] ?? 0)
  return moved === 0 ? 0 : range === 0 ? 1 : moved / range
}

async function countOf(engine: Engine, relation: string): Promise<number> {
  const [row] = await engine.all(`SELECT count(*) AS n FROM (${relation})`)
  return Number(row?.['n'])
}
