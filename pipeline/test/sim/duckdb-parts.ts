// The same worlds with a real DuckDB: DMS writes CSV, the product's own readers and writers make Parquet of it. Each statement is a task of the
// scheduler, and the next step waits until it is done, so that one world is one order.
import { type Engine, openEngine, readChanges, type Snapshot, scanSql } from '@tributary/delta'
import { encodeCsv } from './landing-files.ts'
import type { LiveRow } from './oracle.ts'
import type { Simulation } from './report.ts'
import type { Actor } from './scheduler.ts'
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
          forks = { world, open: new Set() }
        }
        return stepwise({ world, actor, elsewhere, forks: forks.open }, engine)
      },
      work: undefined,
      readRows: (snapshot) => readRows(engine, snapshot),
      readFeed: (snapshot) => readFeed(engine, snapshot),
    },
    options: { encode: encodeCsv, folder: `${engine.tempFolder}/world`, elsewhere },
    close: () => engine.close(),
  }
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
    tempFolder: engine.tempFolder,
    // What is remembered of files lives as long as a database, and names come again in every world.
    database: world,
    run: (sql) => turn('run', () => engine.run(sql)),
    all: (sql) => turn('all', () => engine.all(sql)),
    stream: async function* (sql) {
      yield* await turn('stream', () => Array.fromAsync(engine.stream(sql)))
    },
    streamVectors: async function* (sql) {
      yield* await turn('stream', () => Array.fromAsync(engine.streamVectors(sql)))
    },
    append: (table, columns, rows) => turn('append', () => engine.append(table, columns, rows)),
    fork: async () => {
      const fork = await turn('fork', () => engine.fork())
      steps.forks.add(fork)
      return stepwise(steps, fork)
    },
    close: async () => {
      steps.forks.delete(engine)
      await turn('close', () => engine.close())
    },
  }
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

/** The rows that the change feed leaves, read from the first version on. */
async function readFeed(engine: Engine, snapshot: Snapshot): Promise<readonly LiveRow[]> {
  const { store, version } = snapshot
  const live = new Map<number, string>()
  const fork = async (): Promise<Engine> => ({ ...(await engine.fork()), database: snapshot })
  for await (const row of readChanges({ ...engine, fork }, store, {
    fromVersion: 0,
    toVersion: version,
    key: ['id'],
  })) {
    const { id, v, _change_type: type } = row
    if (type === 'delete') live.delete(Number(id))
    else if (type !== 'update_preimage') live.set(Number(id), String(v))
  }
  return [...live].map(([id, v]) => ({ id, v }))
}
