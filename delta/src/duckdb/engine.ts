// The only way to DuckDB. The package is loaded by import(), so that a command which needs no engine does not pay for it.
// One engine is one connection and runs one statement at a time; `fork` gives another connection to the same database.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as DuckDB from '@duckdb/node-api'
import { systemClock } from '../clock.ts'
import { type AppendRows, appendRows } from './append.ts'
import { keepByteOrderMarks } from './byte-order-marks.ts'
import { restThreads, type SideBySide } from './rest-threads.ts'
import { type Batch, batchRows, plainValue, type Row } from './values.ts'
import { registerVariantJson } from './variant-function.ts'
import { toVectors, type Vectors } from './vectors.ts'
import { wrapEngineError } from './wrap-error.ts'

/** A connection to an in-memory DuckDB. Statements that are awaited together run one after another, in order. */
export interface Engine {
  /** Where the engine may put files that nobody needs after `close`. */
  readonly tempFolder: string
  /** Stands for the database: the same object on all its connections. */
  readonly database: object
  readonly run: (sql: string) => Promise<void>
  /** All rows: for small results only. */
  readonly all: (sql: string) => Promise<readonly Row[]>
  /** The rows in bounded memory. While it is being read this engine runs nothing else: use `fork` for that. */
  readonly stream: (sql: string) => AsyncIterable<Batch>
  /** As `all`, for many numbers: columns as DuckDB holds them. */
  readonly vectors: (sql: string) => Promise<readonly Vectors[]>
  /** As `stream`, for millions of numbers: columns as DuckDB holds them. */
  readonly streamVectors: (sql: string) => AsyncIterable<Vectors>
  /** Append rows to an existing temporary table; columns that are not named become NULL. */
  readonly append: (table: string, columns: readonly string[], rows: AppendRows) => Promise<void>
  /** Another connection to the same database and memory. Temporary tables are private to a connection and go with it. */
  readonly fork: () => Promise<Engine>
  /** Does work that keeps so many statements running at once: where they fill all cores, each has the thread that waits for it and no other. */
  readonly sideBySide: SideBySide
  /** Stops what is running. Closing the engine that was opened first also closes its forks and removes its temporary folder. */
  readonly close: () => Promise<void>
}

const MEMORY_MIB = 512
const THREADS_MAX = 4
const INTERRUPT_EVERY_MS = 10

/**
 * Start DuckDB in memory, in UTC, with nothing fetched from the network. It may still be starting when this returns; should it fail, the
 * first statement throws `ENGINE_FAILED`.
 */
export async function openEngine(
  options: {
    readonly memoryMiB?: number
    readonly threads?: number
    readonly tempFolder?: string
    /** So much may be spilled to the temporary folder; unset: nine tenths of the disk. */
    readonly tempMiB?: number
  } = {},
): Promise<Engine> {
  const [api] = await Promise.all([import('@duckdb/node-api'), keepByteOrderMarks()])
  const tempFolder = await mkdtemp(join(options.tempFolder ?? tmpdir(), 'tributary-'))
  const threads = options.threads ?? Math.min(availableParallelism(), THREADS_MAX)
  const creating = createInstance(api, {
    memory_limit: `${options.memoryMiB ?? MEMORY_MIB}MiB`,
    threads: String(threads),
    temp_directory: tempFolder,
    ...(options.tempMiB === undefined ? {} : { max_temp_directory_size: `${options.tempMiB}MiB` }),
    autoload_known_extensions: 'false',
    autoinstall_known_extensions: 'false',
    // The system keeps files of a disk in memory already; a copy in here would grow until it is as large as the limit.
    enable_external_file_cache: 'false',
    // Secrets that a person keeps for DuckDB elsewhere could lead the data to another server than the log.
    allow_persistent_secrets: 'false',
    preserve_insertion_order: 'true',
    // Up to 1.5.5 it leaves out rows whose order is NULL and makes a row of none (DuckDB issues 24363, 23675, 24711).
    disabled_optimizers: 'top_n_window_elimination',
  })
  const forks = new Set<Engine>()
  return connect({ api, creating, tempFolder, forks, sideBySide: restThreads(creating, threads) }, async () => {
    await Promise.all([...forks].map((fork) => fork.close()))
    const instance = await creating.catch(() => undefined)
    instance?.closeSync()
    await rm(tempFolder, { recursive: true, force: true })
  })
}

async function createInstance(
  api: typeof DuckDB,
  settings: Readonly<Record<string, string>>,
): Promise<DuckDB.DuckDBInstance> {
  const instance = await api.DuckDBInstance.create(':memory:', settings)
  const registration = await instance.connect()
  await registration.run("SET GLOBAL TimeZone = 'UTC'")
  registerVariantJson(api, registration)
  registration.closeSync()
  return instance
}

interface Database {
  readonly api: typeof DuckDB
  /** It takes its time to start, in which others may work. */
  readonly creating: Promise<DuckDB.DuckDBInstance>
  readonly tempFolder: string
  /** Those that are open: what they are at would hold the process until it is done. */
  readonly forks: Set<Engine>
  readonly sideBySide: SideBySide
}

