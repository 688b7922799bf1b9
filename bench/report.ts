import { type Figure, type Spread, spreadOf, valuesOf } from './figures.ts'
import type { Measured } from './measure.ts'
import type { Suite } from './options.ts'
import type { Run } from './suites.ts'

/** The result of one suite. */
export interface SuiteResult {
  readonly suite: Suite
  readonly runs: readonly Run[]
  readonly figures: readonly Figure[]
}

/** One suite as text: what each contender took, then the ratios with their goals. */
export function suiteText({ suite, runs, figures }: SuiteResult): string {
  const names = [...new Set(runs.map(({ contender }) => contender))].toSorted()
  const header = ['', 'seconds (min–max)', 'itself', 'CPU', 'RssAnon', 'VmHWM', 'read', 'written', 'dirtied']
  const rows = names.map((name) => {
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
  return [`orders/${suite}`, ...columnsText([header, ...rows]), '', ...columnsText(figures.map(figureCells)), ''].join(
    '\n',
  )
}

/** Lines under the tables that say what the columns are. */
export const LEGEND = `seconds: the whole process, from start to end, median over the rounds. itself: what the process timed of itself: for the
warm ingest the second batch, for delta-rs the MERGE alone, without opening the table and reading the CSV file, for a copy the COPY.
CPU: seconds of all threads, median. RssAnon: highest of samples every 10 ms. VmHWM: highest resident memory, with mapped files.
read, written: bytes through system calls (rchar, wchar). dirtied: bytes that went towards the disk. Memory and bytes are the highest
of all rounds; of tributary warm they include the warm-up. The page cache is warm: it cannot be dropped without root, and every
contender reads files that were read before.`

function figureCells({ label, spread, unit, goal }: Figure): readonly string[] {
  const digits = unit === 'times' ? 2 : 0
  const name = unit === 'times' ? '×' : ` ${unit}`
  const value = `${spread.median.toFixed(digits)}${name} (${spread.min.toFixed(digits)}–${spread.max.toFixed(digits)})`
  return [label, value, goal === undefined ? '' : `goal ${goal.text}: ${goal.isReached ? 'reached' : 'MISSED'}`]
}

function columnsText(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd())
}
