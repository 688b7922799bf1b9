// Builders of logs for the tests of this folder: commits as JSON lines, and checkpoints as Parquet.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { commitPath } from '../../src/log/file-names.ts'
import type { Action, AddFile } from '../../src/protocol/actions.ts'
import type { Store } from '../../src/store/store.ts'

export const PROTOCOL: Action = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }

/** Metadata of a table with one column `id`. */
export function metadata(configuration: Readonly<Record<string, string>> = {}): Action {
  const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'
  return {
    metaData: {
      id: 'table',
      format: { provider: 'parquet', options: {} },
      schemaString,
      partitionColumns: [],
      configuration,
    },
  }
}

/** An add of a file. */
export function add(path: string, more: Partial<AddFile> = {}): Action {
  return { add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true, ...more } }
}

/** A remove of a file. */
export function remove(path: string, deletionVector?: AddFile['deletionVector']): Action {
  return { remove: { path, dataChange: true, deletionTimestamp: 1, ...(deletionVector ? { deletionVector } : {}) } }
}

/** Write commits from a version on. */
export async function writeCommits(
  store: Store,
  commits: readonly (readonly Action[])[],
  fromVersion = 0,
): Promise<void> {
  for (const [index, actions] of commits.entries()) {
    await store.write(
      commitPath(fromVersion + index),
      encode(actions.map((action) => JSON.stringify(action)).join('\n')),
    )
  }
}

/** Write a checkpoint file with these rows. */
export async function writeCheckpointFile(
  store: Store,
  path: string,
  rows: readonly object[],
  options: { readonly rowGroupRows?: number } = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-checkpoint-'))
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    await writeFile(join(folder, 'rows.json'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const columns = Object.entries(CHECKPOINT_COLUMNS)
      .map(([name, type]) => `${name}: '${type}'`)
      .join(', ')
    await connection.run(`COPY (SELECT * FROM read_json('${folder}/rows.json', format = 'newline_delimited', columns = {${columns}}))
      TO '${folder}/out.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${options.rowGroupRows ?? 122_880})`)
    connection.closeSync()
    await store.write(path, await readFile(join(folder, 'out.parquet')))
  } finally {
    instance.closeSync()
    await rm(folder, { recursive: true })
  }
}

const VECTOR =
  'STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, "offset" INTEGER, sizeInBytes INTEGER, cardinality BIGINT)'
const STATS =
  'STRUCT(numRecords BIGINT, minValues STRUCT(id BIGINT, price DECIMAL(20,2), day DATE), nullCount STRUCT(id BIGINT))'
const CHECKPOINT_COLUMNS = {
  protocol:
    'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
  metaData: `STRUCT(id VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)`,
  add: `STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR), deletionVector ${VECTOR}, stats_parsed ${STATS})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, deletionVector ${VECTOR})`,
  txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
  domainMetadata: 'STRUCT(domain VARCHAR, configuration VARCHAR, removed BOOLEAN)',
  sidecar: 'STRUCT(path VARCHAR, sizeInBytes BIGINT)',
  checkpointMetadata: 'STRUCT(version BIGINT)',
}

/** Text as bytes. */
export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