function connect(database: Database, closeDatabase: () => Promise<void>): Engine {
  const { api, creating, tempFolder, forks, sideBySide } = database
  const connecting = creating.then((instance) => instance.connect())
  // The first statement tells what went wrong.
  connecting.catch(() => undefined)
  const queue = statementQueue()

  return {
    tempFolder,
    database: creating,
    run: (sql) => queue.next(async () => void (await (await connecting).run(sql))),
    all: (sql) =>
      queue.next(async () => {
        const result = await (await connecting).run(sql)
        const columns = result.columnNames()
        return chunksOf(result).flatMap((chunk) => batchRows(toBatch(api, columns, chunk)))
      }),
    vectors: (sql) =>
      queue.next(async () => chunksOf(await (await connecting).run(sql)).map((chunk) => toVectors(api, chunk))),
    stream: (sql) => streamChunks(connecting, queue, sql, (columns, chunk) => toBatch(api, columns, chunk)),
    streamVectors: (sql) => streamChunks(connecting, queue, sql, (_, chunk) => toVectors(api, chunk)),
    append: (table, columns, rows) =>
      queue.next(async () => appendRows({ api, connection: await connecting }, { table, columns, rows })),
    fork: async () => {
      queue.assertRuns()
      const fork: Engine = connect(database, async () => void forks.delete(fork))
      forks.add(fork)
      return fork
    },
    sideBySide,
    close: async () => {
      if (!queue.stop()) return
      const connection = await connecting.catch(() => undefined)
      if (connection !== undefined) {
        await interruptUntil(connection, queue.idle())
        connection.closeSync()
      }
      await closeDatabase()
    },
  }
}

// An interrupt that comes before DuckDB has begun the statement is lost, so it is repeated.
async function interruptUntil(connection: DuckDB.DuckDBConnection, idle: Promise<unknown>): Promise<void> {
  let isIdle = false
  const done = idle.then(() => {
    isIdle = true
  })
  while (!isIdle) {
    connection.interrupt()
    await Promise.race([done, systemClock.sleep(INTERRUPT_EVERY_MS)])
  }
}

async function* streamChunks<Part>(
  connecting: Promise<DuckDB.DuckDBConnection>,
  queue: StatementQueue,
  sql: string,
  partOf: (columns: readonly string[], chunk: DuckDB.DuckDBDataChunk) => Part,
): AsyncGenerator<Part> {
  const release = await queue.hold()
  try {
    const result = await queue.step(async () => (await connecting).stream(sql))
    const columns = result.columnNames()
    // Bounded by the result; an abandoned result is dropped by DuckDB when the connection's next statement starts.
    for (;;) {
      const chunk = await queue.step(() => result.fetchChunk())
      if (chunk === null || chunk.rowCount === 0) return
      yield partOf(columns, chunk)
    }
  } catch (cause) {
    throw wrapEngineError(cause)
  } finally {
    release()
  }
}

/** They are there already: to fetch each would take a turn of the event loop. */
function chunksOf(result: DuckDB.DuckDBMaterializedResult): readonly DuckDB.DuckDBDataChunk[] {
  return Array.from({ length: result.chunkCount }, (_, at) => result.getChunk(at))
}

function toBatch(api: typeof DuckDB, columns: readonly string[], chunk: DuckDB.DuckDBDataChunk): Batch {
  const values = columns.map((_, column) => chunk.getColumnValues(column).map((value) => plainValue(api, value)))
  return { columns, rowCount: chunk.rowCount, values }
}

interface StatementQueue {
  readonly assertRuns: () => void
  readonly next: <T>(work: () => Promise<T>) => Promise<T>
  readonly hold: () => Promise<() => void>
  /** One call of the stream that holds the queue. */
  readonly step: <T>(work: () => Promise<T>) => Promise<T>
  readonly stop: () => boolean
  readonly idle: () => Promise<unknown>
}

// A connection that gets a second statement drops the first one's rows, so statements wait for each other. Waiting for a stream
// would hang a loop that queries while it reads: that is a bug in the caller and fails at once.
function statementQueue(): StatementQueue {
  let last: Promise<unknown> = Promise.resolve()
  // What DuckDB is at while a stream is open.
  let step: Promise<unknown> = last
  let isStreaming = false
  let isStopped = false
  const assertRuns = (): void => assert(!isStopped, 'an engine that was closed runs nothing')
  const assertFree = (): void => {
    assertRuns()
    assert(!isStreaming, 'an engine runs nothing else while a stream of it is open: fork it')
  }
  const next = <T>(work: () => Promise<T>): Promise<T> => {
    assertFree()
    const done = last
      .then(() => {
        assertRuns()
        return work()
      })
      .catch((cause: unknown) => Promise.reject(wrapEngineError(cause)))
    last = done.catch(() => undefined)
    return done
  }
  const hold = async (): Promise<() => void> => {
    assertFree()
    isStreaming = true
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = last
    step = before
    last = promise
    await before
    return () => {
      isStreaming = false
      resolve()
    }
  }
  const takeStep = async <T>(work: () => Promise<T>): Promise<T> => {
    assertRuns()
    const done = work()
    step = done.catch(() => undefined)
    const result = await done
    // A result that was interrupted ends as one does of which all rows were read.
    assertRuns()
    return result
  }
  const stop = (): boolean => {
    const isFirst = !isStopped
    isStopped = true
    return isFirst
  }
  // A stream that its reader left standing never ends by itself, only what it asked DuckDB for does.
  return { assertRuns, next, hold, step: takeStep, stop, idle: () => (isStreaming ? step : last) }
}
