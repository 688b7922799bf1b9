// One thread, one clock, one order. Whatever an actor does outside its own memory is a task that waits here; when nobody can go on by
// himself, the choice says which task is next. So a run is a function of its choices, and choices are a function of the seed.
import type { Clock } from '@tributary/delta'

/** A process that can die. What it waits for then never comes. */
export interface Actor {
  readonly name: string
  /** How far its clock is off. */
  readonly skewMs: number
  isAlive: boolean
}

/** Picks one of `count` ways on. */
export type Choice = (count: number, what: string) => number

/** Who does what next. */
export interface Scheduler {
  /** The true time. */
  readonly nowMs: () => number
  readonly clockOf: (actor: Actor) => Clock
  /** Does the work when its turn comes; never if the actor died before. */
  readonly take: <T>(actor: Actor, what: string, work: () => T) => Promise<T>
  /** Does work of the world at a time, or soon after. */
  readonly at: (timeMs: number, what: string, work: () => void) => void
  /** Ends a process between two of its steps; what it has not sent yet is never sent. */
  readonly kill: (actor: Actor) => void
  /** A long wait for everybody: clocks go on, nobody works. */
  readonly freeze: (ms: number) => void
  /** Goes on until `isDone` says so, asked when only time can bring something new and now and then; returns how many steps it took. */
  readonly run: (isDone: () => boolean | Promise<boolean>) => Promise<number>
}

/** What a scheduler needs to know. */
export interface SchedulerOptions {
  readonly choose: Choice
  /** Virtual milliseconds that a step takes. */
  readonly stepMs: () => number
  readonly startMs: number
  readonly stepsMax: number
  /** Work of others (DuckDB) that is under way: the next step waits for it. */
  readonly elsewhere?: ReadonlySet<Promise<unknown>>
  /** Told of each step. */
  readonly onStep?: (what: string, actor: Actor | undefined) => void
}

interface Task {
  readonly actor: Actor | undefined
  readonly what: string
  readonly dueMs: number
  readonly isSleep: boolean
  readonly run: () => void
}

/** Timers are late by up to this: all that fall into one stretch go off together, as on a machine that has much to do. */
const STRETCH_MS_MIN = 50
const STRETCH_MS_MAX = 16_000
/** After so many steps it is asked whether all is done, though somebody is at work. */
const BUSY_STEPS = 100

/**
 * Lets everybody go on until all wait for the scheduler. What is read from a disk on the way (a copy of a landing file, in a folder of its
 * own) is waited for: it asks nobody.
 */
async function settle(elsewhere: ReadonlySet<Promise<unknown>>): Promise<void> {
  do {
    await Promise.allSettled(elsewhere)
    await new Promise((resolve) => setImmediate(resolve))
  } while (elsewhere.size > 0 || process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name)))
}

/** The run took more steps than anything sensible needs. */
export class StepsExhausted extends Error {}

/** Starts with nothing to do. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { choose, stepMs, stepsMax, elsewhere = new Set(), onStep } = options
  let nowMs = options.startMs
  let ready: Task[] = []
  let timers: Task[] = []
  /** No timer goes off before. */
  let nextMs = Number.POSITIVE_INFINITY
  let stretchMs = STRETCH_MS_MIN
  let ids = 0
  const add = (task: Task): void => {
    if (task.dueMs <= nowMs) {
      ready.push(task)
      return
    }
    timers.push(task)
    nextMs = Math.min(nextMs, task.dueMs)
  }
  const sleep = (actor: Actor, ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (!actor.isAlive) return
      const dueMs = Math.ceil((nowMs + Math.max(1, ms)) / stretchMs) * stretchMs
      const task: Task = { actor, what: 'wakes', dueMs, isSleep: true, run: resolve }
      const wakeEarly = (): void => {
        if (!timers.includes(task)) return
        timers = timers.filter((each) => each !== task)
        ready.push(task)
      }
      timers.push(task)
      nextMs = Math.min(nextMs, dueMs)
      if (signal?.aborted) wakeEarly()
      else signal?.addEventListener('abort', wakeEarly, { once: true })
    })
  const take = <T>(actor: Actor, what: string, work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (!actor.isAlive) return
      const run = (): void => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      }
      add({ actor, what, dueMs: nowMs, isSleep: false, run })
    })
  /** Wakes whose time has come; tells whether anybody got up. */
  const wake = (): boolean => {
    if (nowMs < nextMs) return false
    const due = timers.filter(({ dueMs }) => dueMs <= nowMs)
    timers = timers.filter(({ dueMs }) => dueMs > nowMs)
    nextMs = timers.reduce((least, { dueMs }) => Math.min(least, dueMs), Number.POSITIVE_INFINITY)
    if (due.length === 0) return false
    // Sleepers that wake together get up in an order of their own.
    while (due.length > 0)
      for (const task of due.splice(choose(due.length, 'timer'), 1)) {
        if (!task.isSleep) {
          ready.push(task)
          continue
        }
        onStep?.(task.what, task.actor)
        if (task.actor?.isAlive !== false) task.run()
      }
    return true
  }
  return {
    nowMs: () => nowMs,
    clockOf: (actor) => ({
      now: () => nowMs + actor.skewMs,
      uuid: () => {
        ids += 1
        return `00000000-0000-4000-8000-${ids.toString(16).padStart(12, '0')}`
      },
      sleep: (ms, signal) => sleep(actor, ms, signal),
    }),
    take,
    at: (timeMs, what, run) => add({ actor: undefined, what, dueMs: timeMs, isSleep: false, run }),
    kill: (actor) => {
      actor.isAlive = false
      ready = ready.filter((task) => task.actor !== actor)
      timers = timers.filter((task) => task.actor !== actor)
    },
    freeze: (ms) => {
      nowMs += ms
    },
    run: async (isDone) => {
      for (let steps = 0; steps <= stepsMax; steps += 1) {
        await settle(elsewhere)
        // Where requests are slow somebody always looks at something.
        if (steps % BUSY_STEPS === BUSY_STEPS - 1 && (await isDone())) return steps
        while (!wake() && ready.length === 0) {
          if (await isDone()) return steps
          if (timers.length === 0) throw new StepsExhausted('nobody will ever do anything again')
          nowMs = Math.max(nowMs, nextMs)
          stretchMs = Math.min(STRETCH_MS_MAX, stretchMs * 2)
        }
        if (ready.length > 0) stretchMs = STRETCH_MS_MIN
        for (const task of ready.splice(ready.length === 0 ? 0 : choose(ready.length, 'task'), 1)) {
          nowMs += stepMs()
          onStep?.(task.what, task.actor)
          // Whoever died at this step does not do it.
          if (task.actor?.isAlive !== false) task.run()
        }
      }
      throw new StepsExhausted(`no end after ${stepsMax} steps`)
    },
  }
}
