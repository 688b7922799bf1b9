import type { IndexedRow } from '../key-index/find-rows.ts'
import { ROW_BITS } from './batch.ts'
import type { FoundKeys, PrefetchedRows } from './target.ts'

/** Rows that the index found. */
export interface IndexedPlaces {
  readonly rows: number
  /** Their positions by file. */
  readonly positions: ReadonlyMap<string, readonly number[]>
  /** All keys that were asked for; only where that was wanted. */
  readonly found: readonly FoundKeys[]
}

/** The places of all keys of a file, which has that number in the batch. */
export function placesOf({ tags, rows }: PrefetchedRows, file: number): IndexedPlaces {
  const files = numberFiles()
  const isFound = new Uint8Array(tags.length)
  for (const row of rows) {
    isFound[row.at] = 1
    files.take(row)
  }
  // Which row of the file it is tells nothing that is asked here.
  const ids = new BigUint64Array(tags.length).fill(BigInt(file) << BigInt(ROW_BITS))
  return { rows: rows.length, positions: files.positions, found: [{ rows: ids, tags, isFound }] }
}

/** Positions by file, and a number for each file in the order in which they are met. */
export function numberFiles(): {
  readonly take: (row: Pick<IndexedRow, 'path' | 'position'>) => number
  readonly positions: ReadonlyMap<string, readonly number[]>
} {
  const files = new Map<string, { readonly number: number; readonly positions: number[] }>()
  const positions = new Map<string, number[]>()
  return {
    positions,
    take: ({ path, position }) => {
      let file = files.get(path)
      if (file === undefined) {
        file = { number: files.size, positions: [] }
        files.set(path, file)
        positions.set(path, file.positions)
      }
      file.positions.push(position)
      return file.number
    },
  }
}
