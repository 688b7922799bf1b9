// A day of files, one a minute for each of five tables, as fast as it goes: a worker that runs for months must not grow. A day at full size
// runs under TRIBUTARY_SOAK=1; here it is long enough to see that the measuring works.
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { s3Store } from '@tributary/delta/s3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeBucket } from '../../../delta/test/servers/bucket.ts'
import { times } from '../../../delta/test/soak.ts'
import { startWatching, untilTrue, type Watching } from './watching.ts'

const TABLES = ['a', 'b', 'c', 'd', 'e']
const DAY_MINUTES = 1440
const KEYS = 5000
/** So many minutes' files may wait: commits hold few files, as in life. */
const AHEAD_MINUTES = 2
const START_MINUTES = 2
/** What a worker knows of each file, in its ledger and its table, is some KiB; the rest is room for the noise of allocators. */
const GROWTH_MIB_MAX = 48
/** So many minutes lie between two measurements at full size: each collects garbage. */
const SAMPLE_MINUTES = 10

let folder: string
let worker: Watching | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-memory-'))
})
afterEach(async () => {
  await worker?.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

function config(landing: string, lake: string): string {
  const tables = TABLES.map(
    (name) => `  s.${name}: {key: [id], sequence: seq, columns: {id: long, v: string, seq: long}}\n`,
  )
  return `landing: ${landing}\nlake: ${lake}\ndms: {AddColumnName: true}\ntables:\n${tables.join('')}`
}

/** One minute of a table: 20 rows, of which some are new, most are changed and some go. */
function changes(minute: number): { readonly name: string; readonly text: string } {
  const lines = Array.from({ length: 20 }, (_, at) => {
    const id = (minute * 7919 + at * 104_729) % KEYS
    return `${at === 19 ? 'D' : 'U'},${id},value ${minute} ${at},${minute * 20 + at}\n`
  })
  const time = new Date(Date.UTC(2026, 2, 1) + minute * 60_000).toISOString().replaceAll(/\D/g, '')
  return { name: `${time.slice(0, 8)}-${time.slice(8)}.csv`, text: `Op,id,v,seq\n${lines.join('')}` }
}

type Write = (key: string, text: string) => Promise<unknown>

async function writeWhole(root: string, key: string, text: string): Promise<void> {
  const path = join(root, key)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(join(root, '..', 'draft'), text)
  await rename(join(root, '..', 'draft'), path)
}

/** Replays so many minutes and returns the worker's own memory on the way, once all of its code is loaded. */
async function replay(watching: Watching, minutes: number, write: Write): Promise<readonly number[]> {
  const samples: number[] = []
  for (let minute = 0; minute < minutes; minute++) {
    const { name, text } = changes(minute)
    for (const table of TABLES) await write(`s/${table}/${name}`, text)
    // What the start takes is no growth.
    const ahead = minute < START_MINUTES ? 0 : AHEAD_MINUTES
    await untilTrue(watching, () => watching.files() >= (minute + 1 - ahead) * TABLES.length)
    if (minute >= START_MINUTES && (minutes < 100 || minute % SAMPLE_MINUTES === 0))
      samples.push(await watching.ownMiB())
  }
  await untilTrue(watching, () => watching.files() === minutes * TABLES.length)
  return samples
}

/** How much memory grew in what follows the warm-up, by a straight line through it: one garbage collection more or less does not decide. */
function growthMiB(samples: readonly number[]): number {
  const after = samples.slice(Math.floor(samples.length / 3))
  const middle = (after.length - 1) / 2
  const mean = after.reduce((sum, value) => sum + value, 0) / after.length
  const [along, square] = after.reduce(
    ([products, squares], value, at) => [products + (at - middle) * (value - mean), squares + (at - middle) ** 2],
    [0, 0],
  )
  return ((along ?? 0) / (square ?? 1)) * after.length
}

function judge(name: string, files: number, samples: readonly number[]): void {
  const growth = growthMiB(samples)
  const [first, third, last] = [0, Math.floor(samples.length / 3), samples.length - 1].map((at) =>
    samples[at]?.toFixed(0),
  )
  console.log(
    `${name}: ${files} files; own memory after garbage collection ${first} MiB, ${third} after a third, ${last} at the end, at most ${Math.max(...samples).toFixed(0)}; grows by ${growth.toFixed(1)} MiB after the first third`,
  )
  expect(growth).toBeLessThan(GROWTH_MIB_MAX)
}

test('the memory of a worker does not grow with the files that it takes in', { timeout: 3_600_000 }, async () => {
  await writeFile(join(folder, 'tributary.yaml'), config('landing', 'lake'))
  await mkdir(join(folder, 'landing'))
  worker = startWatching(folder, { isMeasured: true })
  const minutes = times(15, DAY_MINUTES)
  const samples = await replay(worker, minutes, (key, text) => writeWhole(join(folder, 'landing'), key, text))
  judge('on a disk', worker.files(), samples)
})

test('nor does it on S3', { timeout: 3_600_000 }, async () => {
  const bucket = await makeBucket()
  await writeFile(join(folder, 'tributary.yaml'), config(`s3://${bucket.name}/landing`, `s3://${bucket.name}/lake`))
  const landing = s3Store(`s3://${bucket.name}/landing`, bucket.options)
  worker = startWatching(folder, { environment: bucket.environment, isMeasured: true })
  const minutes = times(8, DAY_MINUTES / 10)
  const samples = await replay(worker, minutes, (key, text) => landing.write(key, Buffer.from(text)))
  judge('on S3', worker.files(), samples)
})

test('a straight line through memory that grows shows it, whatever the noise', () => {
  const samples = Array.from({ length: 300 }, (_, at) => 200 + at + (at % 7) * 5)
  expect(growthMiB(samples)).toBeGreaterThan(190)
  expect(growthMiB(samples.map((_, at) => 200 + (at % 7) * 5))).toBeLessThan(1)
})
