import type { Clock } from '@tributary/delta'

/** Wakes a loop that has nothing to do. A ring while nobody waits is kept for the next wait. */
export interface Bell {
  readonly ring: () => void
  /** Resolves when it rings, or after so many milliseconds; at once when all ends. */
  readonly wait: (ms: number) => Promise<void>
}

/** A bell that rings for good once `signal` is aborted. */
export function createBell(clock: Clock, signal: AbortSignal): Bell {
  let rung = new AbortController()
  // Without a reason an exception would be made for it.
  const ring = (): void => rung.abort('rung')
  signal.addEventListener('abort', ring, { once: true })
  if (signal.aborted) ring()
  return {
    ring,
    wait: async (ms) => {
      await clock.sleep(ms, rung.signal)
      if (rung.signal.aborted && !signal.aborted) rung = new AbortController()
    },
  }
}
