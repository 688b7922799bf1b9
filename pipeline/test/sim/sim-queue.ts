// SQS as its documentation lets it be: messages come twice, late and in any order, are hidden for a while and not for ever, and go to
// the dead-letter queue after so many receives. Each process asks it through a handle of its own, whose calls may fail.
import type { Queue, QueueMessage } from '../../src/queue/queue.ts'
import { wrapQueueError } from '../../src/queue/queue-error.ts'
import type { Random } from '../support/random.ts'
import type { Faults } from './faults.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** A message as it lies in the queue. */
interface Stored {
  readonly id: string
  readonly body: string
  readonly sentMs: number
  receives: number
  receipt: string
  visibleMs: number
}

/** The queue that all share. */
export interface SimQueue {
  readonly send: (body: string, delayMs: number) => void
  /** Messages that are still to be settled: neither deleted nor dead, nor hidden for good where there is no dead-letter queue. */
  readonly size: () => number
  readonly handleFor: (actor: Actor) => Queue
  /** Bodies that somebody deleted: the acknowledged ones. */
  readonly deleted: readonly string[]
  /** What lies in the dead-letter queue; without a reason where the queue itself moved it. */
  readonly dead: readonly { readonly body: string; readonly reason: string | undefined }[]
}

/** What a queue works with. */
export interface QueueParts {
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly random: Random
  readonly receivesMax: number | undefined
  readonly onCall: (actor: Actor, what: string) => void
  /** Told of each message that is deleted, when it is. */
  readonly onDelete: (body: string) => void
}

const URL = 'sim://queue'
const HIDDEN_FOR_GOOD_MS = 6 * 3_600_000
const BATCH = 10

/** Starts empty. */
export function createQueue(parts: QueueParts): SimQueue {
  const { scheduler, receivesMax, onDelete } = parts
  let stored: Stored[] = []
  const deleted: string[] = []
  const dead: { readonly body: string; readonly reason: string | undefined }[] = []
  let ids = 0
  let changed = new AbortController()
  const wakeReceivers = (): void => {
    // Without a reason an exception would be made for it.
    changed.abort('changed')
    changed = new AbortController()
  }
  const drop = ({ id, receipt }: QueueMessage): Stored | undefined => {
    const found = stored.find((each) => each.id === id && each.receipt === receipt)
    if (found !== undefined) stored = stored.filter((each) => each !== found)
    return found
  }
  const store: Store = {
    hasVisible: () => stored.some(({ visibleMs }) => visibleMs <= scheduler.nowMs()),
    nextVisibleMs: () => stored.reduce((least, { visibleMs }) => Math.min(least, visibleMs), Number.POSITIVE_INFINITY),
    whenChanged: () => changed.signal,
    wake: wakeReceivers,
    take: (hideMs, shuffle) => {
      const nowMs = scheduler.nowMs()
      const visible = shuffle(stored.filter(({ visibleMs }) => visibleMs <= nowMs))
      const isSpent = (each: Stored): boolean => receivesMax !== undefined && each.receives >= receivesMax
      for (const { body } of visible.filter(isSpent)) dead.push({ body, reason: undefined })
      stored = stored.filter((each) => !(visible.includes(each) && isSpent(each)))
      return visible
        .filter((each) => !isSpent(each))
        .slice(0, BATCH)
        .map((each) => {
          each.receives += 1
          each.receipt = `${each.id}/${each.receives}`
          each.visibleMs = nowMs + hideMs
          const { id, receipt, body, receives, sentMs } = each
          return { id, receipt, body, receives, sentMs }
        })
    },
    hide: (messages, hideMs) => {
      for (const { id, receipt } of messages) {
        const found = stored.find((each) => each.id === id && each.receipt === receipt)
        if (found !== undefined) found.visibleMs = scheduler.nowMs() + hideMs
      }
      wakeReceivers()
    },
    remove: (messages) => {
      for (const message of messages) {
        const dropped = drop(message)
        if (dropped === undefined) continue
        deleted.push(dropped.body)
        onDelete(dropped.body)
      }
    },
    bury: (message, reason) => {
      if (drop(message) !== undefined) dead.push({ body: message.body, reason })
    },
  }
  return {
    send: (body, delayMs) => {
      ids += 1
      const sentMs = scheduler.nowMs()
      stored.push({ id: String(ids), body, sentMs, receives: 0, receipt: '', visibleMs: sentMs + delayMs })
      wakeReceivers()
    },
    size: () => stored.filter(({ visibleMs }) => visibleMs < scheduler.nowMs() + HIDDEN_FOR_GOOD_MS).length,
    handleFor: (actor) => handle(parts, actor, store),
    deleted,
    dead,
  }
}

interface Store {
  readonly hasVisible: () => boolean
  readonly nextVisibleMs: () => number
  /** Aborted when another message may have become visible sooner. */
  readonly whenChanged: () => AbortSignal
  readonly wake: () => void
  readonly take: (hideMs: number, shuffle: <T>(items: readonly T[]) => readonly T[]) => readonly QueueMessage[]
  readonly hide: (messages: readonly QueueMessage[], hideMs: number) => void
  readonly remove: (messages: readonly QueueMessage[]) => void
  readonly bury: (message: QueueMessage, reason: string) => void
}

function handle(parts: QueueParts, actor: Actor, store: Store): Queue {
  const { scheduler, faults, random, receivesMax, onCall } = parts
  const clock = scheduler.clockOf(actor)
  const call = async <T>(what: string, work: () => T): Promise<T> => {
    const outcome = await scheduler.take(actor, `queue: ${what}`, () => {
      const isFailing = random.chance(faults.queueCall)
      const isDone = !isFailing || random.chance(0.5)
      onCall(actor, `${what}${isFailing ? (isDone ? ', done, answer lost' : ', not done') : ''}`)
      const value = isDone ? work() : undefined
      return isFailing || value === undefined ? undefined : { value }
    })
    if (outcome === undefined) throw wrapQueueError(new Error('the simulation did this'), URL, what)
    return outcome.value
  }
  const done = true
  return {
    url: URL,
    receivesMax,
    depth: async () => 0,
    receive: async ({ waitMs, hideMs, signal }) => {
      const untilMs = clock.now() + waitMs
      signal.addEventListener('abort', store.wake, { once: true })
      for (;;) {
        // A long poll is one request, however long it takes.
        if (store.hasVisible() || signal.aborted || clock.now() >= untilMs) {
          const messages = await call('receive', () => store.take(hideMs, random.shuffle))
          if (messages.length > 0 || signal.aborted || clock.now() >= untilMs) return messages
        }
        const wakeMs = Math.min(untilMs, store.nextVisibleMs() + actor.skewMs)
        await clock.sleep(wakeMs - clock.now(), store.whenChanged())
      }
    },
    hide: async (messages, hideMs) => {
      await call(`hide ${messages.length}`, () => {
        store.hide(messages, hideMs)
        return done
      })
    },
    delete: async (messages) => {
      await call(`delete ${messages.map(({ id }) => id).join(' ')}`, () => {
        store.remove(messages)
        return done
      })
    },
    setAside: async (message, reason) => {
      if (receivesMax === undefined) return false
      return call(`set aside ${message.id}`, () => {
        store.bury(message, reason)
        return done
      })
    },
  }
}
