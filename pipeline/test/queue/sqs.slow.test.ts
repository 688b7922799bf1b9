// SQS as a server answers it: the queue of the worker keeps its promises on the wire too.
import { afterAll, expect, test } from 'vitest'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { openSqsQueue } from '../../src/queue/sqs.ts'
import { makeQueue, readDead, sendBody, startMoto } from './moto.ts'
import { queueContract } from './queue-contract.ts'

const before = { ...process.env }
const moto = await startMoto()
Object.assign(process.env, moto.environment)
afterAll(async () => {
  await moto.close()
  restoreEnvironment(before)
})

queueContract('SQS', async (options) => {
  const made = await makeQueue(moto, options)
  return {
    queue: await openSqsQueue(made.url),
    send: (body) => sendBody(moto, made.url, body),
    dead: () => readDead(moto, made),
  }
})

test('a reason of any text reaches the dead-letter queue', async () => {
  const made = await makeQueue(moto)
  const queue = await openSqsQueue(made.url)
  await sendBody(moto, made.url, 'junk')
  const [message] = await queue.receive({ waitMs: 1000, hideMs: 1000, signal: new AbortController().signal })
  if (message === undefined) throw new Error('no message')
  await queue.setAside(message, `not "é"\u0000\n${'x'.repeat(5000)}`)
  expect(await readDead(moto, made)).toMatchObject([{ reason: `not "é"  ${'x'.repeat(991)}` }])
})

test('a queue that is not there is told by name', async () => {
  const url = `${moto.endpoint}/123456789012/no-such-queue`
  await expect(openSqsQueue(url)).rejects.toThrow(
    `There is no queue ${url}, or these credentials may not see it. Correct \`queue\` in tributary.yaml, or leave it out: files are then found by listing.`,
  )
})

test('a server that is not there is told, and so is text that is no queue', async () => {
  await expect(openSqsQueue('http://127.0.0.1:1/123456789012/queue')).rejects.toMatchObject({
    code: 'QUEUE_UNREACHABLE',
    kind: 'unavailable',
  })
  await expect(openSqsQueue('https://sqs.eu-west-1.amazonaws.com/queue')).rejects.toMatchObject({
    code: 'QUEUE_INVALID',
  })
})
