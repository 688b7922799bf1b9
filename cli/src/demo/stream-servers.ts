// The servers of the streaming demo: buckets, and queues that the buckets tell what was written. One process plays both, on the loopback;
// it reads our end of a pipe and ends with us, whatever ends us.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { demoFailed } from '../errors.ts'

const REGION = 'us-east-1'
const KEYS = { accessKeyId: 'demo', secretAccessKey: 'demo' }

/** Buckets `landing` and `lake`, and what happens in them. */
export interface StreamServers {
  readonly endpoint: string
  /** The environment by which the command finds them. */
  readonly environment: Readonly<Record<string, string>>
  /** How stores find them. */
  readonly options: { readonly endpoint: string; readonly region: string; readonly credentials: typeof KEYS }
  /** The queue that is told of the landing. */
  readonly queueUrl: string
  /** Returns when the server has answered: the object is there. */
  readonly put: (key: string, text: string) => Promise<void>
  /** Messages of the landing's queue that are not deleted yet. */
  readonly countOpen: () => Promise<number>
  /** What the server said of objects in the lake since the last call: when it wrote which. */
  readonly takeLakeWrites: () => Promise<readonly { readonly key: string; readonly atMs: number }[]>
  readonly close: () => Promise<void>
}

/** Starts them; `script` is moto with one write after the other. */
export async function startStreamServers(python: string, script: string): Promise<StreamServers> {
  // A group of its own: Ctrl-C is for us, and the worker still needs the server to end well.
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  const endpoint = `http://127.0.0.1:${await firstLine(child)}`
  const options = { endpoint, region: REGION, credentials: KEYS }
  const s3 = new S3Client({ ...options, forcePathStyle: true })
  const sqs = new SQSClient(options)
  const landing = await makeQueue(sqs, 'landing-events')
  const lake = await makeQueue(sqs, 'lake-events')
  await makeBucket(s3, { name: 'landing', queueArn: landing.arn, suffix: '.csv' })
  await makeBucket(s3, { name: 'lake', queueArn: lake.arn, suffix: '.json' })
  await takeWrites(sqs, lake.url)
  return {
    endpoint,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    },
    options,
    queueUrl: landing.url,
    put: async (key, text) => {
      await s3.send(new PutObjectCommand({ Bucket: 'landing', Key: key, Body: text }))
    },
    countOpen: async () => {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: landing.url, AttributeNames: [...names] }),
      )
      return names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0)
    },
    takeLakeWrites: () => takeWrites(sqs, lake.url),
    close: async () => {
      s3.destroy()
      sqs.destroy()
      const ended = once(child, 'exit')
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk)
    if (text.includes('\n')) return text.trim()
  }
  throw demoFailed('the server for S3 and SQS ended before it was ready')
}

async function makeQueue(sqs: SQSClient, QueueName: string): Promise<{ readonly url: string; readonly arn: string }> {
  const dead = await sqs.send(new CreateQueueCommand({ QueueName: `${QueueName}-dead` }))
  const deadLetterTargetArn = await arnOf(sqs, dead.QueueUrl)
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 5 })
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { RedrivePolicy } }))
  return { url, arn: await arnOf(sqs, url) }
}

async function arnOf(sqs: SQSClient, QueueUrl: string | undefined): Promise<string> {
  const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  return answer.Attributes?.['QueueArn'] ?? ''
}

async function makeBucket(
  s3: S3Client,
  { name, queueArn, suffix }: { readonly name: string; readonly queueArn: string; readonly suffix: string },
): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: name }))
  const Filter = { Key: { FilterRules: [{ Name: 'suffix' as const, Value: suffix }] } }
  const QueueConfigurations = [{ QueueArn: queueArn, Events: ['s3:ObjectCreated:*' as const], Filter }]
  const NotificationConfiguration = { QueueConfigurations }
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: name, NotificationConfiguration }))
}

async function takeWrites(
  sqs: SQSClient,
  QueueUrl: string,
): Promise<readonly { readonly key: string; readonly atMs: number }[]> {
  const writes: { readonly key: string; readonly atMs: number }[] = []
  // Bounded: nobody writes any more when this is called, and what is received is deleted.
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    if (Messages.length === 0) return writes
    writes.push(...Messages.flatMap(({ Body = '' }) => parseWrites(Body)))
    const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }))
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
  }
}

interface Notification {
  readonly Records?: readonly {
    readonly eventTime: string
    readonly s3: { readonly object: { readonly key: string } }
  }[]
}

function parseWrites(body: string): readonly { readonly key: string; readonly atMs: number }[] {
  const { Records = [] } = JSON.parse(body) as Notification
  return Records.map(({ eventTime, s3 }) => ({
    key: decodeURIComponent(s3.object.key.replaceAll('+', ' ')),
    atMs: Date.parse(eventTime),
  }))
}
