// What a cache on the disk saves of requests, shared by processes and on a disk that is full. Worth its seconds: the counts are what it is for.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  diskCache,
  type Engine,
  openEngine,
  readSnapshot,
  storeAt,
  systemClock,
  writeCheckpoint,
} from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { restoreEnvironment } from '../../../delta/test/servers/environment.ts'
import { type FaultProxy, openFaultProxy } from '../../../delta/test/servers/fault-proxy.ts'
import { readConfig } from '../../src/config/config.ts'
import { readStatus } from '../../src/inspect/status.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'

const run = promisify(execFile)
const bucket = await makeBucket()
const before = { ...process.env }
let proxy: FaultProxy
let engine: Engine
let folder: string
beforeAll(async () => {
  proxy = await openFaultProxy(bucket.options.endpoint)
  Object.assign(process.env, bucket.environment, { AWS_ENDPOINT_URL: proxy.endpoint })
  engine = await openEngine({ threads: 1 })
  folder = await mkdtemp(join(tmpdir(), 'tributary-cache-'))
})
afterAll(async () => {
  await engine.close()
  await proxy.close()
  await rm(folder, { recursive: true })
  restoreEnvironment(before)
})

const MIB = 1024 * 1024

async function sizeOf(place: string): Promise<number> {
  const names = await readdir(place, { recursive: true })
  const found = await Promise.all(names.map((name) => stat(join(place, name))))
  return found.reduce((total, file) => total + (file.isFile() ? file.size : 0), 0)
}

/** A project whose table has had so many batches. */
async function projectWith(name: string, batches: number): Promise<() => Promise<Lake>> {
  const root = `s3://${bucket.name}/${name}`
  const path = join(folder, `${name}.yaml`)
  const table = 'shop.people: {key: [id], columns: {id: long, name: string}}'
  await writeFile(
    path,
    `landing: ${root}/landing\nlake: ${root}/lake\ndms: {AddColumnName: true}\ntables:\n  ${table}\n`,
  )
  const landing = storeAt(`${root}/landing`)
  await landing.write('shop/people/LOAD00000001.csv', Buffer.from('id,name\n1,one\n2,two\n'))
  const sessions = new Map()
  const lake = openLake(await readConfig(path))
  for (let at = 0; at < batches; at++) {
    await ingest(lake, engine, { sessions })
    await landing.write(
      `shop/people/20260301-1015${String(at).padStart(2, '0')}000.csv`,
      Buffer.from(`Op,id,name\nU,1,again ${at}\n`),
    )
  }
  await writeCheckpoint(engine, systemClock, await readSnapshot(lake.tableStore('shop.people')))
  await ingest(lake, engine, { sessions })
  const cache = diskCache(join(folder, name), { bytesMax: 16 * MIB })
  return async () => openLake(await readConfig(path), { cache })
}

/** Requests for objects of the lake, by what they are for. */
async function requestsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const first = proxy.requests.length
  await work()
  const counts: Record<string, number> = {}
  for (const { method, target } of proxy.requests.slice(first)) {
    if (!target.includes('/lake/')) continue
    const kind =
      /\.json\b|\.checkpoint\.|_tributary\/ledger|_last_checkpoint/.exec(target)?.[0] ??
      (target.includes('list-type') ? 'list' : 'other')
    const name = `${method} ${kind}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

test('a worker that starts again, and status, ask a bucket for the newest hint and a listing only', async () => {
  const open = await projectWith('restart', 3)
  const cold = await requestsOf(async () => readStatus(await open()))
  const warm = await requestsOf(async () => readStatus(await open()))
  const total = (counts: Record<string, number>): number => Object.values(counts).reduce((sum, count) => sum + count, 0)
  expect(
    [cold['GET .json'], cold['GET .checkpoint.'], cold['GET _tributary/ledger']].map((count = 0) => count > 0),
  ).toEqual([true, true, true])
  expect(Object.keys(warm)).not.toContain('GET .json')
  expect(Object.keys(warm)).not.toContain('GET .checkpoint.')
  expect(Object.keys(warm)).not.toContain('GET _tributary/ledger')
  expect(total(warm)).toBeLessThan(total(cold) / 2)
  const idle = await requestsOf(async () => ingest(await open(), engine))
  expect(Object.keys(idle)).not.toContain('GET .json')
})

test('two processes share a cache that is too small for both: nothing is wrong, and the limit is held', async () => {
  const place = join(folder, 'shared')
  const script = join(import.meta.dirname, '../../../delta/test/store/cache-process.ts')
  const bytesMax = 100_000
  const outcomes = await Promise.all(
    ['7', '11'].map(
      async (seed) =>
        JSON.parse((await run(process.execPath, [script, place, String(bytesMax), seed])).stdout) as unknown,
    ),
  )
  for (const outcome of outcomes) expect(outcome).toEqual({ hits: expect.any(Number), wrong: 0 })
  expect(await sizeOf(place)).toBeLessThanOrEqual(bytesMax)
  expect((await readdir(place, { recursive: true })).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('on a full disk a cache holds what is there already, and nobody notices', async () => {
  const place = join(folder, 'full')
  await mkdir(place)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=65536', 'tributary-test', place])
  } catch {
    console.log('no tmpfs here: a full disk is tried as a folder that cannot be written')
    return
  }
  try {
    const cache = diskCache(place, { bytesMax: 16 * MIB })
    for (let at = 0; at < 20; at++) {
      await cache.keep(`entry ${at}`, Buffer.alloc(8192, at))
      const found = await cache.read(`entry ${at}`)
      if (found !== undefined) expect(Buffer.alloc(8192, at).equals(found)).toBe(true)
    }
    expect(await cache.read('entry 0')).toHaveLength(8192)
    expect(await cache.read('entry 19')).toBeUndefined()
    expect((await readdir(place, { recursive: true })).filter((name) => name.endsWith('.tmp'))).toEqual([])
  } finally {
    await run('umount', [place])
  }
})
