import { parseArgs } from 'node:util'

/** What one run of the benchmark does. */
export interface BenchOptions {
  readonly rows: number
  readonly changes: number
  readonly rounds: number
  readonly seed: number
  readonly only: readonly SuiteName[]
  /** A commit, tag or branch whose Tributary takes part too. */
  readonly base?: string
}

/** All suites, in the order in which they run. */
export const SUITE_NAMES = [
  'orders/first-load',
  'orders/upsert',
  'orders/small-upsert',
  'orders/index-build',
  'orders/scan',
  'orders/status',
  'orders/changes',
  'orders/day',
  'orders/day-parquet-2',
  'flights/catch-up',
  'flights/feature-increment',
  'flights/dataset-build',
  'lineitem/upsert',
  'orders/upsert-100m',
] as const
/** One dataset/operation pair. */
export type SuiteName = (typeof SUITE_NAMES)[number]

/** A smaller table or batch proves nothing about the goals: the run fails. */
export const ROWS_MIN = 10_000_000
/** See `ROWS_MIN`. */
export const CHANGES_MIN = 10_000
// A noise needs more than one value.
const ROUNDS_MIN = 2

/** The help of the command. */
export const USAGE = `node bench/run.ts [--rows 10000000] [--changes 10000] [--rounds 5] [--seed 1] [--base REF] [--only SUITE,…]
suites: ${SUITE_NAMES.join(', ')}`

/** Reads the command line; an empty value is one that was not given. Throws a RangeError that says what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '' },
      changes: { type: 'string', default: '' },
      rounds: { type: 'string', default: '' },
      seed: { type: 'string', default: '' },
      only: { type: 'string', default: '' },
      base: { type: 'string', default: '' },
    },
  })
  const options = {
    rows: parseCount('rows', values.rows || String(ROWS_MIN)),
    changes: parseCount('changes', values.changes || String(CHANGES_MIN)),
    rounds: parseCount('rounds', values.rounds || '5'),
    seed: parseCount('seed', values.seed || '1'),
    only: parseSuites(values.only),
  }
  // The smallest table that takes part has a tenth of the rows.
  if (options.changes * 40 > options.rows)
    throw new RangeError('--changes: take at most a fortieth of --rows, so that random keys stay distinct')
  return values.base === '' ? options : { ...options, base: values.base }
}

/** Why a run proves nothing about the goals; undefined when it does. */
export function whyTry({ rows, changes, rounds }: BenchOptions): string | undefined {
  if (rows >= ROWS_MIN && changes >= CHANGES_MIN && rounds >= ROUNDS_MIN) return undefined
  return `a try, which proves nothing: ${rows} rows, ${changes} changes, ${rounds} rounds, where ${ROWS_MIN}, ${CHANGES_MIN} and ${ROUNDS_MIN} are needed`
}

function parseSuites(text: string): readonly SuiteName[] {
  if (text === '') return SUITE_NAMES
  const names = text.split(',').map((name) => (name.includes('/') ? name : `orders/${name}`))
  const unknown = names.find((name) => !SUITE_NAMES.some((suite) => suite === name))
  if (unknown !== undefined)
    throw new RangeError(`--only: there is no ${unknown}. Take some of ${SUITE_NAMES.join(', ')}`)
  return SUITE_NAMES.filter((suite) => names.includes(suite))
}

function parseCount(name: string, text: string): number {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`--${name}: ${text} is not a whole number above 0`)
  return count
}
