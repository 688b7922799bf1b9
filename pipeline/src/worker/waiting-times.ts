import type { Clock } from '@tributary/delta'
import type { WorkerSignal } from './worker-signal.ts'

type WaitSignal = Extract<WorkerSignal, { readonly kind: 'woken' | 'looking' | 'looked' }>

/** For how long the oldest file of each table waits: what its last look left, and what was written since that look began. */
export interface WaitingTimes {
  readonly note: (signal: WaitSignal) => void
  /** In milliseconds, of every table that was heard of. */
  readonly all: () => ReadonlyMap<string, number>
  /** Tables that miss their target, in words. */
  readonly late: () => readonly string[]
}

/** Starts with nothing waiting. */
export function waitingTimes(clock: Pick<Clock, 'now'>, targetsMs: ReadonlyMap<string, number>): WaitingTimes {
  const left = new Map<string, number | undefined>()
  const woken = new Map<string, number>()
  const ofMs = (table: string): number => {
    const sinceMs = Math.min(left.get(table) ?? Number.POSITIVE_INFINITY, woken.get(table) ?? Number.POSITIVE_INFINITY)
    return Math.max(0, clock.now() - sinceMs)
  }
  return {
    note: (signal) => {
      const { table } = signal
      const since = woken.get(table)
      if (signal.kind === 'woken') woken.set(table, Math.min(since ?? signal.writtenMs, signal.writtenMs))
      else if (signal.kind === 'looked') left.set(table, signal.waitingSinceMs)
      else if (since !== undefined) {
        // Until the look is over it has taken nothing in.
        left.set(table, Math.min(left.get(table) ?? since, since))
        woken.delete(table)
      }
    },
    all: () => new Map([...new Set([...left.keys(), ...woken.keys()])].map((table) => [table, ofMs(table)])),
    late: () =>
      [...targetsMs].flatMap(([table, targetMs]) => {
        const waitsMs = ofMs(table)
        if (waitsMs <= targetMs) return []
        return `${table}: a file waits for ${seconds(waitsMs)}, the target is ${seconds(targetMs)}`
      }),
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
