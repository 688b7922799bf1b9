import type { Clock } from '@tributary/delta'
import type { Queue, QueueMessage } from '../../src/queue/queue.ts'

/** A queue in this process that keeps its promises by the clock it is given. */
export interface MemoryQueue extends Queue {
  readonly send: (body: string) => void
  /** What was put aside, with the reasons. */
  readonly dead: { readonly body: string; readonly reason: string }[]
  /** Messages that were not deleted yet, hidden or not. */
  readonly size: () => number
  /** All that was deleted so far, in that order. */
  readonly deleted: string[]
}

interface Stored {
  readonly id: string
  readonly body: string
  readonly sentMs: number
  receives: number
  receipt: string
  hiddenUntilMs: number
}

const STEP_MS = 10

/** Opens an empty queue. */
export function memoryQueue(clock: Clock, receivesMax?: number): MemoryQueue {
  const stored = new Map<string, Stored>()
  const dead: { readonly body: string; readonly reason: string }[] = []
  const deleted: string[] = []
  let count = 0
  const find = ({ id, receipt }: QueueMessage): Stored | undefined => {
    const message = stored.get(id)
    return message?.receipt === receipt ? message : undefined
  }
  const take = (hideMs: number): readonly QueueMessage[] => {
    const nowMs = clock.now()
    const visible = [...stored.values()].filter(({ hiddenUntilMs }) => hiddenUntilMs <= nowMs).slice(0, 10)
    return visible.map((message) => {
      message.receives += 1
      message.receipt = `${message.id}/${message.receives}`
      message.hiddenUntilMs = nowMs + hideMs
      const { id, receipt, body, receives, sentMs } = message
      return { id, receipt, body, receives, sentMs }
    })
  }
  const remove = (message: QueueMessage): void => {
    if (find(message) === undefined) return
    stored.delete(message.id)
    deleted.push(message.body)
  }
  return {
    url: 'memory://queue',
    receivesMax,
    dead,
    deleted,
    size: () => stored.size,
    depth: async () => [...stored.values()].filter(({ hiddenUntilMs }) => hiddenUntilMs <= clock.now()).length,
    send: (body) => {
      count += 1
      const id = String(count)
      stored.set(id, { id, body, sentMs: clock.now(), receives: 0, receipt: '', hiddenUntilMs: 0 })
    },
    receive: async ({ waitMs, hideMs, signal }) => {
      const untilMs = clock.now() + waitMs
      let messages = take(hideMs)
      while (messages.length === 0 && clock.now() < untilMs && !signal.aborted) {
        await clock.sleep(STEP_MS)
        messages = take(hideMs)
      }
      return messages
    },
    hide: async (messages, hideMs) => {
      for (const message of messages) {
        const found = find(message)
        if (found !== undefined) found.hiddenUntilMs = clock.now() + hideMs
      }
    },
    delete: async (messages) => messages.forEach(remove),
    setAside: async (message, reason) => {
      if (receivesMax === undefined) return false
      dead.push({ body: message.body, reason })
      if (find(message) !== undefined) stored.delete(message.id)
      return true
    },
  }
}
