// What a dataset must hold, computed the slow and plain way: for each example, walk through all changes that were known at its time.
import type { CellValue } from '@tributary/delta'
import { type Change, compareChanges, type TestTable } from './lake.ts'

type Values = Readonly<Record<string, CellValue>>

/** A row that is live, and the change that made it so. */
export interface Known {
  readonly values: Values
  readonly change: Change
  readonly knownMs: number
}

/** How knowledge is told. */
export interface KnownBy {
  readonly clock: 'source' | 'lake' | 'greatest'
  readonly delayMs: number
}

/** The rows of a table as they were known at a time. */
export function knownRows(table: TestTable, atMs: number, { clock, delayMs }: KnownBy): readonly Known[] {
  const knownMs = ({ sourceAt, lakeAt }: Change): number => {
    const [source, lake] = [Date.parse(sourceAt), Date.parse(lakeAt ?? sourceAt)]
    return clock === 'source' ? source : clock === 'lake' ? lake : Math.max(source, lake)
  }
  const known = table.changes.filter((change) => knownMs(change) <= atMs - delayMs)
  const rows = new Map<string, Known>()
  for (const change of known.toSorted(compareChanges)) {
    const id = JSON.stringify(table.key.map((column) => String(change.values[column])))
    rows.set(id, { values: change.values, change, knownMs: knownMs(change) })
  }
  return [...rows.values()].filter(({ change }) => change.op !== 'D')
}

/** The row among some that became known last. */
export function newest(rows: readonly Known[]): Known | undefined {
  return rows.toSorted((a, b) => a.knownMs - b.knownMs || compareChanges(a.change, b.change)).at(-1)
}

/** The rows among some whose time lies in (at − over, at]. */
export function within(
  rows: readonly Known[],
  time: string,
  { atMs, overMs }: { readonly atMs: number; readonly overMs: number },
): readonly Known[] {
  return rows.filter(({ values }) => {
    const text = values[time]
    const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN
    return ms > atMs - overMs && ms <= atMs
  })
}

/** The numbers of a column, without those that are missing. */
export function numbers(rows: readonly Known[], column: string): readonly number[] {
  return rows.flatMap(({ values }) => {
    const value = values[column]
    return value === null || value === undefined ? [] : [Number(value)]
  })
}
