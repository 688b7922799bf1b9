// Worth a few seconds of waiting: tests of the worker stand on this queue.
import { systemClock } from '@tributary/delta'
import { memoryQueue } from './memory-queue.ts'
import { queueContract } from './queue-contract.ts'

queueContract('memory queue', async ({ hasDeadLetters }) => {
  const queue = memoryQueue(systemClock, hasDeadLetters ? 3 : undefined)
  return { queue, send: async (body) => queue.send(body), dead: async () => queue.dead }
})
