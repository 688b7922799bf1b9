// Tables as other engines leave them: actions written by hand, data files by any query.

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Engine } from '../../src/duckdb/engine.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import type { Action, Protocol } from '../../src/protocol/actions.ts'
import type { DataType, StructField } from '../../src/protocol/schema.ts'
import { changesSql } from '../../src/read/changes.ts'
import { ndjsonSql, readLines } from '../../src/read/render.ts'
import { scanSql } from '../../src/read/scan.ts'
import { localStore } from '../../src/store/local.ts'
import type { Store } from '../../src/store/store.ts'
import { writeCommits } from '../log/log-builder.ts'

/** Protocol and metadata of a table. */
export function tableActions(
  fields: readonly StructField[],
  {
    protocol = { minReaderVersion: 1, minWriterVersion: 2 },
    partitionColumns = [],
    configuration = {},
  }: {
    readonly protocol?: Protocol
    readonly partitionColumns?: readonly string[]
    readonly configuration?: Readonly<Record<string, string>>
  } = {},
): Action[] {
  const schemaString = JSON.stringify({ type: 'struct', fields })
  const format = { provider: 'parquet', options: {} }
  return [{ protocol }, { metaData: { id: 't', format, schemaString, partitionColumns, configuration } }]
}

/** A column with metadata. */
export function column(name: string, type: DataType, metadata: Readonly<Record<string, unknown>> = {}): StructField {
  return { name, type, nullable: true, metadata }
}

/** A table on disk: commits, and data files by path, each the query that fills it. */
export async function foreignTable(
  engine: Engine,
  folder: string,
  commits: readonly (readonly Action[])[],
  files: Readonly<Record<string, string | { readonly query: string; readonly options: string }>> = {},
): Promise<Store> {
  await mkdir(folder, { recursive: true })
  for (const [path, file] of Object.entries(files)) {
    const { query, options } = typeof file === 'string' ? { query: file, options: '' } : file
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await engine.run(`COPY (${query}) TO '${join(folder, path)}' (FORMAT parquet${options})`)
  }
  const store = localStore(folder)
  await writeCommits(store, commits)
  return store
}

/** The rows of a table as JSON, in the order of their text. */
export async function linesOf(engine: Engine, store: Store): Promise<readonly string[]> {
  const fork = await engine.fork()
  try {
    const snapshot = await readSnapshot(store)
    return await readAll(fork, ndjsonSql(await scanSql(fork, snapshot), snapshot.schema.fields))
  } finally {
    await fork.close()
  }
}

/** The change feed of a range of versions as JSON, without times, in the order of its text. */
export async function changeLinesOf(
  engine: Engine,
  store: Store,
  range: { readonly fromVersion: number; readonly toVersion: number },
): Promise<readonly string[]> {
  const fork = await engine.fork()
  try {
    const { sql, fields } = await changesSql(fork, store, { ...range, feed: true })
    const shown = fields.filter(({ name }) => name !== '_commit_timestamp')
    return await readAll(fork, ndjsonSql(sql, shown))
  } finally {
    await fork.close()
  }
}

async function readAll(engine: Engine, sql: string): Promise<readonly string[]> {
  return (await Array.fromAsync(readLines(engine, sql))).flat().sort()
}
