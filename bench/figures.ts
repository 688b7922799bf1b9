import type { Suite } from './options.ts'
import type { ContenderName, Run } from './suites.ts'

/** A number over all rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** What is claimed of one suite: a figure, what it must reach, and whether it does. */
export interface Figure {
  readonly label: string
  readonly spread: Spread
  readonly unit: 'times' | 'ms' | 'MiB' | 'runs'
  readonly goal?: { readonly text: string; readonly isReached: boolean }
}

const MEMORY_MIB_MAX = 300
const STATUS_MS_MAX = 400

/** The figures of a suite. Ratios are taken within each round and then summed up, as neighbours in time share the machine's mood. */
export function figuresOf(suite: Suite, runs: readonly Run[]): readonly Figure[] {
  const whole = (name: ContenderName): readonly number[] => valuesOf(runs, name, ({ ms }) => ms)
  const inner = (name: ContenderName): readonly number[] => valuesOf(runs, name, ({ own }) => own.ms ?? Number.NaN)
  const memory = (name: ContenderName): Spread => spreadOf(valuesOf(runs, name, ({ anonKib }) => anonKib / 1024))
  switch (suite) {
    case 'first-load':
      return [
        atMost(
          2,
          {
            label: 'Tributary takes, of the time of DuckDB’s COPY',
            spread: ratio(whole('tributary'), whole('duckdb copy')),
            unit: 'times',
          },
          'median',
        ),
        { label: 'Tributary’s peak RssAnon', spread: memory('tributary'), unit: 'MiB' },
      ]
    case 'upsert':
      return [
        atLeast(10, {
          label: 'delta-rs takes, of the time of Tributary, whole processes',
          spread: ratio(whole('delta-rs'), whole('tributary')),
          unit: 'times',
        }),
        {
          label: 'delta-rs’s MERGE alone takes, of the time of a warm ingest',
          spread: ratio(inner('delta-rs'), inner('tributary warm')),
          unit: 'times',
        },
        {
          label: 'Tributary takes, of the time of the floor, whole processes',
          spread: ratio(whole('tributary'), whole('floor')),
          unit: 'times',
        },
        {
          label: 'a warm ingest takes, of the time of the floor’s COPY alone',
          spread: ratio(inner('tributary warm'), inner('floor')),
          unit: 'times',
        },
        atMost(MEMORY_MIB_MAX, { label: 'Tributary’s peak RssAnon', spread: memory('tributary'), unit: 'MiB' }, 'max'),
        { label: 'delta-rs’s peak RssAnon', spread: memory('delta-rs'), unit: 'MiB' },
      ]
    case 'status': {
      const started = atMost(
        STATUS_MS_MAX,
        { label: 'tributary status, whole process', spread: spreadOf(whole('status')), unit: 'ms' },
        'median',
      )
      const loads = runs.filter(({ measured }) => measured.hasDuckdb).length
      return [
        started,
        {
          label: 'of these, with DuckDB loaded',
          spread: spreadOf([loads]),
          unit: 'runs',
          goal: { text: 'none', isReached: loads === 0 },
        },
      ]
    }
  }
}

/** Median, least and greatest. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) }
}

/** One value a round, in the order of the rounds. */
export function valuesOf(
  runs: readonly Run[],
  name: ContenderName,
  value: (measured: Run['measured']) => number,
): readonly number[] {
  return runs.filter(({ contender }) => contender === name).map(({ measured }) => value(measured))
}

function ratio(above: readonly number[], below: readonly number[]): Spread {
  return spreadOf(above.map((value, round) => value / (below[round] ?? Number.NaN)))
}

function atMost(limit: number, figure: Figure, of: 'median' | 'max'): Figure {
  const unit = figure.unit === 'times' ? '' : ` ${figure.unit}`
  return { ...figure, goal: { text: `at most ${limit}${unit}`, isReached: figure.spread[of] <= limit } }
}

function atLeast(limit: number, figure: Figure): Figure {
  return { ...figure, goal: { text: `at least ${limit}`, isReached: figure.spread.median >= limit } }
}
