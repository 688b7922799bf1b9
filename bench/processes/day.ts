// A day of a worker, as fast as it can follow: the real `ingest --watch` in a process of its own, and here somebody who puts a file of
// changes when the one before is committed and the worker has come to rest, as it would within the minute. `day.ts COMMAND PROJECT MORNING TABLE SOURCE…`:
// MORNING is a second project, as the first one is before the day.

import { spawn } from 'node:child_process'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { link, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { cacheOf, changesName, lakeOf, landingOf } from '../project.ts'

const [command = '', project = '', morning = '', table = '', ...sources] = process.argv.slice(2)
const INTERVAL_MS = 20
const SPARE_MS = 100
/** So much of a core is little. */
const BUSY_SHARE = 0.2
const MINUTE_MS = 60_000
const COMMIT_MS_MAX = 120_000
const QUIET_MS = 5000
const QUIET_LOOKS_MAX = 120
const COMPARED = 20

interface Worker {
  readonly pid: number
  /** Milliseconds until the next file is committed. */
  commit(source: string): Promise<number>
  /** Ends it; what it began, it may end. */
  stop(): Promise<void>
}

const worker = startWorker(project)
let anonKib = 0
const sampling = setInterval(() => {
  anonKib = Math.max(anonKib, readAnon(worker.pid))
}, 10)
const took: number[] = []
for (const source of sources.slice(0, -COMPARED)) took.push(await worker.commit(source))
// The speed of a machine changes within a day. So the last commits are taken in turns with the first ones of the same day, begun anew.
await readThrough(morning)
const begun = startWorker(morning)
const [anew, last]: [number[], number[]] = [[], []]
for (const [index, source] of sources.slice(-COMPARED).entries()) {
  anew.push(await begun.commit(sources[index] ?? ''))
  last.push(await worker.commit(source))
}
took.push(...last)
await begun.stop()
await worker.stop()
clearInterval(sampling)
const first = took.slice(0, COMPARED)
const quartile = (values: readonly number[], part: number): number =>
  values.toSorted((one, other) => one - other)[Math.round((values.length - 1) * part)] ?? Number.NaN
const growth = (part: number): number => quartile(last, part) / quartile(anew, part)
console.log(
  JSON.stringify({
    ms: quartile(took, 0.5),
    ...{ growthLow: growth(0.25), growth: growth(0.5), growthHigh: growth(0.75) },
    growthOverDay: quartile(last, 0.5) / quartile(first, 0.5),
    greatestMs: Math.max(...took),
    anonKib,
  }),
)

function startWorker(folder: string): Worker {
  const child = spawn(
    command,
    ['ingest', '--watch', '--interval', String(INTERVAL_MS / 1000), '--log', 'json', '-C', folder],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...cacheOf(folder) } },
  )
  process.on('exit', () => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const said: string[] = []
  let onCommit = (): void => {}
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line)
    if (line.includes('"event":"committed"')) onCommit()
  })
  let files = 0
  return {
    pid,
    commit: async (source) => {
      const committed = new Promise<void>((resolve) => {
        onCommit = resolve
      })
      const startedMs = performance.now()
      await link(source, join(landingOf(folder, table), changesName(++files + 1)))
      const outcome = await Promise.race([
        committed.then(() => 'committed'),
        ended,
        pause(COMMIT_MS_MAX, 'late', { ref: false }),
      ])
      if (outcome !== 'committed')
        throw new Error(`file ${files} was not committed (${outcome}): ${said.slice(-5).join('\n')}`)
      const tookMs = performance.now() - startedMs
      await rest(pid, MINUTE_MS - tookMs)
      // A file comes at any time between two looks of the worker: always at the same one, its wait would be luck.
      await pause((files % COMPARED) * (INTERVAL_MS / COMPARED))
      return tookMs
    },
    stop: async () => {
      await quiet(folder)
      const failed = said.find((line) => line.includes('could not be rewritten'))
      if (failed !== undefined) throw new Error(`upkeep failed: ${failed}`)
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** What nobody read for hours may no longer be in the page cache. */
async function readThrough(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) await finished(createReadStream(join(entry.parentPath, entry.name)).resume())
}

async function quiet(folder: string): Promise<void> {
  const log = join(lakeOf(folder, table), '_delta_log')
  let before = 0
  for (let look = 0; look < QUIET_LOOKS_MAX; look++) {
    const { length } = await readdir(log)
    if (length === before) return
    before = length
    await pause(QUIET_MS)
  }
}

/** Until the worker did little for a moment but look for files, or the next minute begins. */
async function rest(pid: number, mostMs: number): Promise<void> {
  const untilMs = performance.now() + mostMs
  for (let isBusy = true; isBusy && performance.now() < untilMs; ) {
    const [cpuMs, startedMs] = [readWorkMs(pid), performance.now()]
    await pause(SPARE_MS)
    isBusy = readWorkMs(pid) - cpuMs > BUSY_SHARE * (performance.now() - startedMs)
  }
}

// What the main thread does is to look for files; rewriting and the key index are the work of others. proc(5): the 14th and 15th field, in
// ticks of 10 ms; the second may have spaces and ends with the last parenthesis.
function readWorkMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== String(pid))
  return threads.reduce((sum, thread) => {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return sum + 10 * (Number(fields[11]) + Number(fields[12]))
    } catch {
      // It has ended.
      return sum
    }
  }, 0)
}

function readAnon(pid: number): number {
  try {
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    // It has ended.
    return 0
  }
}
