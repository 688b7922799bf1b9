// Canaries sing where they must not be: secrets and values of rows go through a worker on real servers, and then everything that was said
// or written down is searched for them. Worth its seconds: what is written once is copied to places that nobody can clean.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MotoQueue, makeQueue, sendBody, startMoto } from '../../pipeline/test/queue/moto.ts'
import { freshFolder, type Outcome, tributary } from './run-cli.ts'

const SECRET = 'canary/secret+of+the+machine'
const KEY = 'AKIACANARYCANARY2026'
const CELL = 'canary cell'
const moto = await startMoto()
const environment = { ...moto.environment, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET }
const credentials = { accessKeyId: KEY, secretAccessKey: SECRET }
const s3 = new S3Client({ endpoint: moto.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
const said: string[] = []
let folder: string
let queue: MotoQueue
let worker: ChildProcess

beforeAll(async () => {
  folder = await freshFolder()
  queue = await makeQueue(moto)
  for (const Bucket of ['landing', 'lake']) await s3.send(new CreateBucketCommand({ Bucket }))
  const NotificationConfiguration = {
    QueueConfigurations: [{ QueueArn: queue.arn, Events: ['s3:ObjectCreated:*' as const] }],
  }
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'landing', NotificationConfiguration }))
  const tables = ['good', 'bad', 'torn'].map(
    (name) => `  s.${name}: {key: [id], columns: {id: long, v: string, n: long}}\n`,
  )
  await writeFile(
    join(folder, 'tributary.yaml'),
    `landing: s3://landing\nlake: s3://lake\nqueue: ${queue.url}\ndms: {AddColumnName: true}\nreload: {settle: 0s}\ntables:\n${tables.join('')}`,
  )
  worker = spawn(
    join(import.meta.dirname, '../../bin/tributary'),
    ['-C', folder, 'ingest', '--watch', '--log', 'json', '--metrics', '0'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    },
  )
  for (const stream of [worker.stdout, worker.stderr])
    stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
})
afterAll(async () => {
  worker.kill('SIGKILL')
  s3.destroy()
  await moto.close()
  await rm(folder, { recursive: true, force: true })
})

function put(key: string, text: string): Promise<unknown> {
  return s3.send(new PutObjectCommand({ Bucket: 'landing', Key: `s/${key}`, Body: text }))
}

async function untilSaid(text: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 50) {
    if (said.join('').includes(text)) return
    await systemClock.sleep(50)
  }
  throw new Error(`nobody said ${text}:\n${said.join('')}`)
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const outcome = await tributary(['-C', folder, ...args], { env: environment })
  said.push(outcome.stdout, outcome.stderr)
  return outcome
}

async function readLake(): Promise<string> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'lake' }))
  const logs = Contents.flatMap(({ Key = '' }) => (Key.endsWith('.parquet') ? [] : [Key]))
  const texts = logs.map(async (Key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'lake', Key }))
    return (await Body?.transformToString()) ?? ''
  })
  return (await Promise.all(texts)).join('\n')
}

test('no log, metric, error, listing or table log holds a secret, and none but the table a value of a row', async () => {
  await put('good/LOAD00000001.csv', `id,v,n\n1,a,1\n2,${CELL},2\n3,z,3\n`)
  await put('bad/LOAD00000001.csv', `id,v,n\n1,a,1\n2,${CELL},${CELL}\n3,z,3\n`)
  await put('torn/LOAD00000001.csv', `other,${CELL}\n1,${CELL}\n`)
  await sendBody(moto, queue.url, `${CELL} ${SECRET}`)
  await untilSaid('"table":"s.torn","code"')
  await untilSaid('"table":"s.good","version":0')
  await untilSaid('"quarantined":1')
  await untilSaid('put aside')
  const [, metrics = ''] = /"url":"([^"]+)"/.exec(said.join('')) ?? []
  said.push(await (await fetch(metrics)).text())
  const ended = once(worker, 'close')
  worker.kill('SIGTERM')
  await ended
  const lines = said
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
  const events = lines.map((line): unknown => JSON.parse(line))
  for (const event of ['watching', 'metrics', 'committed', 'stopped', 'warning', 'ending', 'ended'])
    expect(events).toContainEqual(expect.objectContaining({ event, time: expect.stringMatching(/^20.*Z$/) }))
  await run('status')
  await run('history', 's.bad', '--json')
  await run('quarantine', 'ls')
  await run('check')
  await run('resolve', 's.torn')
  // An endpoint with a password that does not answer, and one that is no URL: both are quoted by those who fail.
  for (const AWS_ENDPOINT_URL of [`http://ada:${SECRET.replaceAll('/', '')}@127.0.0.1:1`, `http://${SECRET}:x`]) {
    const outcome = await tributary(['-C', folder, 'status'], { env: { ...environment, AWS_ENDPOINT_URL } })
    said.push(outcome.stdout, outcome.stderr)
  }
  const all = said.join('\n')
  expect(all).toContain('s.bad')
  for (const secret of [SECRET, SECRET.replaceAll('/', ''), KEY]) expect(all).not.toContain(secret)
  expect(all).not.toContain(CELL)
  const logs = await readLake()
  expect(logs).toContain('commitInfo')
  for (const secret of [SECRET, KEY]) expect(logs).not.toContain(secret)
})
