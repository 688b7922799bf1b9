// Worth its seconds: only a real process, really killed, shows what a bucket holds when nobody could tidy up. Catches a
// batch that the next process takes in again. 400 kills run under TRIBUTARY_SOAK=1.
import { join } from 'node:path'
import type { Engine } from '@tributary/delta'
import { s3Store } from '@tributary/delta/s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environmentOf, makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { openFaultProxy } from '../../../delta/test/servers/fault-proxy.ts'
import { times } from '../../../delta/test/soak.ts'
import { startWatching, untilTrue, type Watching } from '../soak/watching.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { openBucketLane } from './bucket-lane.ts'

const KILLS = times(10, 400)
const LANES = 2
/** What a batch of each of the two tables takes, about: between two of them the bucket does not change. */
const WRITES = 10
const bucket = await makeBucket()
const before = { ...process.env }
let workplace: Workplace

beforeAll(async () => {
  Object.assign(process.env, bucket.environment)
  workplace = await openWorkplace()
})
afterAll(async () => {
  await workplace.close()
  restoreEnvironment(before)
})

/** A worker behind a door that kills it at one of its writes. */
async function openKillingDoor(random: Random) {
  let worker: Watching | undefined
  let writesLeft = Number.POSITIVE_INFINITY
  const proxy = await openFaultProxy(bucket.options.endpoint, async ({ method }) => {
    if (method === 'GET' || method === 'HEAD') return 'pass'
    writesLeft -= 1
    if (writesLeft !== 0) return 'pass'
    await worker?.end('SIGKILL')
    // The server may have got the last words of the dead, or not.
    return random.chance(0.5) ? 'pass' : 'lose-request'
  })
  return {
    start: (folder: string, writes = Number.POSITIVE_INFINITY): Watching => {
      writesLeft = writes
      worker = startWatching(folder, { environment: environmentOf(proxy.endpoint) })
      return worker
    },
    close: proxy.close,
  }
}

/** Returns how many of its kills hit a write, and not a worker that was done. */
async function killAgainAndAgain(engine: Engine, name: string, seed: number): Promise<number> {
  const random = randomFrom(seed)
  const root = `s3://${bucket.name}/${name}`
  const place = `landing: ${root}/landing\nlake: ${root}/lake`
  const lane = await openBucketLane(join(workplace.folder, name), { place, tables: ['s.a', 's.b'], random })
  const landing = s3Store(`${root}/landing`, bucket.options)
  const door = await openKillingDoor(random)
  let hits = 0
  for (let kill = 0; kill < KILLS / LANES; kill++) {
    for (const table of lane.tables) {
      const { key, text } = lane.next(table)
      await landing.write(key, Buffer.from(text))
    }
    const worker = door.start(lane.folder, random.int(1, WRITES))
    await untilTrue(worker, () => worker.process.signalCode !== null || worker.files() >= lane.tables.length)
    if (worker.process.signalCode !== null) hits += 1
    await worker.end('SIGKILL')
    await lane.checkStates(engine, `${name}, kill ${kill}, seed ${seed}`)
  }
  const last = door.start(lane.folder)
  await untilTrue(last, lane.isComplete)
  await last.end('SIGTERM')
  await door.close()
  await lane.checkEnd(engine)
  await lane.checkReaders(engine)
  return hits
}

test('a worker killed at any of its writes leaves tables in S3 whole, and takes each file in once', {
  timeout: 3_600_000,
}, async () => {
  const seed = seedOfRun()
  const lanes = Array.from({ length: LANES }, async (_, at) =>
    killAgainAndAgain(await workplace.engine.fork(), `lane-${at}`, seed + at),
  )
  const hits = (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0)
  console.log(`seed ${seed}: ${KILLS} kills, ${hits} of them at a write`)
  expect(hits).toBeGreaterThan(KILLS / 2)
})
