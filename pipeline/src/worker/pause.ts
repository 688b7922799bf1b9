import type { Clock } from '@tributary/delta'

const STEP_MS = 100

/** Sleeps in short steps, so that whoever is told to end does so at once. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const untilMs = clock.now() + ms
  while (!signal.aborted && clock.now() < untilMs) await clock.sleep(Math.min(STEP_MS, ms))
}
