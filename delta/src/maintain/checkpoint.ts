// PROTOCOL.md, "Checkpoints". The first kind is one Parquet file under a classic name. The second kind (feature v2Checkpoint) has a
// random name, so that two writers of one version never meet, and may keep its files apart, in sidecars. A file appears whole: DuckDB
// writes it into a private folder, and the store then puts it in place in one step.

import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName, quoteName, quoteText } from '../duckdb/sql.ts'
import { checkpointPath, LOG_FOLDER } from '../log/file-names.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { supportsWriterFeature } from '../protocol/features.ts'
import { fileColumns, fileRows, STATE_COLUMNS, stateRows, V2_COLUMNS } from './checkpoint-rows.ts'
import { writeHint } from './last-checkpoint.ts'
import { countOf } from './retention.ts'

/** How a checkpoint of the second kind is laid out. */
export interface CheckpointOptions {
  /** What the top file is; `parquet` unless said otherwise. */
  readonly topLevel?: 'json' | 'parquet'
  /** Files of the table in one sidecar; up to so many need none. */
  readonly sidecarFilesMax?: number
}

interface WrittenRows {
  readonly bytes: Uint8Array
  readonly rows: number
}

/**
 * Write the checkpoint of a snapshot, of the kind that `delta.checkpointPolicy` asks for, and point `_last_checkpoint` to it. Readers
 * then start there. Nothing is written below the version that `delta.requireCheckpointProtectionBeforeVersion` protects.
 * Throws `ENGINE_FAILED`, `STORE_FAILED`, `PARTITION_VALUE_CORRUPT`.
 */
export async function writeCheckpoint(
  engine: Engine,
  clock: Clock,
  snapshot: Snapshot,
  options: CheckpointOptions = {},
): Promise<void> {
  const { store, version } = snapshot
  // RFC "Checkpoint Protection": of versions before that one nobody may make checkpoints who does not know what they once needed.
  if (version < protectedBefore(snapshot)) return
  const size = isV2(snapshot)
    ? await writeV2(engine, clock, snapshot, options)
    : await writeClassic(engine, clock, snapshot)
  await writeHint(store, { version, ...size, numOfAddFiles: snapshot.files.length })
}

/** Whether a version is one at which `delta.checkpointInterval` (10) asks for a checkpoint. */
export function isCheckpointDue({ version, metadata }: Pick<Snapshot, 'version' | 'metadata'>): boolean {
  return version > 0 && version % countOf(metadata, 'delta.checkpointInterval', 10) === 0
}

/** The version before which log and checkpoints are protected; 0 without protection. */
export function protectedBefore({ metadata }: Pick<Snapshot, 'metadata'>): number {
  return countOf(metadata, 'delta.requireCheckpointProtectionBeforeVersion', 0)
}

interface CheckpointSize {
  readonly size: number
  readonly sizeInBytes: number
}

async function writeClassic(engine: Engine, clock: Clock, snapshot: Snapshot): Promise<CheckpointSize> {
  const columns = { ...STATE_COLUMNS, ...fileColumns(snapshot) }
  const { bytes, rows } = await encodeParquet(
    { engine, clock, codec: codecOf(snapshot) },
    columns,
    joined([stateRows(snapshot), fileRows(snapshot, clock.now())]),
  )
  await snapshot.store.write(checkpointPath(snapshot.version), bytes)
  return { size: rows, sizeInBytes: bytes.length }
}

// About 20 MB of a sidecar: what a reader takes in one go.
const SIDECAR_FILES_MAX = 50_000

async function writeV2(
  engine: Engine,
  clock: Clock,
  snapshot: Snapshot,
  { topLevel = 'parquet', sidecarFilesMax = SIDECAR_FILES_MAX }: CheckpointOptions,
): Promise<CheckpointSize> {
  const { store, version } = snapshot
  const isInline = topLevel === 'parquet' && snapshot.files.length + snapshot.tombstones.length <= sidecarFilesMax
  // PROTOCOL.md: either all actions on files are in the top file, or all are in sidecars.
  const sidecars = isInline ? NO_SIDECARS : await writeSidecars(engine, clock, snapshot, sidecarFilesMax)
  const rows = joined([
    [{ checkpointMetadata: { version } }],
    stateRows(snapshot),
    isInline ? fileRows(snapshot, clock.now()) : sidecars.rows,
  ])
  // Spark looks for the columns of files in the top file even where all of them are in sidecars.
  const parts = { engine, clock, codec: codecOf(snapshot) }
  const top =
    topLevel === 'json'
      ? encodeJson(rows)
      : await encodeParquet(parts, { ...STATE_COLUMNS, ...V2_COLUMNS, ...fileColumns(snapshot) }, rows)
  await store.write(topPath(version, clock, topLevel), top.bytes)
  return { size: top.rows + sidecars.size, sizeInBytes: top.bytes.length + sidecars.sizeInBytes }
}

interface Sidecars extends CheckpointSize {
  readonly rows: readonly object[]
}

