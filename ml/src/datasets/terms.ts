// Values of a column as terms whose sums are exact, so that neither the order of rows nor the number of threads shows in a sum: whole
// numbers and decimals as they are, and floating-point numbers as whole multiples of a power of two that is small enough for them.
import { type DataType, type Engine, quoteName, type Row } from '@tributary/delta'
import { datasetFeatureInvalid } from '../errors.ts'

/** How the values of a column are summed. */
export interface Terms {
  /** The terms are whole numbers of some type of integers, and seldom large. */
  readonly isWhole: boolean
  /** SQL of the term for one value; NULL where there is none. */
  readonly term: (value: string) => string
  /** SQL of the sum in the column's own kind of number, from the sum of terms. */
  readonly sum: (terms: string) => string
  /** SQL of the sum as DOUBLE. */
  readonly double: (terms: string) => string
}

const INTEGERS = ['byte', 'short', 'integer', 'long']

/** Bits of a HUGEINT that a sum may use. */
const SUM_BITS = 125
const SCALE_MAX = 1000
/** Below this every whole number is a double of its own. */
const WHOLE_MAX = 2 ** 53

/** Chooses the terms for a column of a table by its type and, for floating-point numbers, by the largest value there is. Throws `DATASET_FEATURE_INVALID`. */
export async function termsFor(
  engine: Engine,
  {
    table,
    column,
    type,
    feature,
  }: { readonly table: string; readonly column: string; readonly type: DataType; readonly feature: string },
): Promise<Terms> {
  if (typeof type === 'string' && INTEGERS.includes(type))
    return {
      isWhole: true,
      // The smallest long has no opposite among the longs.
      term: (value) => `CAST(${value} AS ${type === 'long' ? 'HUGEINT' : 'BIGINT'})`,
      sum: (terms) => `CAST(${terms} AS BIGINT)`,
      double: (terms) => `CAST(${terms} AS DOUBLE)`,
    }
  if (typeof type === 'string' && type.startsWith('decimal(')) {
    const wide = type.replace(/\(\d+/, '(38').toUpperCase()
    return {
      isWhole: false,
      term: (value) => `CAST(${value} AS ${wide})`,
      sum: (terms) => `CAST(${terms} AS ${wide})`,
      double: (terms) => `CAST(${terms} AS DOUBLE)`,
    }
  }
  if (type === 'boolean')
    return {
      isWhole: true,
      term: (value) => `CAST(CAST(${value} AS INTEGER) AS BIGINT)`,
      sum: (terms) => `CAST(${terms} AS BIGINT)`,
      double: (terms) => `CAST(${terms} AS DOUBLE)`,
    }
  if (type !== 'float' && type !== 'double')
    throw datasetFeatureInvalid(
      feature,
      `${column} is ${typeof type === 'string' ? type : `a ${type.type}`} and cannot be summed`,
      'Use count, min, max or last, or a column of numbers',
    )
  return scaledTerms(engine, { table, value: finite(quoteName(column)) })
}

/** Terms for an expression of floating-point numbers over a table. */
export async function scaledTerms(
  engine: Engine,
  { table, value }: { readonly table: string; readonly value: string },
): Promise<Terms> {
  const number = `CAST(${value} AS DOUBLE)`
  const [row] = await engine.all(
    `SELECT max(abs(${number})) AS most, count(*) AS n, bool_and(${number} = trunc(${number})) AS whole FROM ${quoteName(table)}`,
  )
  // Whole numbers are common in columns of doubles, and small terms are sorted in half the time.
  if (row?.['whole'] === true && numberOf(row, 'most') < WHOLE_MAX)
    return {
      isWhole: true,
      term: (item) => `CAST(${finite(`CAST(${item} AS DOUBLE)`)} AS BIGINT)`,
      sum: (terms) => `CAST(${terms} AS DOUBLE)`,
      double: (terms) => `CAST(${terms} AS DOUBLE)`,
    }
  const scale = scaleFor(numberOf(row, 'most'), numberOf(row, 'n'))
  const [up, down] = [2 ** scale, 2 ** -scale]
  return {
    isWhole: false,
    term: (item) => `CAST(${finite(`CAST(${item} AS DOUBLE)`)} * ${up}::DOUBLE AS HUGEINT)`,
    sum: (terms) => `(CAST(${terms} AS DOUBLE) * ${down}::DOUBLE)`,
    double: (terms) => `(CAST(${terms} AS DOUBLE) * ${down}::DOUBLE)`,
  }
}

/** Not a number and the infinities count as missing: one of them would make every sum useless. */
export function finite(value: string): string {
  return `CASE WHEN isfinite(${value}) THEN ${value} END`
}

/** The exponent by which values up to `most` are scaled, so that `count` of them stay within a HUGEINT. */
export function scaleFor(most: number, count: number): number {
  const spare = Math.ceil(Math.log2(count + 2)) + 1
  const bits = most === 0 ? 0 : Math.floor(Math.log2(most)) + 2
  return Math.max(-SCALE_MAX, Math.min(SCALE_MAX, SUM_BITS - spare - bits))
}

function numberOf(row: Row | undefined, name: string): number {
  const value = row?.[name]
  return value === null || value === undefined ? 0 : Number(value)
}
