// What a function finds around it: buckets that tell a queue, a proxy that counts and fails on demand, and calls as Lambda makes them.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { type Engine, storeAt, systemClock } from '@tributary/delta'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type Fault, openFaultProxy, type ProxiedRequest } from '../../../delta/test/servers/fault-proxy.ts'
import { readConfig } from '../../src/config/config.ts'
import { type BatchAnswer, type CallContext, type FunctionParts, functionHandler } from '../../src/lambda/handler.ts'
import { openLake } from '../../src/worker/lake.ts'
import { type MotoQueue, makeQueue, startMoto } from '../queue/moto.ts'
import { canonicalRows, snapshotOf } from '../support/workplace.ts'

export interface FunctionPlace {
  readonly queue: MotoQueue
  readonly environment: Readonly<Record<string, string>>
  /** All that was asked of the bucket and the queue since the last `forget`. */
  readonly requests: () => readonly ProxiedRequest[]
  readonly forget: () => void
  /** Decides about the requests from now on. */
  readonly choose: (fault: (request: ProxiedRequest) => Fault) => void
  readonly configure: (tables: Readonly<Record<string, string>>) => Promise<void>
  /** Puts an object into the landing; the queue is told. */
  readonly put: (key: string, text: string) => Promise<void>
  /** What waits in the queue, as Lambda hands it over. */
  readonly receive: () => Promise<SqsEvent>
  readonly rowsOf: (engine: Engine, table: string) => Promise<readonly string[]>
  /** Names of all objects of the lake. */
  readonly objects: () => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

export interface SqsEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[]
}

/** Starts the servers and makes bucket, queue and notification. */
export async function openFunctionPlace(): Promise<FunctionPlace> {
  const moto = await startMoto()
  let decide: (request: ProxiedRequest) => Fault = () => 'pass'
  const proxy = await openFaultProxy(moto.endpoint, (request) => decide(request))
  const before = { ...process.env }
  const TMPDIR = await mkdtemp(join(tmpdir(), 'tributary-function-'))
  Object.assign(process.env, moto.environment, { AWS_ENDPOINT_URL: proxy.endpoint, TMPDIR })
  const s3 = new S3Client({ endpoint: moto.endpoint, forcePathStyle: true })
  // Names of its own: a process keeps its connection to a bucket by the name, and files of tests share processes.
  const name = randomUUID().slice(0, 8)
  const [landing, lake, settings] = [`landing-${name}`, `lake-${name}`, `settings-${name}`]
  const config = `s3://${settings}/tributary.yaml`
  for (const Bucket of [landing, lake, settings]) await s3.send(new CreateBucketCommand({ Bucket }))
  const queue = await makeQueue(moto)
  const QueueConfigurations = [{ QueueArn: queue.arn, Events: ['s3:ObjectCreated:*' as const] }]
  const NotificationConfiguration = { QueueConfigurations }
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: landing, NotificationConfiguration }))
  const put = async (Bucket: string, Key: string, Body: string): Promise<void> => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  }
  let first = 0
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'v', type: 'string' },
  ] as const
  return {
    queue,
    environment: { TRIBUTARY_CONFIG: config, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024' },
    requests: () => proxy.requests.slice(first),
    forget: () => {
      first = proxy.requests.length
    },
    choose: (fault) => {
      decide = fault
    },
    configure: async (tables) => {
      const lines = Object.entries(tables).map(
        ([name, more]) => `  ${name}: {key: [id], columns: {id: long, v: string}${more}}\n`,
      )
      const head = `landing: s3://${landing}/dms\nlake: s3://${lake}\ndms: {AddColumnName: true}\nreload: {settle: 0s}\ntables:\n`
      await put(settings, 'tributary.yaml', head + lines.join(''))
    },
    put: (key, text) => put(landing, `dms/${key}`, text),
    receive: async () => {
      const { Messages = [] } = await moto.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queue.url,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: 600,
          MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
        }),
      )
      const Records = Messages.map(({ MessageId = '', ReceiptHandle: receiptHandle, Body: body = '', Attributes }) => ({
        messageId: MessageId,
        receiptHandle,
        body,
        attributes: Attributes,
        eventSource: 'aws:sqs',
        eventSourceARN: queue.arn,
        awsRegion: 'us-east-1',
      }))
      return { Records }
    },
    rowsOf: async (engine, table) =>
      canonicalRows(engine, await snapshotOf(openLake(await readConfig(config)), table), columns),
    objects: async () => (await Array.fromAsync(storeAt(`s3://${lake}`).list(''))).map(({ path }) => path),
    close: async () => {
      s3.destroy()
      await proxy.close()
      await moto.close()
      restoreEnvironment(before)
      await rm(TMPDIR, { recursive: true, force: true })
    },
  }
}

/** A function, and what it said. */
export interface TestedFunction {
  /** Calls it; `remainingMs` is how much time it sees, question after question, the last answer for all that follow. */
  readonly call: (event: unknown, ...remainingMs: readonly number[]) => Promise<BatchAnswer>
  readonly lines: Record<string, unknown>[]
}

/** Begins a function that has not run yet. */
export function beginFunction({ environment }: FunctionPlace, parts: Partial<FunctionParts> = {}): TestedFunction {
  const lines: Record<string, unknown>[] = []
  const handler = functionHandler({
    clock: systemClock,
    environment,
    log: (line) => lines.push(JSON.parse(line)),
    ...parts,
  })
  return {
    lines,
    call: (event, ...remainingMs) => {
      const answers = remainingMs.length === 0 ? [120_000] : [...remainingMs]
      const getRemainingTimeInMillis = (): number => (answers.length > 1 ? answers.shift() : answers[0]) ?? 0
      const context: CallContext = { awsRequestId: 'request-1', getRemainingTimeInMillis }
      return handler(event, context)
    },
  }
}
