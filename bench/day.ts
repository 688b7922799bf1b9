// `node bench/day.ts [rows] [commits] [changes]`: a day of small commits with random keys, upkeep included. How many bytes are written for
// each byte of change files and what for, how the last commits compare with the first, and a read at the end with a raw Parquet scan.
// `orders/day` of the benchmark measures the real worker in a process of its own; this one says what the bytes are.
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, openEngine, readSnapshot, type Snapshot, type Store, scanSql } from '@tributary/delta'
import { type Lake, openLake, readConfig } from '@tributary/pipeline/status'
import { ingest } from '../pipeline/src/worker/ingest.ts'
import { spareTime } from '../pipeline/src/worker/keep-tables.ts'
import type { IngestEvent } from '../pipeline/src/worker/run.ts'
import type { TableSession } from '../pipeline/src/worker/table-session.ts'
import { type Duck, literal, openDuck } from './engine.ts'
import { ORDERS, rowsSql } from './orders.ts'
import { BENCH } from './places.ts'
import { configurationOf, csvList } from './shape.ts'

const [rows = 1_000_000, commits = 300, changes = 1000] = process.argv.slice(2).map(Number)
const LOAD_FILES = 5
const COMPARED = 20
const READS = 5
const SEED = 1

await mkdir(join(BENCH, 'data'), { recursive: true })
const folder = await mkdtemp(join(BENCH, 'data', 'day-'))
const landing = join(folder, 'landing', 'shop', 'orders')
const duck = await openDuck()
const engine = await openEngine()
try {
  await writeLoad(duck)
  const written = new Map<string, number>()
  const lake = openLake(await readConfig(join(folder, 'tributary.yaml')), {
    index: { folder: join(folder, 'cache') },
    wrapStore: (store, what) => (what === 'table' ? metered(store, written) : store),
  })
  const day = await takeDay({ lake, engine, duck, written })
  report(day, written)
  const snapshot = await readSnapshot(lake.tableStore('shop.orders'))
  const marked = snapshot.files.filter(({ deletionVector }) => deletionVector !== undefined)
  console.log(`files            ${snapshot.files.length}, ${marked.length} with deletion vectors`)
  await countRowGroups(snapshot)
  await compareReads(snapshot)
} finally {
  await engine.close()
  duck.close()
  await rm(folder, { recursive: true, force: true })
}

interface Day {
  readonly changeBytes: number
  readonly commitMs: readonly number[]
  readonly rewrittenBytes: readonly number[]
}

async function takeDay(parts: {
  readonly lake: Lake
  readonly engine: Engine
  readonly duck: Duck
  readonly written: Map<string, number>
}): Promise<Day> {
  const [commitMs, rewrittenBytes]: [number[], number[]] = [[], []]
  const upkeep = spareTime()
  const sessions = new Map<string, TableSession>()
  const onEvent = (event: IngestEvent): void => {
    if (event.kind === 'kept') rewrittenBytes.push(event.bytesAdded)
    if (event.kind === 'stopped') throw new Error(event.message)
    if (event.kind === 'warning' && event.message.includes(' could not be ')) throw new Error(event.message)
  }
  const take = (): Promise<unknown> => ingest(parts.lake, parts.engine, { sessions, upkeep, onEvent })
  await take()
  await upkeep.settled()
  parts.written.clear()
  let changeBytes = 0
  for (let batch = 1; batch <= commits; batch++) {
    const path = join(landing, `20260301-${100_000_000 + batch}.csv`)
    const relation = ORDERS.batchSql({ rows, seed: SEED, parquet: '' }, { changes, number: batch, keys: 'random' })
    await writeCsv(parts.duck, { relation, path, withOp: true })
    changeBytes += (await stat(path)).size
    const startMs = performance.now()
    await take()
    commitMs.push(performance.now() - startMs)
    // A minute goes by: what there is to do meanwhile is done.
    for (const { index } of sessions.values()) await index?.building
    await upkeep.settled()
    if (batch % 60 === 0) console.error(`${batch} commits`)
  }
  return { changeBytes, commitMs, rewrittenBytes }
}

function report({ changeBytes, commitMs, rewrittenBytes }: Day, written: ReadonlyMap<string, number>): void {
  const line = (what: string, bytes: number): string =>
    `${what.padEnd(16)} ${(bytes / 1e6).toFixed(1).padStart(8)} MB  ${(bytes / changeBytes).toFixed(2)} ×`
  const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)
  const each = (changeBytes / commits / changes).toFixed(0)
  console.log(`${rows} rows, ${commits} commits of ${changes} changes, ${each} bytes a change`)
  console.log(line('change files', changeBytes))
  for (const [what, bytes] of written) console.log(line(what, bytes))
  console.log(`${line('  rewritten', sum(rewrittenBytes))}, ${rewrittenBytes.length} times`)
  console.log(line('all', sum(written.values())))
  // The first builds the index and warms up.
  const [first, last] = [median(commitMs.slice(1, 1 + COMPARED)), median(commitMs.slice(-COMPARED))]
  console.log(
    `commits          ${first.toFixed(0)} ms at first, ${last.toFixed(0)} at last: ${(last / first).toFixed(2)} ×`,
  )
}

