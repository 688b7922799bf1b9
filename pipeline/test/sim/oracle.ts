// What a set of files leaves in a table, by law 2 alone: all changes in their order, the last one of each key counts. It shares no code
// with the product, and knows files as the source wrote them.
import type { SimFile, SimRow } from './landing-files.ts'

/** A row that is in a table. */
export interface LiveRow {
  readonly id: number
  readonly v: string
}

interface Placed {
  readonly row: Exclude<SimRow, { readonly bad: string }>
  readonly order: readonly (string | number)[]
}

/** The rows after these files of one generation. */
export function rowsOfFiles(files: readonly SimFile[]): readonly LiveRow[] {
  const changes = files.flatMap(({ kind, name, rows }): readonly Placed[] =>
    rows.flatMap((row, at) => ('bad' in row ? [] : [{ row, order: [kind === 'load' ? 0 : 1, row.seq, name, at] }])),
  )
  const live = new Map<number, string>()
  for (const { row } of changes.toSorted((left, right) => compare(left.order, right.order)))
    if (row.op === 'D') live.delete(row.id)
    else live.set(row.id, row.v)
  return [...live].map(([id, v]) => ({ id, v }))
}

function compare(left: Placed['order'], right: Placed['order']): number {
  for (const [at, part] of left.entries()) {
    const other = right[at] ?? part
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}
