// Worth its seconds: only a real process, really killed, shows what a bucket holds when nobody could tidy up. 400 kills run under
// TRIBUTARY_SOAK=1.
import { join } from 'node:path'
import { type Engine, systemClock } from '@tributary/delta'
import { s3Store } from '@tributary/delta/s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { times } from '../../../delta/test/soak.ts'
import { startWatching, untilTrue } from '../soak/watching.ts'
import { randomFrom, seedOfRun } from '../support/random.ts'
import { openWorkplace, type Workplace } from '../support/workplace.ts'
import { openBucketLane } from './bucket-lane.ts'

const KILLS = times(20, 400)
const LANES = 2
const bucket = await makeBucket()
const before = { ...process.env }
let workplace: Workplace

beforeAll(async () => {
  Object.assign(process.env, bucket.environment)
  workplace = await openWorkplace()
})
afterAll(async () => {
  await workplace.close()
  process.env = before
})

/** Returns after how many of its kills a table had got further. */
async function killAgainAndAgain(engine: Engine, name: string, seed: number): Promise<number> {
  const random = randomFrom(seed)
  const root = `s3://${bucket.name}/${name}`
  const place = `landing: ${root}/landing\nlake: ${root}/lake`
  const lane = await openBucketLane(join(workplace.folder, name), { place, tables: ['s.a', 's.b'], random })
  const landing = s3Store(`${root}/landing`, bucket.options)
  const deliver = async (): Promise<void> => {
    for (const table of lane.tables) {
      const { key, text } = lane.next(table)
      await landing.write(key, Buffer.from(text))
    }
  }
  // A run that nobody disturbs tells within what time a kill can hit something.
  await deliver()
  const startMs = systemClock.now()
  const first = startWatching(lane.folder)
  await untilTrue(first, lane.isComplete)
  const runMs = systemClock.now() - startMs
  await first.end('SIGKILL')
  let progressed = 0
  for (let kill = 0; kill < KILLS / LANES; kill++) {
    await deliver()
    const worker = startWatching(lane.folder)
    await systemClock.sleep(random.int(Math.ceil(runMs * 0.5), Math.ceil(runMs * 1.5)))
    // What comes while it works falls into a later batch, or into none.
    await deliver()
    await systemClock.sleep(random.int(0, 300))
    await worker.end('SIGKILL')
    if (worker.files() > 0) progressed += 1
    await lane.checkStates(engine, `${name}, kill ${kill}, seed ${seed}`)
  }
  const last = startWatching(lane.folder)
  await untilTrue(last, lane.isComplete)
  await last.end('SIGTERM')
  await lane.checkEnd(engine)
  return progressed
}

test('a worker killed again and again leaves tables in S3 whole, and takes each file in once', {
  timeout: 3_600_000,
}, async () => {
  const seed = seedOfRun()
  const lanes = Array.from({ length: LANES }, async (_, at) =>
    killAgainAndAgain(await workplace.engine.fork(), `lane-${at}`, seed + at),
  )
  const progressed = (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0)
  console.log(`seed ${seed}: ${KILLS} kills, ${progressed} of them after a commit of that process`)
  expect(progressed).toBeGreaterThan(0)
})
