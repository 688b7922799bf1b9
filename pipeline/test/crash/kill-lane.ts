// A lake whose ingest is killed again and again, while changes go on coming. The rows are kept beside it in a Map.
import { watch } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, parseStats, systemClock } from '@tributary/delta'
import { expect } from 'vitest'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { foldedRows, historyOf } from '../support/history-fold.ts'
import type { Random } from '../support/random.ts'
import { canonicalRows, lakeIn, put, snapshotOf } from '../support/workplace.ts'
import { startIngest } from './ingest-process.ts'

const TABLE = 'shop.parts'
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string' },
] as const
const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv}
tables:
  shop.parts: {key: [id], columns: {id: long, note: string}HISTORY}
`
const KEYS = 400

export interface KillLane {
  readonly folder: string
  readonly lake: Lake
  readonly random: Random
  /** Whether the table keeps its history. */
  readonly history: boolean
  readonly rows: Map<number, string>
  /** Rows at the last commit that is known, as text. */
  committed: readonly string[]
  written: number
  rowsWritten: number
  /** How long a whole run takes, in milliseconds. */
  runMs: number
}

/** Lays the lake out and takes in a first load, unharmed. */
export async function openLane(folder: string, random: Random, { history = false } = {}): Promise<KillLane> {
  await mkdir(folder, { recursive: true })
  const lane: KillLane = {
    folder,
    lake: await lakeIn(folder, CONFIG.replace('HISTORY', history ? ', history: true' : '')),
    history,
    random,
    rows: new Map(),
    committed: [],
    written: 0,
    rowsWritten: KEYS,
    runMs: 0,
  }
  for (let id = 0; id < KEYS; id += 1) lane.rows.set(id, 'loaded')
  await put(folder, 'shop/parts/LOAD00000001.csv', [...lane.rows].map(([id, note]) => `${id},${note}\n`).join(''))
  await runWell(lane)
  lane.committed = expectedRows(lane)
  return lane
}

/** A run that nobody disturbs; tells how long one takes. */
export async function runWell(lane: KillLane): Promise<void> {
  const startMs = systemClock.now()
  const run = startIngest(lane.folder)
  expect(await run.done, run.errors()).toBe(0)
  lane.runMs = systemClock.now() - startMs
}

/** Lets changes come: one file of them. */
export async function deliver(lane: KillLane): Promise<void> {
  const lines: string[] = []
  for (let at = 0; at < 60; at += 1) {
    const id = lane.random.int(0, KEYS * 1.2)
    const isThere = lane.rows.has(id)
    const note = `file ${lane.written} row ${at}`
    if (isThere && lane.random.chance(0.3)) {
      lane.rows.delete(id)
      lines.push(`D,${id},\n`)
    } else {
      lane.rows.set(id, note)
      lines.push(`${isThere ? 'U' : 'I'},${id},${note}\n`)
    }
  }
  const name = new Date(Date.UTC(2026, 2, 1) + lane.written * 1000).toISOString().replaceAll(/[^0-9]/g, '')
  await put(lane.folder, `shop/parts/${name.slice(0, 8)}-${name.slice(8)}.csv`, lines.join(''))
  lane.written += 1
  lane.rowsWritten += lines.length
}

/** What one kill hit: `missed` when the run was over before. */
export type Hit = 'missed' | 'before the data file' | 'between data file and commit' | 'after the commit'

/** When a run is killed. */
export type Moment = 'random' | 'data file' | 'sidecar' | 'commit'

/** Starts a run and kills it, at a random moment or when a file appears in the table. */
export async function killOnce(lane: KillLane, engine: Engine, moment: Moment): Promise<Hit> {
  const table = join(lane.folder, 'lake/shop/parts')
  const before = new Set(await readdir(table, { recursive: true }))
  const run = startIngest(lane.folder)
  const kill = (): void => void run.process.kill('SIGKILL')
  const delayMs = moment === 'random' ? lane.random.int(0, Math.ceil(lane.runMs * 1.1)) : lane.random.int(0, 5)
  const timers = new AbortController()
  const killSoon = (): void => {
    void systemClock.sleep(delayMs).then(kill)
  }
  if (moment === 'random') killSoon()
  else {
    const watcher = watch(table, { recursive: moment !== 'data file', signal: timers.signal }, (_, name) => {
      if (name === null || !SIGNS[moment].test(name)) return
      if (moment === 'data file') killSoon()
      else kill()
    })
    watcher.on('error', () => undefined)
  }
  const code = await run.done
  timers.abort()
  const hit = code === null ? await classify(table, before) : 'missed'
  if (code !== null) expect(code, run.errors()).toBe(0)
  await checkState(lane, engine, `after a kill (${moment}, ${hit})`)
  return hit
}

/** What appears in the table's folder at that moment. */
const SIGNS = {
  'data file': /^[^/]+\.parquet$/,
  sidecar: /^_tributary|\.bin$/,
  commit: /^_delta_log\/[0-9]{20}\.json$/,
} as const

async function classify(table: string, before: ReadonlySet<string>): Promise<Exclude<Hit, 'missed'>> {
  const fresh = (await readdir(table, { recursive: true })).filter((name) => !before.has(name))
  if (fresh.some((name) => SIGNS.commit.test(name))) return 'after the commit'
  for (const name of fresh) {
    if (name.endsWith('.parquet') && !name.startsWith('_delta_log') && (await isWhole(join(table, name))))
      return 'between data file and commit'
  }
  return 'before the data file'
}

/** Whether the Parquet file was written to its end. */
async function isWhole(path: string): Promise<boolean> {
  const { size } = await stat(path)
  if (size < 12) return false
  await using file = await open(path, 'r')
  const tail = Buffer.alloc(4)
  await file.read(tail, 0, 4, size - 4)
  return tail.toString() === 'PAR1'
}

/** The table is as it was or has all that came: a batch is never half there. */
export async function checkState(lane: KillLane, engine: Engine, when: string): Promise<void> {
  const rows = await canonicalRows(engine, await snapshotOf(lane.lake, TABLE), COLUMNS)
  const expected = expectedRows(lane)
  if (JSON.stringify(rows) !== JSON.stringify(lane.committed)) expect(rows, when).toEqual(expected)
  lane.committed = rows
}

/** After a run that nobody disturbed: all rows, each file once, each row counted once. */
export async function checkEnd(lane: KillLane, engine: Engine): Promise<void> {
  const snapshot = await snapshotOf(lane.lake, TABLE)
  lane.committed = expectedRows(lane)
  expect(await canonicalRows(engine, snapshot, COLUMNS)).toEqual(lane.committed)
  const { read, applied, superseded, noop, quarantined } = parseTableState(
    snapshot?.domains.get(STATE_DOMAIN) ?? '',
  ).totals
  expect(read).toBe(lane.rowsWritten)
  expect(applied + superseded + noop + quarantined).toBe(read)
  if (!lane.history) return
  const history = await historyOf(lane.lake, TABLE)
  expect(await foldedRows(engine, history, { key: ['id'], columns: COLUMNS })).toEqual(lane.committed)
  const rows = (history?.files ?? []).reduce((sum, { stats }) => sum + (parseStats(stats)?.numRecords ?? 0), 0)
  expect(rows, 'each row that was read is in the history once').toBe(lane.rowsWritten)
}

function expectedRows(lane: KillLane): readonly string[] {
  return [...lane.rows].map(([id, note]) => JSON.stringify([String(id), note])).toSorted()
}
