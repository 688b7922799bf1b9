// PROTOCOL.md, "Checkpoints", V1 in one file: one row an action, each in the column of its kind. DuckDB writes it from lines of JSON
// into a private folder; the store then puts it in place in one step, so that two writers of one version never mix.

import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName, quoteName, quoteText } from '../duckdb/sql.ts'
import { checkpointPath, LAST_CHECKPOINT } from '../log/file-names.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { RemoveFile } from '../protocol/actions.ts'

const MAP = 'MAP(VARCHAR, VARCHAR)'
const VECTOR =
  'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, cardinality BIGINT)'
const COLUMNS = {
  txn: 'STRUCT("appId" VARCHAR, version BIGINT, "lastUpdated" BIGINT)',
  add: `STRUCT(path VARCHAR, "partitionValues" ${MAP}, size BIGINT, "modificationTime" BIGINT, "dataChange" BOOLEAN, stats VARCHAR, tags ${MAP}, "deletionVector" ${VECTOR}, "baseRowId" BIGINT, "defaultRowCommitVersion" BIGINT, "clusteringProvider" VARCHAR)`,
  remove: `STRUCT(path VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, "partitionValues" ${MAP}, size BIGINT, "deletionVector" ${VECTOR}, "baseRowId" BIGINT, "defaultRowCommitVersion" BIGINT)`,
  metaData: `STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${MAP}), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], configuration ${MAP}, "createdTime" BIGINT)`,
  protocol:
    'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[], "writerFeatures" VARCHAR[])',
  domainMetadata: 'STRUCT(domain VARCHAR, configuration VARCHAR, removed BOOLEAN)',
} as const

/** Write the checkpoint of a snapshot and point `_last_checkpoint` to it. Readers then start there. Throws `ENGINE_FAILED`, `STORE_FAILED`. */
export async function writeCheckpoint(engine: Engine, clock: Clock, snapshot: Snapshot): Promise<void> {
  const { store, version } = snapshot
  const name = join(engine.tempFolder, `checkpoint-${clock.uuid()}`)
  const [lines, parquet] = [`${name}.json`, `${name}.parquet`]
  try {
    const { size, lineBytesMax } = await writeLines(lines, checkpointLines(snapshot, clock.now()))
    const columns = Object.entries(COLUMNS)
      .map(([column, type]) => `${quoteName(column)}: ${quoteText(type)}`)
      .join(', ')
    await engine.run(`COPY (SELECT * FROM read_json(${quoteFileName(lines)}, format = 'newline_delimited', columns = {${columns}}, maximum_object_size = ${Math.max(lineBytesMax + 1, OBJECT_BYTES_MIN)}))
      TO ${quoteText(parquet)} (FORMAT parquet, COMPRESSION snappy)`)
    const bytes = await readFile(parquet)
    await store.write(checkpointPath(version), bytes)
    const hint = { version, size, sizeInBytes: bytes.length, numOfAddFiles: snapshot.files.length }
    await store.write(LAST_CHECKPOINT, new TextEncoder().encode(JSON.stringify(hint)))
  } finally {
    await rm(lines, { force: true })
    await rm(parquet, { force: true })
  }
}

// DuckDB takes memory for two objects of the greatest size a thread, so it is told what the lines need and no more.
const OBJECT_BYTES_MIN = 1024 * 1024

async function writeLines(
  path: string,
  lines: Iterable<string>,
): Promise<{ readonly size: number; readonly lineBytesMax: number }> {
  const written = { size: 0, lineBytesMax: 0 }
  await pipeline(
    Readable.from(
      (function* () {
        for (const line of lines) {
          written.size += 1
          written.lineBytesMax = Math.max(written.lineBytesMax, Buffer.byteLength(line) + 1)
          yield `${line}\n`
        }
      })(),
    ),
    createWriteStream(path),
  )
  return written
}

function* checkpointLines(snapshot: Snapshot, nowMs: number): Generator<string> {
  yield JSON.stringify({ protocol: snapshot.protocol })
  yield JSON.stringify({ metaData: snapshot.metadata })
  for (const txn of snapshot.transactions.values()) yield JSON.stringify({ txn })
  for (const [domain, configuration] of snapshot.domains)
    yield JSON.stringify({ domainMetadata: { domain, configuration, removed: false } })
  for (const add of snapshot.files) yield JSON.stringify({ add: { ...add, dataChange: false } })
  const expiredMs = nowMs - retentionMs(snapshot.metadata.configuration['delta.deletedFileRetentionDuration'])
  for (const remove of snapshot.tombstones) {
    if ((remove.deletionTimestamp ?? 0) > expiredMs) yield JSON.stringify({ remove: tombstone(remove) })
  }
}

function tombstone({ stats: _stats, tags: _tags, ...remove }: RemoveFile): RemoveFile {
  return { ...remove, dataChange: false }
}

const DAY_MS = 86_400_000
const UNITS_MS: Readonly<Record<string, number>> = {
  week: 7 * DAY_MS,
  day: DAY_MS,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
  microsecond: 0.001,
}

// `interval 1 week`, `interval 2 days 3 hours`. What cannot be read keeps the default: a tombstone too many does no harm.
function retentionMs(interval: string | undefined): number {
  const parts = [...(interval ?? '').matchAll(/(\d+)\s+(week|day|hour|minute|second|millisecond|microsecond)s?/gi)]
  if (parts.length === 0) return 7 * DAY_MS
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit?.toLowerCase() ?? ''] ?? 0), 0)
}
