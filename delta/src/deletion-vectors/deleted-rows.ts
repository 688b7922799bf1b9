// The deleted rows of a data file, commit after commit. A batch adds few rows to many: to hold the many anew for each version would cost more
// than all else that it does. So the newest version owns a bitmap that is added to in place, and an older one holds what it lacks of the
// next (Baker's persistent arrays). Whoever still reads an older version finds what it was.

import { type Bitmap, bitmapOf, type Positions } from './bitmap.ts'

/** Deleted rows of a data file, by their positions; never changes. */
export interface DeletedRows {
  readonly cardinality: number
  readonly has: (position: number) => boolean
  readonly positions: () => Positions
  /** These and more, in any order; the same object where all of them are here. */
  readonly with: (positions: Iterable<number>) => DeletedRows
  /** How long the deletion vector is that `write` makes. */
  readonly bytes: () => number
  /** Writes a deletion vector to the start of a buffer; nothing may come between `bytes` and this. */
  readonly write: (target: Uint8Array) => void
}

/** No rows, to be added to. */
export async function noDeletedRows(): Promise<DeletedRows> {
  return deletedRows(await bitmapOf(), 0)
}

type State =
  | { readonly kind: 'newest'; readonly bitmap: Bitmap }
  | { readonly kind: 'older'; readonly next: Version; readonly added: Float64Array }

interface Version {
  state: State
}

/** The rows of a bitmap that nobody else adds to. */
export function deletedRows(bitmap: Bitmap, cardinality: number): DeletedRows {
  return rowsOf({ state: { kind: 'newest', bitmap } }, cardinality)
}

function rowsOf(version: Version, cardinality: number): DeletedRows {
  const rows: DeletedRows = {
    cardinality,
    has: (position) => hasRow(version, position),
    positions: () => positionsOf(version),
    with: (positions) => {
      const sorted = Float64Array.from(positions).sort()
      const added = sorted.filter((position, at) => position !== sorted[at - 1] && !hasRow(version, position))
      if (added.length === 0) return rows
      const bitmap = ownBitmap(version)
      const next: Version = { state: { kind: 'newest', bitmap } }
      // First: should adding fail, what is added by then is none of this version.
      version.state = { kind: 'older', next, added }
      bitmap.add(added)
      return rowsOf(next, cardinality + added.length)
    },
    bytes: () => ownBitmap(version).bytes(),
    write: (target) => ownBitmap(version).write(target),
  }
  return rows
}

/** Whoever reads an old version while many commits are made gets a bitmap of its own. */
const STEPS_MAX = 64

function hasRow(version: Version, position: number): boolean {
  let at = version.state
  for (let steps = 0; at.kind === 'older'; steps++) {
    if (steps === STEPS_MAX) return ownBitmap(version).has(position)
    if (includes(at.added, position)) return false
    at = at.next.state
  }
  return at.bitmap.has(position)
}

function positionsOf({ state }: Version): Positions {
  let at = state
  if (at.kind === 'newest') return at.bitmap.positions()
  const later = new Set<number>()
  while (at.kind === 'older') {
    for (const position of at.added) later.add(position)
    at = at.next.state
  }
  return at.bitmap.positions().filter((position) => !later.has(position))
}

/** The bitmap that may be added to. An older version makes one of its own: its next was given up. */
function ownBitmap(version: Version): Bitmap {
  let at = version.state
  if (at.kind === 'newest') return at.bitmap
  while (at.kind === 'older') at = at.next.state
  const bitmap = at.bitmap.empty()
  bitmap.add(positionsOf(version))
  version.state = { kind: 'newest', bitmap }
  return bitmap
}

function includes(ascending: Float64Array, position: number): boolean {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? Number.POSITIVE_INFINITY) < position) low = middle + 1
    else high = middle
  }
  return ascending[low] === position
}
