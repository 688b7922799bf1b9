/** Counts what a random run met, so that a generator that went blind is seen. */
export interface Tally {
  readonly add: (what: string, count?: number) => void
  readonly count: (what: string) => number
  /** One line a kind, sorted by name. */
  readonly text: () => string
  /** Kinds that never occurred. */
  readonly zeros: () => readonly string[]
}

/** Starts at zero for all that must occur. */
export function openTally(kinds: readonly string[]): Tally {
  const counts = new Map(kinds.map((kind) => [kind, 0]))
  return {
    add: (what, count = 1) => void counts.set(what, (counts.get(what) ?? 0) + count),
    count: (what) => counts.get(what) ?? 0,
    text: () =>
      [...counts]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([kind, count]) => `${String(count).padStart(8)}  ${kind}`)
        .join('\n'),
    zeros: () => [...counts].flatMap(([kind, count]) => (count === 0 ? [kind] : [])),
  }
}
