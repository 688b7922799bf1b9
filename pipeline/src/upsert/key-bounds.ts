// The range of a batch's keys, by which statistics rule data files out.
import { type ColumnBounds, type EngineValue, quoteName, type Row } from '@tributary/delta'

/** How to ask a relation for the ranges of its key columns, and how to read the answer. */
export interface KeyBounds {
  /** Items of a SELECT list. */
  readonly select: string
  /** Columns whose values statistics can be compared with; others have no range. */
  readonly of: (row: Row) => readonly ColumnBounds[]
}

/** `withOldKeys`: the relation also has the keys that rows had before a change, in `__was_<key>`. */
export function keyBounds(key: readonly string[], { withOldKeys }: { readonly withOldKeys: boolean }): KeyBounds {
  const end = (column: string, which: 'min' | 'max'): string => {
    const now = `${which}(${quoteName(column)})`
    // Both leave NULL out: most rows have no old key.
    return withOldKeys
      ? `${which === 'min' ? 'least' : 'greatest'}(${now}, ${which}(${quoteName(`__was_${column}`)}))`
      : now
  }
  return {
    select: key
      .flatMap((column, at) => [`${end(column, 'min')} AS min${at}`, `${end(column, 'max')} AS max${at}`])
      .join(', '),
    of: (row) => key.flatMap((column, at) => boundsOf(column, row[`min${at}`], row[`max${at}`])),
  }
}

function boundsOf(column: string, min: EngineValue | undefined, max: EngineValue | undefined): readonly ColumnBounds[] {
  return isComparable(min) && isComparable(max) ? [{ column, min, max }] : []
}

function isComparable(value: EngineValue | undefined): value is number | bigint | string {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
}