/** How much of the table a reader that goes by statistics opens for one key. */
async function countRowGroups({ files }: Snapshot): Promise<void> {
  const paths = files.map(({ path }) => literal(join(folder, 'lake', 'shop', 'orders', path)))
  const [row] = await engine.all(`WITH groups AS (
      SELECT file_name, row_group_num_rows AS rows, stats_min_value::BIGINT AS low, stats_max_value::BIGINT AS high
      FROM parquet_metadata([${paths.join(', ')}]) WHERE path_in_schema = 'order_id'),
    keys AS (SELECT range * ${Math.max(1, Math.floor(rows / 1000))} + 1 AS key FROM range(1000))
    SELECT (SELECT count(*) FROM groups) AS groups, (SELECT sum(rows) FROM groups) AS rows,
      count(*) / 1000 AS per_key, sum(g.rows) / 1000 AS rows_per_key, count(DISTINCT (key, file_name)) / 1000 AS files_per_key
    FROM keys JOIN groups g ON key BETWEEN low AND high`)
  const number = (name: string): string => Number(row?.[name] ?? Number.NaN).toFixed(1)
  console.log(
    `one key          may be in ${number('per_key')} of ${row?.['groups']} row groups, ${number('files_per_key')} of ${files.length} files, ${number('rows_per_key')} of ${row?.['rows']} rows`,
  )
}

async function compareReads(snapshot: Snapshot): Promise<void> {
  const paths = snapshot.files.map(({ path }) => literal(join(folder, 'lake', 'shop', 'orders', path)))
  const [ours, raw]: [number[], number[]] = [[], []]
  for (let round = 0; round <= READS; round++)
    for (const [times, relation] of [
      [ours, await scanSql(engine, snapshot)],
      [raw, `SELECT * FROM read_parquet([${paths.join(', ')}])`],
    ] as const) {
      const startMs = performance.now()
      await engine.all(`SELECT count(*), sum(quantity), sum(price), max(note), min(ordered_at) FROM (${relation})`)
      if (round > 0) times.push(performance.now() - startMs)
    }
  const [own, floor] = [median(ours), median(raw)]
  console.log(`read             ${own.toFixed(0)} ms, raw Parquet ${floor.toFixed(0)}: ${(own / floor).toFixed(2)} ×`)
}

async function writeLoad(duck: Duck): Promise<void> {
  await mkdir(landing, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), configurationOf(ORDERS.shape))
  const start = (file: number): number => 1 + Math.round((rows * file) / LOAD_FILES)
  for (let file = 0; file < LOAD_FILES; file++)
    await writeCsv(duck, {
      relation: rowsSql({ from: start(file), to: start(file + 1), seed: SEED }),
      path: join(landing, `LOAD0000000${file + 1}.csv`),
      withOp: false,
    })
}

async function writeCsv(
  duck: Duck,
  { relation, path, withOp }: { readonly relation: string; readonly path: string; readonly withOp: boolean },
): Promise<void> {
  const columns = `${withOp ? '"Op", ' : ''}${csvList(ORDERS.shape)}`
  await duck.run(`COPY (SELECT ${columns} FROM (${relation})) TO ${literal(path)} (FORMAT csv, HEADER true)`)
}

/** Adds up what is written to a table, by what it is. */
function metered(store: Store, written: Map<string, number>): Store {
  const note = (path: string, bytes: number): void => {
    const what = kindOf(path)
    written.set(what, (written.get(what) ?? 0) + bytes)
  }
  return {
    ...store,
    locate: (path) => store.locate(path),
    create: (path, bytes) => {
      note(path, bytes.length)
      return store.create(path, bytes)
    },
    write: (path, bytes) => {
      note(path, bytes.length)
      return store.write(path, bytes)
    },
    sync: async (path) => {
      const entry = await store.sync(path)
      note(path, entry.sizeBytes)
      return entry
    },
  }
}

function kindOf(path: string): string {
  if (path.includes('.checkpoint')) return 'checkpoints'
  if (path.startsWith('_delta_log/')) return 'log'
  if (path.startsWith('_tributary/')) return 'ledger'
  return path.endsWith('.bin') ? 'deletion vectors' : 'rows'
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
