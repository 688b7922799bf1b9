// Twenty writers at once, more than any lake has, on a server that decides one conditional write after the other; some requests and
// answers are lost. A register and a set tell all: each commit takes the register one further than its writer read it, and counts that writer's
// commits. Catches a commit that replaces another, one that is made twice, and one that its writer believes lost. Worth its seconds: only
// a server decides races. The number of commits is a hundred times as large under TRIBUTARY_SOAK=1.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { commit, createTable, readCommits, readSnapshot, refreshSnapshot, systemClock } from '@tributary/delta'
import { s3Store } from '@tributary/delta/s3'
import { afterAll, expect, test } from 'vitest'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type FaultProxy, openFaultProxy } from '../../../delta/test/servers/fault-proxy.ts'
import { lostCommits } from '../../../delta/test/servers/lost-commits.ts'
import { times } from '../../../delta/test/soak.ts'
import { startMoto } from '../queue/moto.ts'

const WRITERS = 20
const COMMITS = times(10, 1000)
const TRIES_MAX = COMMITS * WRITERS
const URL = 's3://race/table'
const REGISTER = 'register'

const moto = await startMoto()
const before = { ...process.env }
let proxy: FaultProxy | undefined
const lost = lostCommits()

afterAll(async () => {
  await proxy?.close()
  await moto.close()
  restoreEnvironment(before)
})

/** A commit as its writer tells of it: it read the register, and wrote one more. */
interface Write {
  readonly writer: string
  readonly version: number
  readonly wrote: number
}

async function makeTable(): Promise<void> {
  Object.assign(process.env, moto.environment)
  const client = new S3Client({ endpoint: moto.endpoint, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'race' }))
  client.destroy()
  const id = { name: 'id', type: 'long', nullable: true, metadata: {} } as const
  const table = await createTable(URL, { schema: { type: 'struct', fields: [id] } })
  await table.close()
}

/** Commits until the table is long enough. Returns what it committed, and how often others were first. */
async function writeOn(
  writer: string,
  endpoint: string,
): Promise<{ readonly writes: readonly Write[]; conflicts: number }> {
  // Sockets of its own, as a process has.
  const store = s3Store(URL, {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const writes: Write[] = []
  let conflicts = 0
  let snapshot = await readSnapshot(store)
  for (let turn = 0; turn < TRIES_MAX && snapshot.version < COMMITS; turn++) {
    const countOf = (appId: string): number => snapshot.transactions.get(appId)?.version ?? 0
    const wrote = countOf(REGISTER) + 1
    const outcome = await commit(store, systemClock, {
      readVersion: snapshot.version,
      isFresh: true,
      actions: [REGISTER, writer].map((appId) => ({ txn: { appId, version: countOf(appId) + 1 } })),
      info: { operation: 'WRITE', userMetadata: writer },
    })
    if (outcome.kind === 'committed') writes.push({ writer, version: outcome.version, wrote })
    else conflicts += 1
    snapshot = await refreshSnapshot(snapshot)
  }
  return { writes, conflicts }
}

test('of twenty writers one wins each version, none is lost, and the versions are a serial order', {
  timeout: 3_600_000,
}, async () => {
  await makeTable()
  proxy = await openFaultProxy(moto.endpoint, lost.choose)
  const { endpoint } = proxy
  const names = Array.from({ length: WRITERS }, (_, at) => `writer ${at}`)
  const done = await Promise.all(names.map((name) => writeOn(name, endpoint)))
  const writes = done.flatMap((each) => each.writes).toSorted((left, right) => left.version - right.version)
  const conflicts = done.reduce((sum, each) => sum + each.conflicts, 0)
  console.log(
    `${writes.length} commits, ${conflicts} lost races, ${lost.requests()} lost requests, ${lost.answers()} lost answers`,
  )
  const latest = await readSnapshot(s3Store(URL))
  // Each version is claimed once, and was written by who claims it, on top of the version before.
  expect(writes.map(({ version, wrote }) => [version, wrote])).toEqual(
    Array.from({ length: latest.version }, (_, at) => [at + 1, at + 1]),
  )
  const written: string[] = []
  for await (const { actions } of readCommits(latest.store, { fromVersion: 1, toVersion: latest.version }))
    for (const action of actions) if ('commitInfo' in action) written.push(action.commitInfo.userMetadata ?? '')
  expect(written).toEqual(writes.map(({ writer }) => writer))
  for (const [at, name] of names.entries())
    expect(latest.transactions.get(name)?.version ?? 0).toBe(done[at]?.writes.length)
  // The race was one, and both were lost on the way.
  expect(conflicts).toBeGreaterThan(COMMITS)
  expect(lost.requests()).toBeGreaterThan(1)
  expect(lost.answers()).toBeGreaterThan(1)
})
