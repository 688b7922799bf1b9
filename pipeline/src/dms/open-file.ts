import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@tributary/delta'
import type { S3Settings } from '../config/s3-settings.ts'
import { landingFileCorrupt } from '../errors.ts'
import { countParquet } from './count-parquet.ts'
import { type RecordCount, type RecordCounter, recordCounter } from './count-records.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { inflateTo } from './inflate.ts'
import { openStoredFile, readingFrom } from './stored-file.ts'

/** A landing file ready to read: whole, hashed, not compressed. */
export interface OpenedFile {
  readonly key: string
  /** Where its plain bytes are: the file itself, or a copy. */
  readonly path: string
  readonly format: 'csv' | 'parquet'
  /** Size of the stored bytes. */
  readonly sizeBytes: number
  /** Size of the plain bytes. */
  readonly plainBytes: number
  /** SHA-256 of the stored bytes. */
  readonly hash: string
  readonly modifiedMs: number
  /** How the text is cut; of no use for Parquet. */
  readonly dialect: Dialect
  /** The independent count of records. */
  readonly count: RecordCount
  /** Throws `LANDING_FILE_CHANGED` when the file is no longer what was opened: call it after the last read. */
  readonly assertUnchanged: () => Promise<void>
  /** Removes the copies. */
  readonly dispose: () => Promise<void>
}

const CHUNK_BYTES = 1024 * 1024
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Opens a file of the landing. Magic bytes, not the name, tell gzip and Parquet. Throws `LANDING_FILE_CORRUPT`,
 * `LANDING_FILE_CHANGED`, `LANDING_FILE_GONE`, `LANDING_FILE_TOO_LARGE`, `LANDING_PATH_REFUSED` and `STORE_FAILED`.
 */
export function openLandingFile(landing: Store, key: string, options: OpenOptions): Promise<OpenedFile> {
  return readingFrom(key, () => openWhole(landing, key, options))
}

interface OpenOptions {
  readonly tempFolder: string
  readonly settings: S3Settings
  readonly isTransactions?: boolean
  /** Ends the reading with its reason: a large file takes its time. */
  readonly signal?: AbortSignal | undefined
}

async function openWhole(
  landing: Store,
  key: string,
  { tempFolder, settings, isTransactions, signal }: OpenOptions,
): Promise<OpenedFile> {
  const stored = await openStoredFile(landing, key, tempFolder)
  const { path, assertUnchanged } = stored
  const magic = await readMagic(path)
  const isGzip = magic[0] === 0x1f && magic[1] === 0x8b
  const inflated = join(tempFolder, `inflated-${randomBytes(8).toString('hex')}`)
  const hash = createHash('sha256')
  let plain = { path, sizeBytes: stored.sizeBytes }
  const dispose = async (): Promise<void> => {
    await stored.dispose()
    if (isGzip) await rm(inflated, { force: true })
  }
  try {
    const witness = plainWitness(settings, isTransactions === true)
    if (isGzip) {
      const sizeBytes = await inflateTo(
        createReadStream(path, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) }),
        {
          key,
          hash,
          target: inflated,
          storedBytes: stored.sizeBytes,
          onPlain: witness.update,
        },
      )
      plain = { path: inflated, sizeBytes }
    } else {
      await readChunks(path, (chunk) => {
        signal?.throwIfAborted()
        hash.update(chunk)
        witness.update(chunk)
      })
    }
    await assertUnchanged()
    const { format, dialect, count } = await witness.finish(key, plain)
    return {
      key,
      path: plain.path,
      format,
      dialect,
      count,
      sizeBytes: stored.sizeBytes,
      plainBytes: plain.sizeBytes,
      hash: hash.digest('hex'),
      modifiedMs: stored.modifiedMs,
      assertUnchanged,
      dispose,
    }
  } catch (error) {
    await dispose()
    // A file that is being written looks cut: saying so would send people after the wrong cause.
    await assertUnchanged()
    throw error
  }
}

interface Witness {
  readonly update: (chunk: Buffer) => void
  readonly finish: (
    key: string,
    plain: { readonly path: string; readonly sizeBytes: number },
  ) => Promise<Pick<OpenedFile, 'format' | 'dialect' | 'count'>>
}

/** Looks at the plain bytes as they pass: their first four tell Parquet, else the records are counted. */
function plainWitness(settings: S3Settings, byTable: boolean): Witness {
  let head: Buffer = Buffer.alloc(0)
  let started: { readonly dialect: Dialect; readonly counter: RecordCounter } | undefined
  const start = (): { readonly dialect: Dialect; readonly counter: RecordCounter } => {
    if (started !== undefined) return started
    const dialect = dialectOf(settings, head)
    started = { dialect, counter: recordCounter(dialect, { byTable }) }
    started.counter.update(head)
    return started
  }
  const isParquet = (): boolean => head.toString('latin1', 0, 4) === 'PAR1'
  return {
    update: (chunk) => {
      if (started !== undefined) started.counter.update(chunk)
      else if (head.length < 4) head = Buffer.concat([head, chunk])
      if (started === undefined && head.length >= 4 && !isParquet()) start()
    },
    finish: async (key, { path, sizeBytes }) => {
      if (isParquet())
        return {
          format: 'parquet',
          dialect: dialectOf(settings, head),
          count: await countParquet(key, path, sizeBytes),
        }
      if (head.subarray(0, 3).equals(BYTE_ORDER_MARK))
        throw landingFileCorrupt(
          key,
          'it begins with a byte order mark, which DMS does not write and readers take for a part of the first name',
        )
      const { dialect, counter } = start()
      return { format: 'csv', dialect, count: counter.finish() }
    },
  }
}

/** SHA-256 of a landing file's stored bytes, as in `OpenedFile`. Throws `LANDING_FILE_GONE`, `LANDING_PATH_REFUSED`, `STORE_FAILED`. */
export async function hashLandingFile(landing: Store, key: string): Promise<string> {
  const hash = createHash('sha256')
  const stored = await openStoredFile(landing, key, tmpdir())
  try {
    await readingFrom(key, () => readChunks(stored.path, (chunk) => hash.update(chunk)))
    return hash.digest('hex')
  } finally {
    await stored.dispose()
  }
}

/** Gives out a file piece by piece, all in one buffer: a stream would make a new one for each, and the collector would follow. */
async function readChunks(path: string, take: (chunk: Buffer) => void): Promise<void> {
  const file = await open(path)
  try {
    // No larger than the file: of thousands of small ones, buffers would be all that the collector sees.
    const { size } = await file.stat()
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, size)))
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return
      take(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

async function readMagic(path: string): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
