// The whole chain with nothing of ours in between: objects are put into a bucket, the bucket tells a queue, the command takes them in, in
// a process of its own that is killed in the middle. Worth its seconds: it is what runs in production, but for the name of the server.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { openLake } from '../../src/worker/lake.ts'
import { canonicalRows, openWorkplace, snapshotOf, type Workplace } from '../support/workplace.ts'
import { type MotoQueue, makeQueue, readDead, sendBody, startMoto } from './moto.ts'

const COMMAND = join(import.meta.dirname, '../../../bin/tributary')
const TABLES = ['a', 'b', 'c']
const moto = await startMoto()
const s3 = new S3Client({
  endpoint: moto.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
})
const workers: ChildProcess[] = []
let folder: string
let queue: MotoQueue
let workplace: Workplace

beforeAll(async () => {
  workplace = await openWorkplace()
  folder = await mkdtemp(join(tmpdir(), 'tributary-chain-'))
  queue = await makeQueue(moto)
  await s3.send(new CreateBucketCommand({ Bucket: 'landing' }))
  const tables = TABLES.map((name) => `  s.${name}: {key: [id], columns: {id: long, v: string}}\n`).join('')
  await writeFile(
    join(folder, 'tributary.yaml'),
    `landing: s3://landing/dms\nlake: lake\nqueue: ${queue.url}\ndms: {AddColumnName: true}\nreload: {settle: 0s}\ntables:\n${tables}`,
  )
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  s3.destroy()
  await moto.close()
  await workplace.close()
  await rm(folder, { recursive: true, force: true })
})

/** Notifications of the landing go to the queue, or nowhere. */
function tell(isOn: boolean): Promise<unknown> {
  const QueueConfigurations = isOn ? [{ QueueArn: queue.arn, Events: ['s3:ObjectCreated:*' as const] }] : []
  const NotificationConfiguration = { QueueConfigurations }
  return s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'landing', NotificationConfiguration }))
}

function put(key: string, text: string): Promise<unknown> {
  return s3.send(new PutObjectCommand({ Bucket: 'landing', Key: `dms/s/${key}`, Body: text }))
}

/** One change file of a table: row `at` is new, and row 1 says which file was last. */
function change(table: string, at: number): Promise<unknown> {
  const name = `20260301-1015${String(at).padStart(2, '0')}000.csv`
  return put(`${table}/${name}`, `Op,id,v\nI,${100 + at},new ${at}\nU,1,changed ${at}\n`)
}

/** Each table's files one after the other: a file behind its successor would stop its table. */
async function putChanges(numbers: readonly number[]): Promise<void> {
  for (const at of numbers) await Promise.all(TABLES.map((table) => change(table, at)))
}

interface Worker {
  readonly process: ChildProcess
  readonly said: () => string
}

function startWorker(...flags: readonly string[]): Worker {
  const child = spawn(COMMAND, ['-C', folder, 'ingest', '--watch', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...moto.environment },
  })
  workers.push(child)
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { process: child, said: () => text }
}

async function rowsOf(table: string): Promise<readonly string[]> {
  const lake = openLake(await readConfig(join(folder, 'tributary.yaml')))
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'v', type: 'string' },
  ] as const
  return canonicalRows(workplace.engine, await snapshotOf(lake, `s.${table}`), columns)
}

/** Messages that are visible, and messages that somebody holds. */
async function countMessages(): Promise<readonly [number, number]> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
  const command = new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: [...names] })
  const { Attributes } = await moto.sqs.send(command)
  return [Number(Attributes?.[names[0]]), Number(Attributes?.[names[1]])]
}

async function until(worker: Worker, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    if (await isTrue()) return
    await systemClock.sleep(50)
  }
  throw new Error(`it did not come true; the worker said:\n${worker.said()}`)
}

async function end({ process: child }: Worker, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
  return child.exitCode
}

test('every object takes effect once, through junk, duplicates, a lost message and a worker that is killed', async () => {
  await tell(true)
  for (const table of TABLES) await put(`${table}/LOAD00000001.csv`, 'id,v\n1,one\n2,two\n')
  const first = startWorker()
  await until(first, async () => (await rowsOf('c')).length === 2)
  await sendBody(moto, queue.url, 'hello')
  const puts = putChanges([1, 2, 3, 4])
  await until(first, async () => (await rowsOf('a')).length > 2)
  await end(first, 'SIGKILL')
  await puts
  // The same object again tells the queue again; and of the last one nobody is told.
  for (const table of TABLES) await change(table, 3)
  await tell(false)
  await change('b', 5)
  const second = startWorker('--interval', '2', '--metrics', '0')
  await until(second, async () => (await rowsOf('b')).length === 7 && (await rowsOf('c')).length === 6)
  await tell(true)
  await change('a', 6)
  await until(second, async () => (await rowsOf('a')).length === 7)
  await until(second, async () => (await countMessages())[0] === 0)
  const [metrics] = /http:.*\/metrics/.exec(second.said()) ?? []
  const text = await (await fetch(metrics ?? '')).text()
  expect(text).toContain('tributary_lag_seconds_count{hop="merge"}')
  expect(text).toContain('tributary_queue_messages 0\n')
  expect(await end(second, 'SIGTERM')).toBe(130)
  const expected = (...files: readonly number[]): readonly string[] =>
    [`["1","changed ${files.at(-1)}"]`, '["2","two"]', ...files.map((at) => `["${100 + at}","new ${at}"]`)].toSorted()
  expect(await rowsOf('a')).toEqual(expected(1, 2, 3, 4, 6))
  expect(await rowsOf('b')).toEqual(expected(1, 2, 3, 4, 5))
  expect(await rowsOf('c')).toEqual(expected(1, 2, 3, 4))
  expect(await readDead(moto, queue)).toEqual([{ body: 'hello', reason: 'not a notification of S3: it is no JSON' }])
})

async function outcomeOf(worker: Worker): Promise<readonly [number | null, string]> {
  await once(worker.process, 'close')
  return [worker.process.exitCode, worker.said()]
}

test('a queue that is not there, and tables picked from a queue, are refused in words', async () => {
  const [code, said] = await outcomeOf(startWorker('--table', 's.a'))
  expect([code, said]).toEqual([2, expect.stringContaining('the queue tells of all tables and --table names some')])
  const text = await readFile(join(folder, 'tributary.yaml'), 'utf8')
  await writeFile(join(folder, 'tributary.yaml'), text.replace(queue.url, `${queue.url}-gone`))
  const [notFound, words] = await outcomeOf(startWorker())
  expect([notFound, words]).toEqual([3, expect.stringContaining(`There is no queue ${queue.url}-gone`)])
})
