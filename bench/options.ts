import { parseArgs } from 'node:util'

/** What one run of the benchmark does. */
export interface BenchOptions {
  readonly rows: number
  readonly changes: number
  readonly rounds: number
  readonly seed: number
  readonly only: readonly Suite[]
}

const SUITES = ['first-load', 'upsert', 'status'] as const
/** One dataset/operation pair; the dataset is always `orders`. */
export type Suite = (typeof SUITES)[number]

/** A smaller table or batch proves nothing about the goals: the run fails. */
export const ROWS_MIN = 10_000_000
/** See `ROWS_MIN`. */
export const CHANGES_MIN = 10_000

/** The help of the command. */
export const USAGE = `node bench/run.ts [--rows 10000000] [--changes 10000] [--rounds 5] [--seed 1] [--only first-load,upsert,status]`

/** Reads the command line; throws a RangeError that says what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: String(ROWS_MIN) },
      changes: { type: 'string', default: String(CHANGES_MIN) },
      rounds: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', default: SUITES.join(',') },
    },
  })
  const names = values.only.split(',').map((name) => name.replace(/^orders\//, ''))
  const unknown = names.find((name) => !SUITES.some((suite) => suite === name))
  if (unknown !== undefined) throw new RangeError(`--only: there is no ${unknown}. Take some of ${SUITES.join(', ')}`)
  const options = {
    rows: parseCount('rows', values.rows),
    changes: parseCount('changes', values.changes),
    rounds: parseCount('rounds', values.rounds),
    seed: parseCount('seed', values.seed),
    only: SUITES.filter((suite) => names.includes(suite)),
  }
  if (options.changes * 4 > options.rows)
    throw new RangeError('--changes: take at most a quarter of --rows, so that random keys stay distinct')
  return options
}

function parseCount(name: string, text: string): number {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`--${name}: ${text} is not a whole number above 0`)
  return count
}
