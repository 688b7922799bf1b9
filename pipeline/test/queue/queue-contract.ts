import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Queue, QueueMessage } from '../../src/queue/queue.ts'

/** A queue of its own for one test. Its dead-letter queue takes what was received three times. */
export interface OpenedQueue {
  readonly queue: Queue
  readonly send: (body: string) => Promise<void>
  readonly dead: () => Promise<readonly { readonly body: string; readonly reason: string | undefined }[]>
}

/** What every queue promises. */
export function queueContract(
  name: string,
  open: (options: { readonly hasDeadLetters: boolean }) => Promise<OpenedQueue>,
): void {
  const opened = (): Promise<OpenedQueue> => open({ hasDeadLetters: true })
  const signal = new AbortController().signal
  const look = (queue: Queue, waitMs = 0, hideMs = 30_000): Promise<readonly QueueMessage[]> =>
    queue.receive({ waitMs, hideMs, signal })

  describe(name, () => {
    test('what was received is hidden for a while, and comes again with another receipt', async () => {
      const { queue, send } = await opened()
      await send('one')
      const [first] = await look(queue, 1000, 1000)
      expect(first).toMatchObject({ body: 'one', receives: 1 })
      expect(Math.abs((first?.sentMs ?? 0) - Date.now())).toBeLessThan(60_000)
      expect(await look(queue)).toEqual([])
      const [again] = await look(queue, 3000)
      expect(again).toMatchObject({ id: first?.id, body: 'one', receives: 2 })
      expect(again?.receipt).not.toBe(first?.receipt)
    })

    test('what was deleted does not come again, and deleting it twice is no error', async () => {
      const { queue, send } = await opened()
      await send('one')
      const messages = await look(queue, 1000, 1000)
      await queue.delete(messages)
      await queue.delete(messages)
      await sleep(1100)
      expect(await look(queue)).toEqual([])
    })

    test('hiding can be made longer, and ended at once', async () => {
      const { queue, send } = await opened()
      await send('one')
      const messages = await look(queue, 1000, 1000)
      await queue.hide(messages, 60_000)
      await sleep(1100)
      expect(await look(queue)).toEqual([])
      await queue.hide(messages, 0)
      expect(await look(queue, 1000)).toMatchObject([{ body: 'one', receives: 2 }])
    })

    test('many messages are given, hidden and deleted, ten at most at a time', async () => {
      const { queue, send } = await opened()
      const bodies = Array.from({ length: 23 }, (_, at) => `message ${at}`)
      await Promise.all(bodies.map(send))
      expect(await queue.depth()).toBe(23)
      const received: QueueMessage[] = []
      for (let round = 0; round < 20 && received.length < bodies.length; round += 1) {
        const messages = await look(queue)
        expect(messages.length).toBeLessThanOrEqual(10)
        received.push(...messages)
      }
      expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted())
      expect(await queue.depth()).toBe(0)
      await queue.hide(received, 0)
      const again = await look(queue)
      await queue.delete(again)
      await queue.delete(received)
      expect(again.length).toBeGreaterThan(0)
    })

    test('a message that is put aside is gone here and waits there, with the reason', async () => {
      const { queue, send, dead } = await opened()
      await send('junk')
      const [message] = await look(queue, 1000, 0)
      expect(queue.receivesMax).toBe(3)
      if (message === undefined) throw new Error('no message')
      expect(await queue.setAside(message, 'it is no JSON')).toBe(true)
      expect(await look(queue)).toEqual([])
      expect(await dead()).toEqual([{ body: 'junk', reason: 'it is no JSON' }])
    })

    test('without a dead-letter queue nothing is put aside', async () => {
      const { queue, send } = await open({ hasDeadLetters: false })
      await send('junk')
      const [message] = await look(queue, 1000, 0)
      expect(queue.receivesMax).toBeUndefined()
      if (message === undefined) throw new Error('no message')
      expect(await queue.setAside(message, 'it is no JSON')).toBe(false)
      expect(await look(queue)).toMatchObject([{ body: 'junk' }])
    })

    test('waiting ends when a message comes, and when it is told to', async () => {
      const { queue, send } = await opened()
      const startedMs = performance.now()
      const waiting = look(queue, 20_000)
      await sleep(50)
      await send('late')
      expect(await waiting).toMatchObject([{ body: 'late' }])
      const ending = new AbortController()
      const ended = queue.receive({ waitMs: 20_000, hideMs: 0, signal: ending.signal })
      await sleep(50)
      ending.abort()
      expect(await ended).toEqual([])
      expect(performance.now() - startedMs).toBeLessThan(5000)
    })
  })
}
