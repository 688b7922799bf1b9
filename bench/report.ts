import { type Figure, type Spread, spreadOf, valuesOf } from './figures.ts'
import type { Measured } from './measure.ts'
import type { SuiteName } from './options.ts'
import type { Run } from './rounds.ts'
import type { Outcome } from './suite.ts'

/** The result of one suite; one that could not be run says why. */
export type SuiteResult =
  | ({ readonly suite: SuiteName; readonly failed?: undefined } & Outcome)
  | { readonly suite: SuiteName; readonly failed: string }

/** One suite as text: what each contender took, then the figures with their goals. */
export function suiteText(result: SuiteResult): string {
  if (result.failed !== undefined) return `${result.suite}\n  FAILED: ${result.failed}\n`
  const { suite, work, runs, figures } = result
  return [
    `${suite}: ${work}`,
    ...columnsText([HEADER, ...contenderRows(runs)]),
    '',
    ...columnsText(figures.map(figureCells)),
    '',
  ].join('\n')
}

const HEADER = ['', 'seconds (min–max)', 'itself', 'CPU', 'RssAnon', 'VmHWM', 'read', 'written', 'dirtied']

function contenderRows(runs: readonly Run[]): readonly (readonly string[])[] {
  return [...new Set(runs.map(({ contender }) => contender))].map((name) => {
    const of = (value: (measured: Measured) => number): Spread => spreadOf(valuesOf(runs, name, value))
    const seconds = of(({ ms }) => ms / 1000)
    const own = of((measured) => (measured.own.ms ?? Number.NaN) / 1000)
    const mib = (value: (measured: Measured) => number): string => `${(of(value).max / 1024 ** 2).toFixed(1)} MiB`
    return [
      name,
      `${seconds.median.toFixed(3)} (${seconds.min.toFixed(3)}–${seconds.max.toFixed(3)})`,
      Number.isNaN(own.median) ? '' : own.median.toFixed(3),
      (of(({ cpuMs }) => cpuMs).median / 1000).toFixed(2),
      mib(({ anonKib }) => anonKib * 1024),
      mib(({ residentKib }) => residentKib * 1024),
      mib(({ readBytes }) => readBytes),
      mib(({ writtenBytes }) => writtenBytes),
      mib(({ dirtiedBytes }) => dirtiedBytes),
    ]
  })
}

/** Lines under the tables that say what the columns are. */
export const LEGEND = `seconds: the whole process, from start to end, median over the rounds. itself: what the process timed of itself: for a warm
worker the median of its batches after the warm-up, for delta-rs and Spark the MERGE alone, without opening the table and reading the CSV file,
for a copy the COPY, for a reader the query. CPU: seconds of all threads and children, median. RssAnon: highest of samples every 10 ms,
children included. VmHWM: highest resident memory of the largest process, with mapped files. read, written: bytes through
system calls (rchar, wchar). dirtied: bytes that went towards the disk. Memory and bytes are the highest of all rounds and hold the warm-up.
Figures are medians over the rounds (least–greatest); the noise is half of that distance. A goal that is missed by no more than the noise is
"within noise". The page cache is warm: it cannot be dropped without root, and every contender reads files that were read before.`

function figureCells({ label, spread, noise, unit, goal }: Figure): readonly string[] {
  const value = `${numberText(spread.median, unit)} (${numberText(spread.min, unit)}–${numberText(spread.max, unit)})`
  const verdict = goal === undefined ? '' : goal.verdict === 'missed' ? 'MISSED' : goal.verdict
  return [
    label,
    value,
    `± ${(noise * 100).toFixed(0)} %`,
    goal === undefined ? '' : `goal ${goalText(goal, unit)}: ${verdict}`,
  ]
}

/** `at most 1.3 ×`. */
export function goalText(
  { sense, limit }: { readonly sense: string; readonly limit: number },
  unit: Figure['unit'],
): string {
  return `${sense} ${limit.toLocaleString('en')}${UNITS[unit].sign}`
}

/** A number in its unit. */
export function numberText(value: number, unit: Figure['unit']): string {
  if (Number.isNaN(value)) return '–'
  const { digits, sign } = UNITS[unit]
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text}${sign}`
}

const UNITS: Readonly<Record<Figure['unit'], { readonly digits: number; readonly sign: string }>> = {
  times: { digits: 2, sign: ' ×' },
  ms: { digits: 0, sign: ' ms' },
  MiB: { digits: 0, sign: ' MiB' },
  runs: { digits: 0, sign: '' },
  'a second': { digits: 0, sign: '/s' },
}

function columnsText(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd())
}
