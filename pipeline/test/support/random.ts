// Seeded randomness for tests: the same seed gives the same histories on every machine.
import { systemClock } from '@tributary/delta'

/** A stream of random choices. */
export interface Random {
  /** An integer from `low` to `high`, both included. */
  readonly int: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(items: readonly T[]) => T
  readonly shuffle: <T>(items: readonly T[]) => readonly T[]
}

/** Starts a stream (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    int,
    chance: (probability) => next() < probability,
    pick: (items) => {
      for (const item of items.slice(int(0, items.length - 1))) return item
      throw new Error('nothing to pick from')
    },
    shuffle: (items) => {
      const left = [...items]
      const taken = []
      while (left.length > 0) taken.push(...left.splice(int(0, left.length - 1), 1))
      return taken
    },
  }
}

/** The seed of this run: `TRIBUTARY_SEED`, or one that no run had before. Print it, so that a failure can be replayed. */
export function seedOfRun(): number {
  const given = process.env['TRIBUTARY_SEED']
  return given === undefined || given === '' ? systemClock.now() % 2_147_483_647 : Number(given)
}
