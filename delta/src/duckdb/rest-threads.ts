import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { wrapEngineError } from './wrap-error.ts'

/** Does work that keeps so many statements running at once. */
export type SideBySide = <T>(statements: number, work: () => Promise<T>) => Promise<T>

/**
 * DuckDB's own threads help with the statements of all connections. One that takes the only task of a statement leaves the thread that
 * waits for this statement spinning until it is done: with a statement a core, a quarter of all processor time went there. So they rest
 * while statements and the caller's own thread are enough for all cores. What is planned meanwhile is planned for one thread, and keeps
 * less in memory.
 */
export function restThreads(creating: Promise<DuckDBInstance>, threads: number): SideBySide {
  let resting = 0
  let settled: Promise<DuckDBConnection | undefined> = Promise.resolve(undefined)
  // A setting of the whole instance: it changes with the first who asks and the last who leaves. The connection stays open in between,
  // so that the instance is there to the end, whoever closes it meanwhile.
  const rest = async (open: Promise<DuckDBConnection | undefined>): Promise<DuckDBConnection> => {
    // Should it have failed to wake them, it is tried anew from here.
    const connection = (await open.catch(() => undefined)) ?? (await (await creating).connect())
    await connection.run('SET GLOBAL threads = 1')
    return connection
  }
  const wake = async (open: Promise<DuckDBConnection | undefined>): Promise<undefined> => {
    const connection = await open.catch(() => undefined)
    try {
      await connection?.run(`SET GLOBAL threads = ${threads}`)
    } finally {
      connection?.closeSync()
    }
  }
  return async (statements, work) => {
    if (statements < 2 || statements + 1 < threads) return work()
    resting += 1
    if (resting === 1) settled = rest(settled)
    try {
      await settled.catch((cause: unknown) => Promise.reject(wrapEngineError(cause)))
      return await work()
    } finally {
      resting -= 1
      if (resting === 0) {
        settled = wake(settled)
        await settled
      }
    }
  }
}
