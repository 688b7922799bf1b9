// The input that the key belongs to. Rows of other keys can be left out of it before anything is joined to it, which lets the scan skip
// them, where no outer join may fill that input in: then a key comes from its rows only.

import type { Column } from './columns.ts'
import type { Outline } from './parse-feature-sql.ts'

/** An input with all columns of the key. */
export interface KeyOwner {
  readonly input: number
  /** In the order of the entity. */
  readonly columns: readonly string[]
}

/** Finds the owner; undefined where there is none. */
export function keyOwner({ joins }: Outline, key: readonly Column[]): KeyOwner | undefined {
  const [input] = key.map((column) => (column.kind === 'input' ? column.input : undefined))
  if (input === undefined) return undefined
  const columns = key.flatMap((column) =>
    // A field of a STRUCT is a column of none.
    column.kind === 'input' && column.input === input && column.path.length === 1 ? column.path : [],
  )
  const isFilled = joins.some(({ type }, index) =>
    index + 1 === input
      ? type === 'LEFT' || type === 'FULL'
      : index + 1 > input && (type === 'RIGHT' || type === 'FULL'),
  )
  return columns.length === key.length && !isFilled ? { input, columns } : undefined
}
