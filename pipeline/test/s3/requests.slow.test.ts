// What one small upsert asks of S3, counted by a proxy before a real server: through it go the SDK's requests and DuckDB's.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AddFile, commit, type Engine, openEngine, readSnapshot, storeAt, systemClock } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type FaultProxy, openFaultProxy, type ProxiedRequest } from '../../../delta/test/servers/fault-proxy.ts'
import { readConfig } from '../../src/config/config.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import type { TableSession } from '../../src/worker/table-session.ts'

const bucket = await makeBucket()
const before = { ...process.env }
let proxy: FaultProxy
let engine: Engine
let folder: string
beforeAll(async () => {
  proxy = await openFaultProxy(bucket.options.endpoint)
  Object.assign(process.env, bucket.environment, { AWS_ENDPOINT_URL: proxy.endpoint })
  engine = await openEngine()
  folder = await mkdtemp(join(tmpdir(), 'tributary-requests-'))
})
afterAll(async () => {
  await engine.close()
  await proxy.close()
  await rm(folder, { recursive: true })
  restoreEnvironment(before)
})

test.each([10, 1000])('one small upsert into a table of %i files asks twelve things beside its data', async (files) => {
  const { lake, sessions } = await tableOf(files)
  await put(files, '20260301-101502123.csv', 'U,1,eins\nI,3,drei')
  await ingest(lake, engine, { sessions })
  await put(files, '20260301-101602123.csv', 'U,1,un\nD,2,\nI,4,quatre')
  const first = proxy.requests.length
  const summary = await ingest(lake, engine, { sessions })
  expect(summary.tables).toMatchObject([{ commits: 1, applied: 3, stopped: null }])
  const asked = proxy.requests.slice(first)
  const others = asked.filter((request) => !isData(request)).map(spell)
  // It is written beside the data, before the commit.
  const ledger = 'PUT _tributary/ledger/<id>.ndjson'
  expect(others.filter((request) => request === ledger)).toHaveLength(1)
  expect(others.indexOf(ledger)).toBeLessThan(others.indexOf(`PUT ${LOG}3.json`))
  expect(others.filter((request) => request !== ledger)).toEqual([
    // What is new in the landing, and in the table.
    `GET ?encoding-type=url&list-type=2&prefix=${files}/landing/`,
    `HEAD ${LOG}3.json`,
    `HEAD ${LOG}2.json`,
    // DuckDB asks for the size of the file that holds the keys; then each file that it wrote is looked at: is it there, and whole?
    'HEAD part-<id>.zstd.parquet',
    'HEAD part-<id>.zstd.parquet',
    'HEAD _tributary/tombstones/<id>.parquet',
    `PUT ${LOG}3.json`,
    // After the commit: what has the table become, and did others commit too?
    `HEAD ${LOG}3.json`,
    `GET ${LOG}3.json`,
    `HEAD ${LOG}4.json`,
    // Did the table stand still before?
    `HEAD ${files}/lake/_tributary/stops/shop.people.json`,
  ])
})

const LOG = '_delta_log/0000000000000000000'

/** A project whose table has so many live files; only one of them holds the keys that are changed. */
async function tableOf(files: number): Promise<{ readonly lake: Lake; readonly sessions: Map<string, TableSession> }> {
  const root = `s3://${bucket.name}/${files}`
  const path = join(folder, `${files}.yaml`)
  const table = `shop.people: {key: [id], columns: {id: long, name: string}}`
  await writeFile(
    path,
    `landing: ${root}/landing\nlake: ${root}/lake\ndms: {DataFormat: csv, AddColumnName: true}\ntables:\n  ${table}\n`,
  )
  await put(files, 'LOAD00000001.csv', 'I,1,one\nI,2,two')
  const lake = openLake(await readConfig(path))
  const sessions = new Map<string, TableSession>()
  await ingest(lake, engine, { sessions })
  const store = lake.tableStore('shop.people')
  const adds = Array.from({ length: files - 1 }, (_, at) => ({ add: farFile(at) }))
  const { version } = await readSnapshot(store)
  await commit(store, systemClock, { readVersion: version, actions: adds, info: { operation: 'WRITE' } })
  return { lake, sessions }
}

/** A file that is never opened: its statistics say that it holds other keys. */
function farFile(at: number): AddFile {
  const [low, high] = [1_000 + at * 10, 1_009 + at * 10]
  const stats = { numRecords: 10, minValues: { id: low }, maxValues: { id: high }, nullCount: { id: 0 } }
  return {
    path: `far-${at}.parquet`,
    partitionValues: {},
    size: 1_000,
    modificationTime: 0,
    dataChange: true,
    stats: JSON.stringify(stats),
  }
}

async function put(files: number, name: string, rows: string): Promise<void> {
  const landing = storeAt(`s3://${bucket.name}/${files}/landing`)
  await landing.write(`shop/people/${name}`, Buffer.from(`Op,id,name\n${rows}\n`))
}

/** Landing files, data files and deletion vectors: reading and writing the data itself. */
function isData({ method, target }: ProxiedRequest): boolean {
  return method !== 'HEAD' && /\.csv|\/part-|deletion_vector_|_tributary\/tombstones/.test(target)
}

function spell({ method, target }: ProxiedRequest): string {
  return `${method} ${target
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
    .replace(/[?&]x-id=\w+/, '')
    .replace(`/${bucket.name}`, '')
    .replace(/^\/(\d+\/lake\/shop\/people\/)?/, '')}`
}
