// What is in each column of each part, kept beside the manifest as stats.json.
import { type Engine, quoteName, quoteText, type Row, type StructField } from '@tributary/delta'
import { isNumber } from './column-kind.ts'
import type { Definition } from './definition.ts'
import { type Extracted, partSql, ROWS } from './extract.ts'
import { quantilesOf } from './quantiles.ts'
import { partsOf } from './split.ts'

/** One column of one part. */
export interface ColumnStats {
  readonly nulls: number
  readonly null_share: number
  readonly distinct: number
  readonly min: string | number | null
  readonly max: string | number | null
  readonly mean: number | null
  readonly sd: number | null
  /** Bounds of bins with equally many rows; none for what is no number. */
  readonly quantiles: readonly number[]
  /** The most frequent values, for what is no number. */
  readonly top: readonly { readonly value: string; readonly rows: number }[]
}

/** How old the values of a feature were at the time of their rows, in seconds. */
export interface AgeStats {
  readonly matched: number
  readonly unmatched_share: number
  readonly min: number | null
  readonly median: number | null
  readonly p90: number | null
  readonly max: number | null
}

/** `stats.json`. */
export interface DatasetStats {
  readonly schema: 'tributary.dataset-stats/1'
  readonly splits: Readonly<
    Record<
      string,
      {
        readonly rows: number
        readonly columns: Readonly<Record<string, ColumnStats>>
        readonly ages: Readonly<Record<string, AgeStats>>
      }
    >
  >
}

/** Looks at the extracted rows: one scan a part, and one more for each column of texts. */
export async function collectStats(
  engine: Engine,
  definition: Definition,
  extracted: Extracted,
): Promise<DatasetStats> {
  const splits: Record<string, DatasetStats['splits'][string]> = {}
  for (const part of partsOf(definition.split)) {
    const relation = partSql(extracted, part)
    const { rows, columns } = await columnStats(engine, relation, {
      fields: extracted.fields,
      bins: definition.stats.bins,
    })
    splits[part] = { rows, columns, ages: await ageStats(engine, extracted, part) }
  }
  return { schema: 'tributary.dataset-stats/1', splits }
}

/** The statistics of the columns of any relation. */
export async function columnStats(
  engine: Engine,
  relation: string,
  { fields, bins }: { readonly fields: readonly StructField[]; readonly bins: number },
): Promise<{ readonly rows: number; readonly columns: Readonly<Record<string, ColumnStats>> }> {
  const items = fields.flatMap((field, index) => {
    const name = quoteName(field.name)
    const value = finiteSql(field)
    return [
      `count(${name}) AS n${index}, approx_count_distinct(${name}) AS d${index}`,
      isNumber(field)
        ? `min(${value}) AS a${index}, max(${value}) AS z${index}, avg(${value}) AS m${index}, ${deviationSql(value)} AS s${index}, count(${value}) AS q${index}`
        : `CAST(min(${name}) AS VARCHAR) AS a${index}, CAST(max(${name}) AS VARCHAR) AS z${index}`,
    ]
  })
  const [row = {}] = await engine.all(`SELECT count(*) AS n, ${items.join(', ')} FROM (${relation})`)
  const rows = Number(row['n'])
  const numbers = fields.flatMap((field, index) =>
    isNumber(field) ? [{ field, count: Number(row[`q${index}`]) }] : [],
  )
  const values = numbers.map(({ field, count }) => ({ sql: finiteSql(field), count }))
  const bounds = await quantilesOf(engine, relation, { values, bins })
  const quantiles = new Map(numbers.map(({ field }, index) => [field.name, bounds[index]]))
  const columns: Record<string, ColumnStats> = {}
  for (const [index, field] of fields.entries()) {
    const nulls = rows - Number(row[`n${index}`])
    columns[field.name] = {
      nulls,
      null_share: rows === 0 ? 0 : nulls / rows,
      distinct: Number(row[`d${index}`]),
      min: plain(row, `a${index}`),
      max: plain(row, `z${index}`),
      mean: numberIn(row, `m${index}`),
      sd: numberIn(row, `s${index}`),
      quantiles: quantiles.get(field.name) ?? [],
      top: isNumber(field) ? [] : await topValues(engine, relation, field.name),
    }
  }
  return { rows, columns }
}

function finiteSql({ name }: StructField): string {
  return `CASE WHEN isfinite(CAST(${quoteName(name)} AS DOUBLE)) THEN CAST(${quoteName(name)} AS DOUBLE) END`
}

// DuckDB fails where the square of a value is no number any more.
const SQUARED_MAX = '1e150'

function deviationSql(value: string): string {
  return `CASE WHEN max(abs(${value})) < ${SQUARED_MAX} THEN stddev_samp(CASE WHEN abs(${value}) < ${SQUARED_MAX} THEN ${value} END) END`
}

const TOP = 20

async function topValues(engine: Engine, relation: string, name: string): Promise<ColumnStats['top']> {
  const found = await engine.all(
    `SELECT CAST(${quoteName(name)} AS VARCHAR) AS value, count(*) AS n FROM (${relation}) WHERE ${quoteName(name)} IS NOT NULL GROUP BY 1 ORDER BY n DESC, value LIMIT ${TOP}`,
  )
  return found.map((row) => ({ value: String(row['value']), rows: Number(row['n']) }))
}

async function ageStats(
  engine: Engine,
  { features }: Extracted,
  part: string,
): Promise<Readonly<Record<string, AgeStats>>> {
  const ages: Record<string, AgeStats> = {}
  for (const { feature, knownColumn } of features) {
    if (knownColumn === undefined) continue
    const known = quoteName(knownColumn)
    const seconds = `(epoch_us("__at") - epoch_us(${known})) / 1000000`
    const [row = {}] = await engine.all(
      `SELECT count(*) AS n, count(${known}) AS matched, min(${seconds}) AS least, quantile_disc(${seconds}, 0.5) AS median, quantile_disc(${seconds}, 0.9) AS p90, max(${seconds}) AS most
       FROM ${quoteName(ROWS)} WHERE "__split" = ${quoteText(part)}`,
    )
    const [rows, matched] = [Number(row['n']), Number(row['matched'])]
    ages[feature.as] = {
      matched,
      unmatched_share: rows === 0 ? 0 : (rows - matched) / rows,
      min: numberIn(row, 'least'),
      median: numberIn(row, 'median'),
      p90: numberIn(row, 'p90'),
      max: numberIn(row, 'most'),
    }
  }
  return ages
}

function numberIn(row: Row, name: string): number | null {
  const value = row[name]
  return value === null || value === undefined || !Number.isFinite(Number(value)) ? null : Number(value)
}

function plain(row: Row, name: string): string | number | null {
  const value = row[name]
  return typeof value === 'number' ? value : value === null || value === undefined ? null : String(value)
}
