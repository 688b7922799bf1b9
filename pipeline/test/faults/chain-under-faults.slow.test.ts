// The whole chain with nothing of ours in between, under everything that goes wrong with queues and workers: two workers on one queue, killed
// in the middle, files told twice, junk, and files that nobody is told of. Catches a file that is taken in twice or never, a batch that is
// half there, files that are never looked for, a message that is deleted before its files are in commits, and one that nobody can read
// and that goes round for ever. Five thousand files, with the lake in a bucket too, run under TRIBUTARY_SOAK=1.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { IS_SOAK, times } from '../../../delta/test/soak.ts'
import { type MotoQueue, makeQueue, readDead, sendBody, startMoto } from '../queue/moto.ts'
import { startWatching, untilTrue, type Watching } from '../soak/watching.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { type BucketLane, type LaneFile, openBucketLane } from './bucket-lane.ts'
import { type DeleteWatch, watchDeletes } from './watch-deletes.ts'

/** Nobody is ever told of the files of the last one: only a look at the whole landing finds them. */
const TABLES = ['s.a', 's.b', 's.c', 's.d', 'untold.e']
const TOLD = 'dms/s/'
/** Of each table. */
const FILES = times(24, 1000)
const KILLS = times(2, 20)
const WORKERS = 2
const FLAGS = ['--interval', '2']
const DUPLICATE = 0.1
const JUNK = 0.02

const moto = await startMoto()
const s3 = new S3Client({
  endpoint: moto.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
})
const before = { ...process.env }
// Names of their own: a process keeps its connection to a bucket by the name, and files of tests share processes.
const landing = `landing-${randomUUID().slice(0, 8)}`
const lake = `lake-${randomUUID().slice(0, 8)}`
const workers: Watching[] = []
let workplace: Workplace
let queue: MotoQueue
let deletes: DeleteWatch | undefined

beforeAll(async () => {
  Object.assign(process.env, moto.environment)
  workplace = await openWorkplace()
  queue = await makeQueue(moto)
  for (const Bucket of [landing, lake]) await s3.send(new CreateBucketCommand({ Bucket }))
  await tell(true)
})
afterAll(async () => {
  for (const worker of workers) await worker.end('SIGKILL')
  await deletes?.close()
  s3.destroy()
  await moto.close()
  await workplace.close()
  restoreEnvironment(before)
})

/** Notifications of the landing go to the queue, or nowhere. */
function tell(isOn: boolean): Promise<unknown> {
  const Filter = { Key: { FilterRules: [{ Name: 'prefix' as const, Value: TOLD }] } }
  const QueueConfigurations = isOn ? [{ QueueArn: queue.arn, Events: ['s3:ObjectCreated:*' as const], Filter }] : []
  const NotificationConfiguration = { QueueConfigurations }
  return s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: landing, NotificationConfiguration }))
}

function put({ key, text }: LaneFile): Promise<unknown> {
  return s3.send(new PutObjectCommand({ Bucket: landing, Key: `dms/${key}`, Body: text }))
}

function start(folder: string): Watching {
  const worker = startWatching(folder, { flags: FLAGS, environment: moto.environment })
  workers.push(worker)
  return worker
}

test('two workers, killed and told twice, wrongly or not at all, take each file in once', {
  timeout: 3_600_000,
}, async () => {
  const seed = seedOfRun()
  const random = randomFrom(seed)
  deletes = await watchDeletes(moto, queue, { bucket: landing, prefix: 'dms/' }, () => lane)
  const place = `landing: s3://${landing}/dms\nlake: ${IS_SOAK ? `s3://${lake}` : 'lake'}\nqueue: ${deletes.url}`
  const lane: BucketLane = await openBucketLane(join(workplace.folder, 'chain'), { place, tables: TABLES, random })
  const running = Array.from({ length: WORKERS }, () => start(lane.folder))
  const killEvery = Math.floor(FILES / (KILLS + 1))
  let kills = 0
  for (let at = 0; at < FILES; at++) {
    // Of a few nobody is told, the last ones among them: no later message makes up for it.
    const isLost = at % 20 === 7 || at === FILES - 1
    // A worker that only starts now would find the last ones without looking again.
    if (at === FILES - 1 && running[0] !== undefined) await untilTrue(running[0], lane.isComplete)
    if (isLost) await tell(false)
    const files = TABLES.map((table) => lane.next(table))
    await Promise.all(files.map(put))
    if (isLost) await tell(true)
    for (const file of files) if (random.chance(DUPLICATE)) await put(file)
    if (random.chance(JUNK * TABLES.length)) await sendBody(moto, queue.url, `junk ${at}`)
    if (at % killEvery === killEvery - 1 && kills < KILLS) {
      kills += 1
      await systemClock.sleep(random.int(0, 1000))
      await running.shift()?.end('SIGKILL')
      await lane.checkStates(workplace.engine, `kill ${kills}, seed ${seed}`)
      running.push(start(lane.folder))
    }
  }
  const [first] = running
  if (first === undefined) throw new Error('there is a worker for each that was killed')
  await untilTrue(first, lane.isComplete)
  // Junk that a killed worker held comes back after a minute: this one is for who is left.
  await sendBody(moto, queue.url, 'junk')
  const dead: string[] = []
  await untilTrue(first, async () => {
    dead.push(...(await readDead(moto, queue)).map(({ reason }) => reason ?? 'without a reason'))
    return dead.length > 0
  })
  for (const worker of running) await worker.end('SIGTERM')
  console.log(`seed ${seed}: ${FILES * TABLES.length} files, ${kills} kills, ${dead.length} messages put aside`)
  await lane.checkEnd(workplace.engine)
  await lane.checkReaders(workplace.engine)
  expect([...deletes.tooEarly]).toEqual([])
  expect(deletes.deleted.size).toBeGreaterThan(FILES)
  expect(new Set(dead)).toEqual(new Set(['not a notification of S3: it is no JSON']))
})
