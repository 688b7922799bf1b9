// A feature that alone tells the label nearly always came after it. How well it tells is the area under its ROC curve: of numbers by their order,
// of texts by the share of ones that each has in the rows they were learnt from, and of whatever may be missing by whether it is.
import { type Engine, quoteName, quoteText, type StructField } from '@tributary/delta'
import { isNumber } from './column-kind.ts'
import type { Definition } from './definition.ts'
import { ROWS } from './extract.ts'
import type { GuardFinding } from './manifest.ts'
import { partsOf } from './split.ts'

const GUARD = 'max_single_feature_auc'
/** Where a definition says nothing; then it warns. */
const LIMIT = 0.9
/** With fewer rows of either label a curve is chance. */
const ROWS_MIN = 10

/** Looks at each feature alone. Without a limit of its own a dataset is only warned about, and only where its label is 0 and 1. */
export async function noFeatureTells(
  engine: Engine,
  { guards, spine, split }: Definition,
  fields: readonly StructField[],
): Promise<readonly GuardFinding[]> {
  const limit = guards.maxSingleFeatureAuc ?? LIMIT
  const isAsked = guards.maxSingleFeatureAuc !== undefined
  const label = fields.find(({ name }) => name === spine.label)
  const unmeasured = (message: string): readonly GuardFinding[] =>
    isAsked ? [{ guard: GUARD, outcome: 'warned', message }] : []
  if (label === undefined || !isNumber(label)) return unmeasured('there is no label of 0 and 1 to measure by')
  const target = `CAST(${quoteName(label.name)} AS DOUBLE)`
  const [classes] = await engine.all(
    `SELECT count(*) AS n FROM ${quoteName(ROWS)} WHERE ${target} NOT IN (0, 1) OR ${target} IS NULL`,
  )
  if (Number(classes?.['n']) > 0) return unmeasured('the label is not 0 or 1, so there is no AUC')
  const [part = 'all', ...others] = partsOf(split)
  const rows: LabelledRows = {
    target,
    learnt: `"__split" = ${quoteText(part)}${others.length > 0 ? '' : ` AND "__order" < '8'`}`,
    scored: others.length > 0 ? `"__split" IN (${others.map(quoteText).join(', ')})` : `"__order" >= '8'`,
    all: `"__split" = ${quoteText(part)}`,
  }
  const candidates = fields.filter(({ name }) => ![...spine.key, spine.at, label.name, 'weight'].includes(name))
  const missing = await missingAucs(engine, candidates, rows)
  const telling: string[] = []
  const tell = (what: string, auc: number | undefined): void => {
    const either = auc === undefined ? 0 : Math.max(auc, 1 - auc)
    if (either > limit) telling.push(`${what} (${either.toFixed(3)})`)
  }
  for (const [index, field] of candidates.entries()) {
    if (isNumber(field)) tell(field.name, await aucOf(engine, numberPoints(field.name, rows)))
    if (field.type === 'string') tell(field.name, await aucOf(engine, textPoints(field.name, rows), ROWS_MIN))
    tell(`whether ${field.name} is missing`, missing[index])
  }
  if (telling.length === 0)
    return [{ guard: GUARD, outcome: 'passed', message: `no feature alone has an AUC above ${limit}` }]
  const remedy = isAsked ? '' : ` Leave them out, or set guards.${GUARD}`
  return [
    {
      guard: GUARD,
      outcome: isAsked ? 'failed' : 'warned',
      message: `${telling.join(', ')} alone tell the label better than ${limit}: known only afterwards?${remedy}`,
    },
  ]
}

interface LabelledRows {
  readonly target: string
  /** The rows that numbers are measured by. */
  readonly all: string
  /** The rows that the order of texts is learnt from, and those that it is measured by. */
  readonly learnt: string
  readonly scored: string
}

function numberPoints(name: string, { target, all }: LabelledRows): string {
  const value = `CAST(${quoteName(name)} AS DOUBLE)`
  return `SELECT ${value} AS v, ${target} AS y FROM ${quoteName(ROWS)} WHERE ${all} AND isfinite(${value})`
}

/** Of two values only the areas need no ranks, and one scan gives those of all columns. */
async function missingAucs(
  engine: Engine,
  fields: readonly StructField[],
  { target, all }: LabelledRows,
): Promise<readonly (number | undefined)[]> {
  const items = fields.map((field, index) => {
    const name = quoteName(field.name)
    const isMissing = isNumber(field) ? `${name} IS NULL OR NOT isfinite(CAST(${name} AS DOUBLE))` : `${name} IS NULL`
    return `, count(*) FILTER (${isMissing}) AS m${index}, coalesce(sum(${target}) FILTER (${isMissing}), 0) AS o${index}`
  })
  const [row = {}] = await engine.all(
    `SELECT count(*) AS n, coalesce(sum(${target}), 0) AS ones${items.join('')} FROM ${quoteName(ROWS)} WHERE ${all}`,
  )
  const [n, ones] = [Number(row['n']), Number(row['ones'])]
  return fields.map((_, index) => {
    const [missing, missingOnes] = [Number(row[`m${index}`]), Number(row[`o${index}`])]
    if (Math.min(ones, n - ones) < ROWS_MIN) return undefined
    return 0.5 + (missingOnes / ones - (missing - missingOnes) / (n - ones)) / 2
  })
}

// Measured by the rows it was learnt from, a column of names that are all different would tell everything.
function textPoints(name: string, { target, learnt, scored }: LabelledRows): string {
  const value = quoteName(name)
  return `WITH learnt AS (SELECT ${value} AS c, avg(${target}) AS v FROM ${quoteName(ROWS)} WHERE ${learnt} AND ${value} IS NOT NULL GROUP BY ALL)
    SELECT coalesce(l.v, (SELECT avg(${target}) FROM ${quoteName(ROWS)} WHERE ${learnt})) AS v, r.y
    FROM (SELECT ${value} AS c, ${target} AS y FROM ${quoteName(ROWS)} WHERE ${scored} AND ${value} IS NOT NULL) r LEFT JOIN learnt l USING (c)`
}

/** The area under the curve of points (v, y), by the ranks of those whose y is 1; ties share their ranks. Undefined where one side has too few. */
async function aucOf(engine: Engine, points: string, rowsMin = 1): Promise<number | undefined> {
  const [row] = await engine.all(`
    WITH counted AS (SELECT v, count(*) AS n, sum(y) AS ones FROM (${points}) GROUP BY v),
    ranked AS (SELECT ones, n, sum(n) OVER (ORDER BY v ROWS UNBOUNDED PRECEDING) - n + (n + 1) / 2 AS middle FROM counted)
    SELECT sum(ones) AS ones, sum(n) AS n, sum(ones * middle) AS ranks FROM ranked`)
  const [ones, n, ranks] = [Number(row?.['ones'] ?? 0), Number(row?.['n'] ?? 0), Number(row?.['ranks'] ?? 0)]
  if (Math.min(ones, n - ones) < rowsMin) return undefined
  return (ranks - (ones * (ones + 1)) / 2) / (ones * (n - ones))
}
