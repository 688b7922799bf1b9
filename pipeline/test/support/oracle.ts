// What a table must hold, by law 2 alone: sort all that was delivered into the order of changes and replay it on a Map.
import type { Value } from './values.ts'

/** One row of a landing file as the table would store it. */
export interface Delivered {
  readonly op: 'I' | 'U' | 'D'
  readonly key: string
  /** The key before an update that changed it. */
  readonly movedFrom: string | undefined
  /** Values in the order of the stored columns. */
  readonly row: readonly Value[]
  /** Positions of the values that the source did not log. */
  readonly unset: ReadonlySet<number>
  readonly phase: 0 | 1
  /** Bytewise comparable; empty sorts first. */
  readonly sequence: string
  /** Bytewise comparable: file time and name. */
  readonly place: string
  /** Number of the row in its file. */
  readonly at: number
}

/** The rows that the deliveries leave, by key. */
export function replay(deliveries: readonly Delivered[]): Map<string, readonly Value[]> {
  const rows = new Map<string, readonly Value[]>()
  for (const change of deliveries.toSorted(byLaw)) {
    const before = rows.get(change.movedFrom ?? change.key)
    if (change.movedFrom !== undefined) rows.delete(change.movedFrom)
    if (change.op === 'D') rows.delete(change.key)
    else
      rows.set(
        change.key,
        change.row.map((value, at) => (change.unset.has(at) ? (before?.[at] ?? null) : value)),
      )
  }
  return rows
}

function byLaw(a: Delivered, b: Delivered): number {
  return a.phase - b.phase || compare(a.sequence, b.sequence) || compare(a.place, b.place) || a.at - b.at
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
