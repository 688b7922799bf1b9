// Worth its seconds: in a bucket nothing but the conditional put of each writer keeps the commits of the others, and only processes of
// their own, with another program among them, race as users' do. Catches a commit that replaces another, one whose request or answer
// was lost and that is made twice, or believed made or lost and is the other, and a rebase on the wrong rows. A minute of it runs under
// TRIBUTARY_SOAK=1.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workshop } from '../read/table.ts'
import { ourRows, peerRows, runPython } from '../readers/peers.ts'
import { environmentOf, makeBucket } from '../servers/bucket.ts'
import { restoreEnvironment } from '../servers/environment.ts'
import { type FaultProxy, openFaultProxy } from '../servers/fault-proxy.ts'
import { lostCommits } from '../servers/lost-commits.ts'
import { IS_SOAK } from '../soak.ts'
import { expectSerial, operationsInLog, readDuring, runOurs, startTable } from './race.ts'

const SECONDS = IS_SOAK ? 60 : 4
/** With delta-rs four writers: more only wait for each other on SeaweedFS. */
const PROCESSES = 3

const bucket = await makeBucket()
const before = { ...process.env }
let place: Awaited<ReturnType<typeof workshop>>
let proxy: FaultProxy
const lost = lostCommits()

beforeAll(async () => {
  Object.assign(process.env, bucket.environment)
  place = await workshop()
  proxy = await openFaultProxy(bucket.options.endpoint, lost.choose)
})
afterAll(async () => {
  await proxy.close()
  await place.close()
  restoreEnvironment(before)
})

test('three processes of ours and delta-rs write one table in a bucket, and the result is that of a serial order', async () => {
  const url = `s3://${bucket.name}/raced`
  const table = await startTable(place.engine, url)
  const theirTurn = runPython(join(import.meta.dirname, 'delta-rs-writer.py'), url, String(SECONDS))
  const environment = environmentOf(proxy.endpoint)
  const writing = Promise.all([
    runOurs(url, { processes: PROCESSES, seconds: SECONDS, environment, until: theirTurn }),
    theirTurn,
  ])
  const seen = await readDuring(table, writing)
  const [ours, told] = await writing
  const theirs = await operationsInLog(table)
  await expectSerial(table, new Map([...ours, ...theirs]), seen)
  // Nobody starved, and something was lost on the way: the test would prove nothing.
  expect(ours.size, 'our commits').toBeGreaterThanOrEqual(PROCESSES)
  expect(theirs.size, told).toBeGreaterThan(0)
  expect(new Set(seen.map(({ version }) => version)).size, 'versions seen on the way').toBeGreaterThan(1)
  expect(lost.requests()).toBeGreaterThan(0)
  expect(lost.answers()).toBeGreaterThan(0)
  console.log(
    `${ours.size} commits of ours, ${told.trim()} by delta-rs; ${lost.requests()} lost requests, ${lost.answers()} lost answers`,
  )
  const snapshot = await table.snapshot()
  expect(await peerRows(url, join(place.folder, 'rows'), snapshot.version)).toEqual(
    await ourRows(place.engine, snapshot),
  )
})
