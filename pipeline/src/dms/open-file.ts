import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, open, realpath, rm, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Store } from '@tributary/delta'
import type { S3Settings } from '../config/s3-settings.ts'
import { landingFileChanged, landingFileCorrupt, landingFileGone, landingPathRefused } from '../errors.ts'
import { countParquet } from './count-parquet.ts'
import { type RecordCount, type RecordCounter, recordCounter } from './count-records.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { inflateTo } from './inflate.ts'

/** A landing file ready to read: whole, hashed, not compressed. */
export interface OpenedFile {
  readonly key: string
  /** Where its plain bytes are: the file itself, or the inflated copy. */
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
  /** Removes the inflated copy. */
  readonly dispose: () => Promise<void>
}

const CHUNK_BYTES = 1024 * 1024
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Opens a file of the landing. Magic bytes, not the name, tell gzip and Parquet. Throws `LANDING_FILE_CORRUPT`,
 * `LANDING_FILE_CHANGED`, `LANDING_FILE_GONE`, `LANDING_FILE_TOO_LARGE` and `LANDING_PATH_REFUSED`.
 */
export async function openLandingFile(
  landing: Store,
  key: string,
  {
    tempFolder,
    settings,
    isTransactions,
  }: { readonly tempFolder: string; readonly settings: S3Settings; readonly isTransactions?: boolean },
): Promise<OpenedFile> {
  const path = await safePath(landing, key)
  const before = await stat(path)
  const magic = await readMagic(path)
  const isGzip = magic[0] === 0x1f && magic[1] === 0x8b
  const inflated = join(tempFolder, `inflated-${randomBytes(8).toString('hex')}`)
  const hash = createHash('sha256')
  let plain = { path, sizeBytes: before.size }
  const dispose = async (): Promise<void> => {
    if (isGzip) await rm(inflated, { force: true })
  }
  const assertUnchanged = async (): Promise<void> => {
    const now = await stat(path).catch(() => undefined)
    if (now === undefined || now.size !== before.size || now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)
      throw landingFileChanged(key)
  }
  try {
    const witness = plainWitness(settings, isTransactions === true)
    if (isGzip) {
      const sizeBytes = await inflateTo(createReadStream(path, { highWaterMark: CHUNK_BYTES }), {
        key,
        hash,
        target: inflated,
        storedBytes: before.size,
        onPlain: witness.update,
      })
      plain = { path: inflated, sizeBytes }
    } else {
      await readChunks(path, (chunk) => {
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
      sizeBytes: before.size,
      plainBytes: plain.sizeBytes,
      hash: hash.digest('hex'),
      modifiedMs: before.mtimeMs,
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

/** SHA-256 of a landing file's stored bytes, as in `OpenedFile`. */
export async function hashLandingFile(landing: Store, key: string): Promise<string> {
  const hash = createHash('sha256')
  await readChunks(await safePath(landing, key), (chunk) => hash.update(chunk))
  return hash.digest('hex')
}

/** The file's path on the disk, if it is a plain file inside the landing. */
async function safePath(landing: Store, key: string): Promise<string> {
  const root = resolve(fileURLToPath(landing.url))
  const path = resolve(root, key)
  if (!path.startsWith(root + sep) || key.includes('\0')) throw landingPathRefused(key)
  const entry = await lstat(path).catch((cause: unknown) => {
    throw landingFileGone(key, { cause })
  })
  const real = await realpath(path)
  const realRoot = await realpath(root)
  if (!real.startsWith(realRoot + sep)) throw landingPathRefused(key)
  if (!entry.isFile() && !(await stat(path)).isFile()) throw landingFileCorrupt(key, 'it is not a file')
  return path
}

/** Gives out a file piece by piece, all in one buffer: a stream would make a new one for each, and the collector would follow. */
async function readChunks(path: string, take: (chunk: Buffer) => void): Promise<void> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES)
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
