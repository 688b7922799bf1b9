// The same worlds with a real DuckDB: DMS writes CSV, the product's own readers and writers make Parquet of it. Each statement is a task of the
// scheduler, and the next step waits until it is done, so that one world is one order.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Engine,
  openEngine,
  readChanges,
  readSnapshot,
  type Snapshot,
  scanSql,
  TributaryError,
} from '@tributary/delta'
import { optimizeTable } from '../../src/maintain/optimize-table.ts'
import type { Random } from '../support/random.ts'
import { encodeCsv } from './landing-files.ts'
import type { LiveRow } from './oracle.ts'
import type { Simulation } from './report.ts'
import type { Actor } from './scheduler.ts'
import { KEPT_MS } from './watcher.ts'
import type { World } from './world.ts'

/** A simulation that has to be closed: it holds an engine and a folder. */
export interface DuckdbSimulation extends Simulation {
  readonly close: () => Promise<void>
}

/** Starts DuckDB. */
export async function openDuckdbSimulation(): Promise<DuckdbSimulation> {
  const engine = await openEngine({ threads: 1, memoryMiB: 256 })
  const elsewhere = new Set<Promise<unknown>>()
  let forks: { readonly world: World; readonly open: Set<Engine> } | undefined
  return {
    name: 'duckdb',
    parts: {
      engineFor: (world, actor) => {
        if (forks?.world !== world) {
          // Processes that died closed nothing.
          for (const fork of forks?.open ?? []) void fork.close()
          // Nor did they delete what they had on this machine, and its names come again.
          rmSync(ownFolder(engine), { recursive: true, force: true })
          mkdirSync(ownFolder(engine))
          forks = { world, open: new Set() }
        }
        return stepwise({ world, actor, elsewhere, forks: forks.open }, engine)
      },
      work: undefined,
      rewrite: async (parts, table) => {
        await optimizeTable(parts, table, { deadShareMin: 0 })
      },
      readRows: (snapshot) => readRows(engine, snapshot),
      readFeed: (snapshot, nowMs) => readFeed(engine, snapshot, nowMs),
    },
    options: { encode: encodeCsv, folder: `${engine.tempFolder}/world`, elsewhere },
    close: () => engine.close(),
  }
}

/** Where processes keep files of their own, emptied for each world. */
function ownFolder({ tempFolder }: Pick<Engine, 'tempFolder'>): string {
  return join(tempFolder, 'own')
}

interface Steps {
  readonly world: World
  readonly actor: Actor
  readonly elsewhere: Set<Promise<unknown>>
  /** Connections that are open. */
  readonly forks: Set<Engine>
}

/** An engine whose every statement waits for its turn. */
function stepwise(steps: Steps, engine: Engine): Engine {
  const { world, actor, elsewhere } = steps
  const { random, faults } = world
  /** What a statement asks S3 for is not done, or done and nobody hears of it. */
  const ask = async <T>(what: string, sql: string, work: () => Promise<T>): Promise<T> => {
    if (!sql.includes(`${engine.tempFolder}/world`)) return turn(what, work)
    if (random.chance(faults.notDone)) return turn(`${what}, refused`, () => Promise.reject(noAnswer(random)))
    const isLost = random.chance(faults.lostAnswer)
    const value = await turn(what, work)
    if (isLost) throw noAnswer(random)
    return value
  }
  const turn = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const started = await world.scheduler.take(actor, `engine: ${what}`, () => {
      const working = work()
      elsewhere.add(working)
      const done = (): boolean => elsewhere.delete(working)
      working.then(done, done)
      // Not the promise itself: whoever takes a turn would wait for it inside of the scheduler.
      return { working }
    })
    return started.working
  }
  return {
    tempFolder: ownFolder(engine),
    // What is remembered of files lives as long as a database, and names come again in every world.
    database: world,
    run: (sql) => ask('run', sql, () => engine.run(sql)),
    all: (sql) => ask('all', sql, () => engine.all(sql)),
    stream: async function* (sql) {
      yield* await ask('stream', sql, () => Array.fromAsync(engine.stream(sql)))
    },
    vectors: (sql) => ask('vectors', sql, () => engine.vectors(sql)),
    streamVectors: async function* (sql) {
      yield* await ask('stream', sql, () => Array.fromAsync(engine.streamVectors(sql)))
    },
    append: (table, columns, rows) => turn('append', () => engine.append(table, columns, rows)),
    fork: async () => {
      const fork = await turn('fork', () => engine.fork())
      steps.forks.add(fork)
      return stepwise(steps, fork)
    },
    // Settings of the engine are no steps of the world.
    sideBySide: (_, work) => work(),
    close: async () => {
      steps.forks.delete(engine)
      await turn('close', () => engine.close())
    },
  }
}

/** As DuckDB's failures come out of our engine, after httpfs has tried again in vain. */
function noAnswer(random: Random): TributaryError {
  return new TributaryError('unavailable', random.pick(['S3_THROTTLED', 'S3_UNREACHABLE']), 'The simulation did this.')
}

async function readRows(engine: Engine, snapshot: Snapshot): Promise<readonly LiveRow[]> {
  const fork = await engine.fork()
  try {
    const rows = await fork.all(`SELECT id, v FROM (${await scanSql({ ...fork, database: snapshot }, snapshot)})`)
    return rows.map(({ id, v }) => ({ id: Number(id), v: String(v) }))
  } finally {
    await fork.close()
  }
}

/** The rows that the change feed leaves, read from the first version on; after a vacuum from the first that was kept on. */
async function readFeed(engine: Engine, snapshot: Snapshot, nowMs: number): Promise<readonly LiveRow[]> {
  const { store, version } = snapshot
  const isKept = async (at: number): Promise<boolean> =>
    ((await readSnapshot(store, { version: at })).timestampMs ?? 0) > nowMs - KEPT_MS
  let fromVersion = 0
  if (!(await isKept(0))) {
    fromVersion = version + 1
    while (await isKept(fromVersion - 1)) fromVersion -= 1
  }
  const base = fromVersion === 0 ? [] : await readRows(engine, await readSnapshot(store, { version: fromVersion - 1 }))
  if (fromVersion > version) return base
  const live = new Map(base.map(({ id, v }) => [id, v]))
  const fork = async (): Promise<Engine> => ({ ...(await engine.fork()), database: snapshot })
  for await (const row of readChanges({ ...engine, fork }, store, {
    fromVersion,
    toVersion: version,
    key: ['id'],
  })) {
    const { id, v, _change_type: type } = row
    if (type === 'delete') live.delete(Number(id))
    else if (type !== 'update_preimage') live.set(Number(id), String(v))
  }
  return [...live].map(([id, v]) => ({ id, v }))
}
