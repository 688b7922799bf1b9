import { type Clock, systemClock } from '../../src/clock.ts'

/** The machine's clock, so many days ahead: what was just written is that old. */
export function daysLater(days: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + days * 86_400_000 }
}
