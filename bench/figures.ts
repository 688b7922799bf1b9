// What is claimed, and whether it holds. A figure is a number a round; its noise is how far the rounds lie apart.

import type { Measured } from './measure.ts'
import type { Run } from './rounds.ts'

/** A number over all rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** What a goal asks of a figure. */
export interface Goal {
  readonly sense: 'at least' | 'at most'
  readonly limit: number
}

/** How a figure stands to its goal: a miss that the noise could explain is no proof of one. */
export type Verdict = 'reached' | 'within noise' | 'missed'

/** A number that the bench reports, with its goal where there is one. */
export interface Figure {
  readonly label: string
  readonly unit: Unit
  readonly spread: Spread
  /** Half of the distance between the least and the greatest round, as a share of the median. */
  readonly noise: number
  readonly goal?: Goal & { readonly verdict: Verdict }
}

/** What a figure counts. */
export type Unit = 'times' | 'ms' | 'MiB' | 'runs' | 'a second'

/** A figure of the values of all rounds. */
export function figureOf(label: string, unit: Unit, values: readonly number[], goal?: Goal): Figure {
  const spread = spreadOf(values)
  const noise = values.length < 2 ? 0 : (spread.max - spread.min) / 2 / spread.median
  const figure = { label, unit, spread, noise }
  return goal === undefined ? figure : { ...figure, goal: { ...goal, verdict: verdictOf({ spread, noise }, goal) } }
}

/** A figure that is missing is missed. */
function verdictOf({ spread, noise }: Pick<Figure, 'spread' | 'noise'>, { sense, limit }: Goal): Verdict {
  const { median } = spread
  if (sense === 'at least' ? median >= limit : median <= limit) return 'reached'
  const excused = sense === 'at least' ? median * (1 + noise) >= limit : median * (1 - noise) <= limit
  return excused ? 'within noise' : 'missed'
}

/** `at least` as a goal. */
export function atLeast(limit: number): Goal {
  return { sense: 'at least', limit }
}

/** `at most` as a goal. */
export function atMost(limit: number): Goal {
  return { sense: 'at most', limit }
}

/** Median, least and greatest. */
export function spreadOf(values: readonly number[]): Spread {
  // A round that could not be measured makes all of them worth nothing.
  const sorted = values.some(Number.isNaN) ? [] : values.toSorted((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) }
}

/** One value a round, in the order of the rounds. */
export function valuesOf(
  runs: readonly Run[],
  contender: string,
  value: (measured: Measured) => number = wholeMs,
): readonly number[] {
  return runs.filter((run) => run.contender === contender).map(({ measured }) => value(measured))
}

/** The whole process. */
export function wholeMs({ ms }: Measured): number {
  return ms
}

/** What the process timed of itself. */
export function ownMs({ own }: Measured): number {
  return own.ms ?? Number.NaN
}

/** Peak memory of its own. */
export function anonMib({ anonKib }: Measured): number {
  return anonKib / 1024
}

/**
 * How many times as long the first takes as the second, within each round: neighbours in time share the machine's mood. Rounds that one
 * of them sat out do not count.
 */
export function ratiosOf(
  runs: readonly Run[],
  above: string,
  below: string,
  value: (measured: Measured) => number = wholeMs,
): readonly number[] {
  const under = valuesOf(runs, below, value)
  return valuesOf(runs, above, value).flatMap((over, round) => {
    const base = under[round]
    return base === undefined ? [] : [over / base]
  })
}

/** How much longer the base took than this checkout, contender by contender: what it timed of itself, where it did. */
export function baseFigures(runs: readonly Run[]): readonly Figure[] {
  const bases = new Set(runs.map(({ contender }) => contender).filter((name) => name.endsWith(' (base)')))
  return [...bases].map((base) => {
    const ours = base.slice(0, -' (base)'.length)
    const ratios = ratiosOf(runs, base, ours, ({ own, ms }) => own.ms ?? ms)
    return figureOf(`the base takes, of the time of ${ours}`, 'times', ratios)
  })
}
