import { randomUUID } from 'node:crypto'

/** Time and randomness, passed in so that tests and simulations can hold them still. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A fresh random UUID, lower case. */
  readonly uuid: () => string
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uuid: () => randomUUID(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, signal?.aborted ? 0 : ms)
      signal?.addEventListener('abort', end)
    }),
}
