// How long messages are on their way, by hop, and since when a table's oldest news waits.
import type { QueueMessage } from '../queue/queue.ts'

interface Arrival {
  readonly writtenMs: number | undefined
  readonly receivedMs: number
  /** When a table first looked because of it. */
  pickedUpMs: number | undefined
}

/** What is known of messages while we hold them. */
export interface Arrivals {
  readonly add: (
    message: QueueMessage,
    times: { readonly writtenMs: number | undefined; readonly nowMs: number },
  ) => void
  /** A table looks because of these. */
  readonly pickUp: (messages: readonly QueueMessage[], nowMs: number) => void
  /** The hops of a message whose files are in durable commits; empty for one that named no file. */
  readonly hopsOf: (message: QueueMessage, nowMs: number) => Readonly<Record<string, number>>
  /** When the first of these was written, or received where it doesn't say. */
  readonly oldestOf: (messages: readonly QueueMessage[]) => number | undefined
}

/** Starts with nothing known; what is no longer held is forgotten by itself. */
export function createArrivals(): Arrivals {
  const arrivals = new WeakMap<QueueMessage, Arrival>()
  return {
    add: (message, { writtenMs, nowMs }) => {
      arrivals.set(message, { writtenMs, receivedMs: nowMs, pickedUpMs: undefined })
    },
    pickUp: (messages, nowMs) => {
      for (const message of messages) {
        const arrival = arrivals.get(message)
        if (arrival !== undefined) arrival.pickedUpMs ??= nowMs
      }
    },
    hopsOf: (message, nowMs) => {
      const { writtenMs, pickedUpMs } = arrivals.get(message) ?? {}
      if (pickedUpMs === undefined) return {}
      const queue = writtenMs === undefined ? {} : { queue: Math.max(0, pickedUpMs - writtenMs) }
      return { ...queue, merge: nowMs - pickedUpMs }
    },
    oldestOf: (messages) => {
      const times = messages.flatMap((message) => {
        const arrival = arrivals.get(message)
        return arrival === undefined ? [] : [arrival.writtenMs ?? arrival.receivedMs]
      })
      return times.length === 0 ? undefined : Math.min(...times)
    },
  }
}
