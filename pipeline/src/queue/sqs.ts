import type * as Sdk from '@aws-sdk/client-sqs'
import { queueInvalid, queueSdkMissing } from '../errors.ts'
import type { Queue, QueueMessage } from './queue.ts'
import { wrapQueueError } from './queue-error.ts'
import { parseQueueUrl, parseRedrive } from './queue-url.ts'

const BATCH = 10
const WAIT_SECONDS_MAX = 20
const HIDE_SECONDS_MAX = 12 * 60 * 60
const REQUEST_TIMEOUT_MS = 30_000
const REASON_LENGTH_MAX = 1000

/**
 * A queue of SQS by its URL; region and credentials come by the AWS chain. Asks once for its dead-letter queue. Throws
 * `QUEUE_INVALID`, `QUEUE_SDK_MISSING`, `QUEUE_NOT_FOUND`, `QUEUE_REFUSED` and `QUEUE_UNREACHABLE`, as its methods do.
 */
export async function openSqsQueue(url: string): Promise<Queue> {
  const parsed = parseQueueUrl(url)
  if (parsed === undefined) throw queueInvalid(url)
  const sdk = await import('@aws-sdk/client-sqs').catch((cause: unknown) => {
    throw queueSdkMissing(cause)
  })
  // The URL says where the queue is, also on AWS; other servers do not care about the region.
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const client = new sdk.SQSClient({
    endpoint: new URL(url).origin,
    region: parsed.region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1',
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true, connectionTimeout: 5_000 },
  })
  const asked = async <Answer>(doing: string, ask: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await ask()
    } catch (cause) {
      throw wrapQueueError(cause, url, doing)
    }
  }
  const attributes = await asked('asking for its attributes', () =>
    client.send(new sdk.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['RedrivePolicy'] })),
  )
  const redrive = parseRedrive(attributes.Attributes?.['RedrivePolicy'], url)
  const remove = async (messages: readonly QueueMessage[]): Promise<void> => {
    for (const Entries of batches(messages, ({ receipt }, Id) => ({ Id, ReceiptHandle: receipt })))
      await client.send(new sdk.DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
  }
  return {
    url,
    receivesMax: redrive?.receivesMax,
    depth: async () => {
      const AttributeNames = ['ApproximateNumberOfMessages' as const]
      const command = new sdk.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames })
      const { Attributes } = await asked('asking for its attributes', () => client.send(command))
      return Number(Attributes?.['ApproximateNumberOfMessages'] ?? 0)
    },
    receive: ({ waitMs, hideMs, signal }) =>
      asked('receiving', () => receive({ sdk, client, url }, { waitMs, hideMs, signal })),
    hide: (messages, hideMs) =>
      asked('hiding messages', async () => {
        const VisibilityTimeout = Math.min(HIDE_SECONDS_MAX, Math.ceil(hideMs / 1000))
        const entries = batches(messages, ({ receipt }, Id) => ({ Id, ReceiptHandle: receipt, VisibilityTimeout }))
        for (const Entries of entries)
          await client.send(new sdk.ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }))
      }),
    delete: (messages) => asked('deleting messages', () => remove(messages)),
    setAside: async (message, reason) => {
      if (redrive === undefined) return false
      await asked('sending to its dead-letter queue', () =>
        client.send(
          new sdk.SendMessageCommand({
            QueueUrl: redrive.deadUrl,
            MessageBody: message.body,
            MessageAttributes: { 'tributary-reason': { DataType: 'String', StringValue: attributeText(reason) } },
            ...(url.endsWith('.fifo') ? { MessageGroupId: 'tributary', MessageDeduplicationId: message.id } : {}),
          }),
        ),
      )
      await asked('deleting messages', () => remove([message]))
      return true
    },
  }
}

interface Asked {
  readonly sdk: typeof Sdk
  readonly client: Sdk.SQSClient
  readonly url: string
}

async function receive(
  { sdk, client, url }: Asked,
  { waitMs, hideMs, signal }: { readonly waitMs: number; readonly hideMs: number; readonly signal: AbortSignal },
): Promise<readonly QueueMessage[]> {
  const command = new sdk.ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: BATCH,
    WaitTimeSeconds: Math.min(WAIT_SECONDS_MAX, Math.floor(waitMs / 1000)),
    VisibilityTimeout: Math.ceil(hideMs / 1000),
    MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
  })
  const answer = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
    if (signal.aborted) return undefined
    throw error
  })
  return (answer?.Messages ?? []).flatMap(({ MessageId, ReceiptHandle, Body, Attributes }) =>
    MessageId === undefined || ReceiptHandle === undefined
      ? []
      : {
          id: MessageId,
          receipt: ReceiptHandle,
          body: Body ?? '',
          receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
          sentMs: Number(Attributes?.SentTimestamp ?? 0),
        },
  )
}

// An entry that fails is one that somebody else has by now: it was hidden for too short a time, and comes again or is gone.
function* batches<Entry>(
  messages: readonly QueueMessage[],
  entryOf: (message: QueueMessage, id: string) => Entry,
): Iterable<Entry[]> {
  for (let at = 0; at < messages.length; at += BATCH)
    yield messages.slice(at, at + BATCH).map((message, index) => entryOf(message, String(index)))
}

/** A message attribute may not hold control characters. */
function attributeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return text.slice(0, REASON_LENGTH_MAX).replaceAll(/[\u0000-\u001f\u007f\ufffe\uffff]/g, ' ') || 'unknown'
}
