// A commit whose answer is lost, and which nobody can look up, may be there or not: the next run finds out, and no file counts twice.
// Catches an unknown outcome that is taken for one of the two others, and a late commit that replaces another.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, openEngine, readSnapshot, scanSql, storeAt } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type Fault, type FaultProxy, openFaultProxy } from '../../../delta/test/servers/fault-proxy.ts'
import { readConfig } from '../../src/config/config.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'

const bucket = await makeBucket()
const before = { ...process.env }
let onCommit: Fault = 'pass'
let proxy: FaultProxy
let wakeZombies = (): void => undefined
let engine: Engine
let folder: string
beforeAll(async () => {
  proxy = await openFaultProxy(bucket.options.endpoint, ({ method, target }) => {
    if (onCommit === 'pass' || !/_delta_log\/0*1\.json/.test(target)) return 'pass'
    return method === 'PUT' ? onCommit : 'lose-request'
  })
  Object.assign(process.env, bucket.environment, { AWS_ENDPOINT_URL: proxy.endpoint })
  engine = await openEngine()
  folder = await mkdtemp(join(tmpdir(), 'tributary-unknown-'))
})
afterAll(async () => {
  await engine.close()
  wakeZombies()
  await proxy.close()
  await rm(folder, { recursive: true })
  restoreEnvironment(before)
})

test.each([
  ['was made', 0],
  ['arrives much later', 1],
])('a commit that %s, without anyone hearing of it, is settled by the next run', async (name, commits) => {
  const muchLater = new Promise<void>((resolve) => {
    wakeZombies = resolve
  })
  const lake = await lakeOf(name.replaceAll(' ', '-'))
  await ingest(lake, engine)
  await put(lake, '20260301-101502123.csv', 'U,1,eins\nI,3,drei')
  // From here on nobody hears of version 1: neither the writer, nor who looks.
  const store = lake.tableStore('shop.people')
  onCommit = commits === 0 ? 'lose-answer' : { arriveAfter: muchLater }
  const lost = await ingest(lake, engine).finally(() => {
    onCommit = 'pass'
  })
  expect(lost.tables).toMatchObject([{ commits: 0, stopped: { code: 'WRITE_UNKNOWN' } }])
  const settled = await ingest(lake, engine)
  expect(settled.tables).toMatchObject([{ version: 1, commits, stopped: null }])
  wakeZombies()
  await proxy.arrived()
  const snapshot = await readSnapshot(store)
  const rows = await engine.all(`SELECT id, name FROM (${await scanSql(engine, snapshot)}) ORDER BY id`)
  expect(rows.map((row) => row['name'])).toEqual(['eins', 'two', 'drei'])
  expect(snapshot.transactions.get('tributary/shop.people')?.version).toBe(2)
})

async function lakeOf(name: string): Promise<Lake> {
  const root = `s3://${bucket.name}/${name}`
  const path = join(folder, `${name}.yaml`)
  const table = 'shop.people: {key: [id], columns: {id: long, name: string}}'
  await writeFile(
    path,
    `landing: ${root}/landing\nlake: ${root}/lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${table}\n`,
  )
  const lake = openLake(await readConfig(path))
  await put(lake, 'LOAD00000001.csv', 'I,1,one\nI,2,two')
  return lake
}

async function put(lake: Lake, name: string, rows: string): Promise<void> {
  await storeAt(lake.landing.url).write(`shop/people/${name}`, Buffer.from(`Op,id,name\n${rows}\n`))
}