const NO_SIDECARS: Sidecars = { rows: [], size: 0, sizeInBytes: 0 }

async function writeSidecars(engine: Engine, clock: Clock, snapshot: Snapshot, filesMax: number): Promise<Sidecars> {
  const rows: object[] = []
  const sum = { size: 0, sizeInBytes: 0 }
  const parts = { engine, clock, codec: codecOf(snapshot) }
  const files = fileRows(snapshot, clock.now())
  for (let next = files.next(); next.done !== true; next = files.next()) {
    const part = joined([[next.value], taken(files, filesMax - 1)])
    const { bytes, rows: count } = await encodeParquet(parts, fileColumns(snapshot), part)
    const path = `${clock.uuid()}.parquet`
    await snapshot.store.write(`${LOG_FOLDER}_sidecars/${path}`, bytes)
    rows.push({ sidecar: { path, sizeInBytes: bytes.length, modificationTime: clock.now() } })
    sum.size += count
    sum.sizeInBytes += bytes.length
  }
  return { rows, ...sum }
}

// PROTOCOL.md, "V2 Spec": now and then a classic name, so that a client without the feature finds a checkpoint, sees in it what
// it lacks, and says so.
const CLASSIC_EVERY = 100

function topPath(version: number, clock: Clock, topLevel: 'json' | 'parquet'): string {
  const classic = checkpointPath(version)
  return topLevel === 'parquet' && version % CLASSIC_EVERY === 0
    ? classic
    : `${classic.slice(0, -'parquet'.length)}${clock.uuid()}.${topLevel}`
}

function isV2({ protocol, metadata }: Snapshot): boolean {
  const asks = metadata.configuration['delta.checkpointPolicy']?.toLowerCase() === 'v2'
  return asks && supportsWriterFeature(protocol, 'v2Checkpoint')
}

function encodeJson(rows: Iterable<object>): WrittenRows {
  const lines = [...rows].map((row) => `${JSON.stringify(row)}\n`)
  return { bytes: new TextEncoder().encode(lines.join('')), rows: lines.length }
}

interface EncodeParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly codec: 'snappy' | 'zstd'
}

/**
 * Who reads the data files reads checkpoints of their codec. zstd takes a third fewer bytes, and of a busy table a checkpoint is mostly
 * names of files that left it.
 */
function codecOf({ metadata: { configuration } }: Snapshot): EncodeParts['codec'] {
  const named = configuration['delta.parquet.compression.codec']?.trim().toLowerCase() ?? 'zstd'
  return named === 'zstd' ? named : 'snappy'
}

async function encodeParquet(
  { engine, clock, codec }: EncodeParts,
  types: Readonly<Record<string, string>>,
  rows: Iterable<object>,
): Promise<WrittenRows> {
  const name = join(engine.tempFolder, `checkpoint-${clock.uuid()}`)
  const [lines, parquet] = [`${name}.json`, `${name}.parquet`]
  try {
    const written = await writeLines(lines, rows)
    const columns = Object.entries(types)
      .map(([column, type]) => `${quoteName(column)}: ${quoteText(type)}`)
      .join(', ')
    await engine.run(`COPY (SELECT * FROM read_json(${quoteFileName(lines)}, format = 'newline_delimited', columns = {${columns}}, maximum_object_size = ${Math.max(written.lineBytesMax + 1, OBJECT_BYTES_MIN)}))
      TO ${quoteText(parquet)} (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, WRITE_BLOOM_FILTER false)`)
    return { bytes: await readFile(parquet), rows: written.rows }
  } finally {
    await rm(lines, { force: true })
    await rm(parquet, { force: true })
  }
}

// DuckDB takes memory for two objects of the greatest size a thread, so it is told what the lines need and no more.
const OBJECT_BYTES_MIN = 1024 * 1024
// Writers and readers hold a row group in memory.
const ROW_GROUP_ROWS = 20_480
// A write for each line would cost more than the lines.
const CHUNK_CHARACTERS = 262_144

async function writeLines(
  path: string,
  rows: Iterable<object>,
): Promise<{ readonly rows: number; readonly lineBytesMax: number }> {
  const written = { rows: 0, lineBytesMax: 0 }
  await pipeline(
    Readable.from(
      (function* () {
        let chunk = ''
        for (const row of rows) {
          const line = `${JSON.stringify(row)}\n`
          written.rows += 1
          written.lineBytesMax = Math.max(written.lineBytesMax, Buffer.byteLength(line))
          chunk += line
          if (chunk.length < CHUNK_CHARACTERS) continue
          yield chunk
          chunk = ''
        }
        yield chunk
      })(),
    ),
    createWriteStream(path),
  )
  return written
}

function* joined(parts: readonly Iterable<object>[]): Generator<object> {
  for (const part of parts) yield* part
}

/** Up to so many of what an iterator has left; the iterator stays open. */
function* taken(rows: Iterator<object>, count: number): Generator<object> {
  for (let index = 0; index < count; index++) {
    const next = rows.next()
    if (next.done === true) return
    yield next.value
  }
}
