import type { Engine } from '../duckdb/engine.ts'
import { batchRows, type Row } from '../duckdb/values.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { type ScanOptions, scanSql } from './scan.ts'

/** The live rows of a table as objects, in bounded memory. `EngineValue` says how each type looks. */
export async function* readRows(engine: Engine, snapshot: Snapshot, options: ScanOptions = {}): AsyncGenerator<Row> {
  const fork = await engine.fork()
  try {
    for await (const batch of fork.stream(await scanSql(fork, snapshot, options))) yield* batchRows(batch)
  } finally {
    await fork.close()
  }
}
