import { randomUUID } from 'node:crypto'

/** Time and randomness, passed in so that tests and simulations can hold them still. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A fresh random UUID, lower case. */
  readonly uuid: () => string
  readonly sleep: (ms: number) => Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uuid: () => randomUUID(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
