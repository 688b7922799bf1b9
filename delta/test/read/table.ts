import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { type Engine, openEngine } from '../../src/duckdb/engine.ts'
import type { Row } from '../../src/duckdb/values.ts'
import { readSnapshot, type Snapshot } from '../../src/log/snapshot.ts'
import type { Action } from '../../src/protocol/actions.ts'
import type { DataType, StructField, StructType } from '../../src/protocol/schema.ts'
import { readRows } from '../../src/read/rows.ts'
import type { ScanOptions } from '../../src/read/scan.ts'
import { localStore } from '../../src/store/local.ts'
import type { Store } from '../../src/store/store.ts'
import { commit } from '../../src/write/commit.ts'
import { createTableActions } from '../../src/write/create-table.ts'
import { type DataFilesRequest, writeDataFiles } from '../../src/write/data-files.ts'
import { deletionVectorActions } from '../../src/write/deletion-vector-actions.ts'

/** A schema from a list of columns. */
export function schemaOf(columns: readonly (readonly [string, DataType])[]): StructType {
  return {
    type: 'struct',
    fields: columns.map(([name, type]): StructField => ({ name, type, nullable: true, metadata: {} })),
  }
}

/** An engine and an empty folder for tables; both go with `close`. */
export async function workshop(): Promise<{
  readonly engine: Engine
  readonly folder: string
  readonly close: () => Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-test-'))
  const engine = await openEngine()
  return {
    engine,
    folder,
    close: async () => {
      await engine.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A table on disk that tests write to, one call a commit. */
export interface TestTable {
  readonly store: Store
  readonly append: (relation: string, options?: Partial<DataFilesRequest>) => Promise<Snapshot>
  /** Replace the rows that `where` finds by those of `relation`, in one commit. */
  readonly replace: (where: string, relation?: string, operation?: string) => Promise<Snapshot>
  readonly commit: (actions: readonly Action[], operation?: string) => Promise<Snapshot>
  readonly snapshot: (version?: number) => Promise<Snapshot>
  readonly rows: (options?: ScanOptions & { readonly version?: number }) => Promise<readonly Row[]>
}

export async function createTestTable(
  engine: Engine,
  folder: string,
  schema: StructType,
  partitionColumns: readonly string[] = [],
): Promise<TestTable> {
  const store = localStore(folder)
  let version: number | undefined
  const snapshot = (at?: number): Promise<Snapshot> => readSnapshot(store, at === undefined ? {} : { version: at })
  const write = (relation: string, options: Partial<DataFilesRequest> = {}): Promise<Action[]> =>
    writeDataFiles(engine, store, systemClock, { relation, schema, partitionColumns, ...options }).then((adds) =>
      adds.map((add) => ({ add })),
    )
  const commitNext = async (actions: readonly Action[], operation = 'WRITE'): Promise<Snapshot> => {
    const outcome = await commit(store, systemClock, { readVersion: version, actions, info: { operation } })
    if (outcome.kind !== 'committed') throw new Error('a test lost a race')
    version = outcome.version
    return snapshot()
  }
  await commitNext(
    [...createTableActions(systemClock, { schema, partitionColumns, deletionVectors: true })],
    'CREATE TABLE',
  )
  return {
    store,
    snapshot,
    commit: commitNext,
    append: async (relation, options) => commitNext(await write(relation, options)),
    replace: async (where, relation, operation) => {
      const before = await snapshot()
      const found = new Map<string, number[]>()
      for await (const row of readRowsWhere(engine, before, where)) {
        const path = String(row['__path'])
        const positions = found.get(path) ?? []
        positions.push(Number(row['__position']))
        found.set(path, positions)
      }
      const deletions = before.files.flatMap((file) =>
        found.has(file.path) ? [{ file, positions: found.get(file.path) ?? [] }] : [],
      )
      const left = await deletionVectorActions(store, systemClock, deletions)
      return commitNext([...left, ...(relation === undefined ? [] : await write(relation))], operation)
    },
    rows: async ({ version: at, ...options } = {}) => Array.fromAsync(readRows(engine, await snapshot(at), options)),
  }
}

async function* readRowsWhere(engine: Engine, snapshot: Snapshot, where: string): AsyncGenerator<Row> {
  const { scanSql } = await import('../../src/read/scan.ts')
  const fork = await engine.fork()
  yield* await fork.all(`SELECT * FROM (${await scanSql(fork, snapshot, { withPlace: true })}) WHERE ${where}`)
  await fork.close()
}
