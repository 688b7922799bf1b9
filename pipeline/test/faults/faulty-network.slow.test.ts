// A network that loses, cuts, repeats and delays, between a worker and a real S3 server, and a server that goes away for a while. Worth its
// seconds: what the client libraries do then is not ours, and decides what we have to do. Catches a file that is taken in twice or never,
// and a worker that gives up. Under TRIBUTARY_SOAK=1 there are more files, and the server itself is killed and started again.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { systemClock } from '@tributary/delta'
import { s3Store } from '@tributary/delta/s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environmentOf, makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type Fault, type FaultProxy, openFaultProxy } from '../../../delta/test/servers/fault-proxy.ts'
import { KEYS, startS3Server } from '../../../delta/test/servers/s3-server.ts'
import { IS_SOAK, times } from '../../../delta/test/soak.ts'
import { startWatching, untilTrue, type Watching } from '../soak/watching.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { type BucketLane, openBucketLane } from './bucket-lane.ts'

const FILES = times(12, 300)
const OUTAGES = times(1, 12)
const FAULTY = 0.06
/** Of commits more: they are few, and all depends on them. */
const FAULTY_COMMIT = 0.3
const FAULTS: readonly Fault[] = [
  'lose-request',
  'lose-answer',
  'cut-answer',
  'repeat',
  { status: 503, code: 'SlowDown' },
  { status: 500, code: 'InternalError' },
  { answerAfterMs: 1000 },
  { arriveAfterMs: 1500 },
]
const before = { ...process.env }
let workplace: Workplace
let worker: Watching | undefined
let proxy: FaultProxy | undefined

beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(async () => {
  await worker?.end('SIGKILL')
  await proxy?.close()
  await workplace.close()
  restoreEnvironment(before)
})

interface Place {
  readonly url: string
  readonly options: { readonly endpoint: string; readonly region: string; readonly credentials: typeof KEYS }
}

async function laneAt(name: string, { url, options }: Place, random: Random): Promise<BucketLane> {
  Object.assign(process.env, environmentOf(options.endpoint))
  const place = `landing: ${url}/landing\nlake: ${url}/lake`
  return openBucketLane(join(workplace.folder, name), { place, tables: ['s.a', 's.b'], random })
}

async function deliver(lane: BucketLane, { url, options }: Place): Promise<void> {
  const landing = s3Store(`${url}/landing`, options)
  for (const table of lane.tables) {
    const { key, text } = lane.next(table)
    await landing.write(key, Buffer.from(text))
  }
}

test('a network that loses, cuts, repeats and delays costs time and no row', { timeout: 3_600_000 }, async () => {
  const seed = seedOfRun()
  const random = randomFrom(seed)
  const bucket = await makeBucket()
  const place = { url: `s3://${bucket.name}`, options: { ...bucket.options, credentials: KEYS, region: 'us-east-1' } }
  const lane = await laneAt('network', place, random)
  let isFaulty = false
  const met = new Set<Fault>()
  proxy = await openFaultProxy(bucket.options.endpoint, ({ method, target }) => {
    const isCommit = method === 'PUT' && /_delta_log\/\d{20}\.json/.test(target)
    const fault = isFaulty && random.chance(isCommit ? FAULTY_COMMIT : FAULTY) ? random.pick(FAULTS) : 'pass'
    met.add(fault)
    return fault
  })
  worker = startWatching(lane.folder, { environment: environmentOf(proxy.endpoint) })
  await deliver(lane, place)
  await untilTrue(worker, lane.isComplete)
  isFaulty = true
  for (let file = 1; file < FILES; file++) {
    await deliver(lane, place)
    await systemClock.sleep(random.int(0, 600))
  }
  await untilTrue(worker, lane.isComplete)
  isFaulty = false
  await worker.end('SIGTERM')
  console.log(`seed ${seed}: ${proxy.requests.length} requests, ${met.size - 1} kinds of faults`)
  expect(met.size).toBeGreaterThan(4)
  // It may not know of a commit that it made; one that it tells of was made.
  expect(worker.files()).toBeLessThanOrEqual(lane.files())
  await lane.checkStates(workplace.engine, `seed ${seed}`)
  await lane.checkEnd(workplace.engine)
  await lane.checkReaders(workplace.engine)
})

test('a server that goes away in the middle is waited for, and leaves tables whole', {
  timeout: 3_600_000,
}, async () => {
  const seed = seedOfRun()
  const random = randomFrom(seed)
  const outage = IS_SOAK ? await serverThatIsKilled() : await serverOutOfReach()
  const lane = await laneAt('outage', outage.place, random)
  worker = startWatching(lane.folder, { environment: environmentOf(outage.endpoint) })
  await deliver(lane, outage.place)
  await untilTrue(worker, lane.isComplete)
  for (let at = 1; at <= OUTAGES; at++) {
    const warned = worker.warnings()
    await deliver(lane, outage.place)
    await systemClock.sleep(random.int(0, 800))
    await outage.goAway()
    await untilTrue(worker, () => (worker?.warnings() ?? 0) > warned)
    await outage.comeBack()
    await lane.checkStates(workplace.engine, `outage ${at}, seed ${seed}`)
  }
  await deliver(lane, outage.place)
  await untilTrue(worker, lane.isComplete)
  await worker.end('SIGTERM')
  await lane.checkEnd(workplace.engine)
  await lane.checkReaders(workplace.engine)
  await outage.close()
})

interface Outage {
  readonly place: Place
  /** Where the worker asks. */
  readonly endpoint: string
  readonly goAway: () => Promise<void>
  readonly comeBack: () => Promise<void>
  readonly close: () => Promise<void>
}

/** A server that nobody reaches for a while. */
async function serverOutOfReach(): Promise<Outage> {
  const bucket = await makeBucket()
  let isThere = true
  const door = await openFaultProxy(bucket.options.endpoint, () => (isThere ? 'pass' : 'lose-request'))
  const set = (value: boolean) => async (): Promise<void> => {
    isThere = value
  }
  return {
    place: { url: `s3://${bucket.name}`, options: { ...bucket.options, region: 'us-east-1', credentials: KEYS } },
    endpoint: door.endpoint,
    goAway: set(false),
    comeBack: set(true),
    close: door.close,
  }
}

/** A server of the test's own that is killed, and started again with what it had written. */
async function serverThatIsKilled(): Promise<Outage> {
  const folder = join(workplace.folder, 'weed')
  await mkdir(folder, { recursive: true })
  let server = await startS3Server(folder)
  const { endpoint } = server
  const options = { endpoint, region: 'us-east-1', credentials: KEYS }
  const client = new S3Client({ ...options, forcePathStyle: true })
  const canary = { Bucket: 'killed', Key: 'canary' }
  await client.send(new CreateBucketCommand({ Bucket: canary.Bucket }))
  await client.send(new PutObjectCommand({ ...canary, Body: 'sings' }))
  return {
    place: { url: 's3://killed', options },
    endpoint,
    goAway: () => server.kill(),
    comeBack: async () => {
      server = await startS3Server(folder, Number(new URL(endpoint).port))
      await untilReadable(client, canary)
    },
    close: async () => {
      client.destroy()
      await server.kill()
    },
  }
}

const READABLE_MS_MAX = 60_000

/** A server that came back answers before the part of it that holds objects does: until then it says 500 to each GET. */
async function untilReadable(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
): Promise<void> {
  const endMs = systemClock.now() + READABLE_MS_MAX
  for (;;) {
    try {
      await client.send(new GetObjectCommand(object))
      return
    } catch (error) {
      if (systemClock.now() > endMs) throw error
      await systemClock.sleep(200)
    }
  }
}
