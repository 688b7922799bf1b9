// What the processes of the concurrency test do. An operation tells all by itself, so that replaying them needs nothing else.

/** One committed operation on a table of `id` and `v`. */
export type Operation =
  | { readonly kind: 'append' | 'upsert'; readonly ids: readonly number[]; readonly value: string }
  | { readonly kind: 'delete'; readonly id: number }
  | { readonly kind: 'optimize' }

/** Applies an operation to a plain map. */
export function applyOperation(rows: Map<number, string>, operation: Operation): void {
  switch (operation.kind) {
    case 'append':
    case 'upsert':
      for (const id of operation.ids) rows.set(id, operation.value)
      return
    case 'delete':
      rows.delete(operation.id)
      return
    case 'optimize':
  }
}

/** Ids that several processes upsert; appended ids lie above, each process in a range of its own. */
export const SHARED_IDS = 200

/** A small generator of whole numbers (mulberry32), so that a seed tells all. */
export function numbersOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
