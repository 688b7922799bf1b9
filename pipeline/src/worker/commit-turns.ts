/** Whose turn it is to commit to a table, among those who work on it in this process; nobody has to lose a race to a neighbour. */
export interface CommitTurns {
  /** Waits for the turn; call what it gives when the commit is through, or will not be. */
  readonly take: () => Promise<() => void>
}

/** Turns in the order in which they are asked for. */
export function commitTurns(): CommitTurns {
  let last: Promise<void> = Promise.resolve()
  return {
    take: async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = last
      last = promise
      await before
      return resolve
    },
  }
}
