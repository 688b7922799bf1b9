// A server of the tests' own: buckets that tell queues what was written (moto). Started by the test that needs it, ended by its id.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'

const ROOT = join(import.meta.dirname, '../../..')
const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' }

/** A running server. */
export interface Moto {
  readonly endpoint: string
  /** The environment by which all programs find it. */
  readonly environment: Readonly<Record<string, string>>
  readonly sqs: SQSClient
  readonly close: () => Promise<void>
}

/** Starts the server on a free port of the loopback. */
export async function startMoto(): Promise<Moto> {
  const python = join(ROOT, '.venv/bin/python')
  await access(join(ROOT, '.venv/.servers-ready')).catch(() => {
    throw new Error('moto is not there: run make servers')
  })
  const child = spawn(python, [join(ROOT, '.ci/servers/moto-server.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await firstLine(child)
  const endpoint = `http://127.0.0.1:${port}`
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    // delta-rs asks for leave.
    AWS_ALLOW_HTTP: 'true',
  }
  const sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials: KEYS })
  const close = async (): Promise<void> => {
    sqs.destroy()
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
  }
  return { endpoint, environment, sqs, close }
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.includes('\n')) return text.trim()
  }
  throw new Error('moto ended before it was ready')
}

/** A queue and, unless told otherwise, where it puts what was received three times. */
export interface MotoQueue {
  readonly url: string
  readonly arn: string
  readonly deadUrl: string
}

/** Makes a queue of its own. */
export async function makeQueue(
  { sqs }: Moto,
  { hasDeadLetters = true }: { readonly hasDeadLetters?: boolean } = {},
): Promise<MotoQueue> {
  const name = `queue-${randomUUID().slice(0, 8)}`
  const dead = await create(sqs, `${name}-dead`, {})
  const policy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 })
  const queue = await create(sqs, name, hasDeadLetters ? { RedrivePolicy: policy } : {})
  return { ...queue, deadUrl: dead.url }
}

async function create(
  sqs: SQSClient,
  QueueName: string,
  Attributes: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly arn: string }> {
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }))
  return { url, arn: answer.Attributes?.['QueueArn'] ?? '' }
}

/** Puts a message into a queue. */
export async function sendBody({ sqs }: Moto, url: string, body: string): Promise<void> {
  await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }))
}

/** Takes all out of a dead-letter queue. */
export async function readDead(
  { sqs }: Moto,
  { deadUrl }: MotoQueue,
): Promise<readonly { readonly body: string; readonly reason: string | undefined }[]> {
  const answer = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: deadUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
  )
  return (answer.Messages ?? []).map(({ Body = '', MessageAttributes }) => ({
    body: Body,
    reason: MessageAttributes?.['tributary-reason']?.StringValue,
  }))
}
