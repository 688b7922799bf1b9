import type { Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { landingFileCorrupt, landingFileTooLarge } from '../errors.ts'

// DMS text packs about ten to one. A file far beyond that is a mistake or an attack on the disk.
const RATIO_MAX = 200
const SMALL_BYTES = 16 * 1024 * 1024
const PLAIN_BYTES_MAX = 64 * 1024 * 1024 * 1024

export interface InflateTarget {
  readonly key: string
  /** Takes the stored bytes. */
  readonly hash: Hash
  /** Path of the plain copy. */
  readonly target: string
  readonly storedBytes: number
  readonly onPlain: (chunk: Buffer) => void
}

/**
 * Inflates a gzip stream to its very end into a file and hashes the stored bytes on the way; returns the plain size.
 * zlib checks each member's CRC and length.
 */
export async function inflateTo(
  stored: Readable,
  { key, hash, target, storedBytes, onPlain }: InflateTarget,
): Promise<number> {
  let plainBytes = 0
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  let lastByte: number | undefined
  const observe = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      lastByte = chunk.at(-1)
      done(null, chunk)
    },
  })
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      plainBytes += chunk.length
      if (plainBytes > SMALL_BYTES && plainBytes > storedBytes * RATIO_MAX)
        done(landingFileTooLarge(key, `it inflates to more than ${RATIO_MAX} times its size`))
      else if (plainBytes > PLAIN_BYTES_MAX)
        done(landingFileTooLarge(key, `it inflates to more than ${PLAIN_BYTES_MAX} bytes`))
      else {
        onPlain(chunk)
        done(null, chunk)
      }
    },
  })
  try {
    await pipeline(stored, observe, gunzip, limit, createWriteStream(target, { mode: 0o600 }))
  } catch (cause) {
    throw isZlibError(cause)
      ? landingFileCorrupt(key, `its gzip data is cut or damaged (${cause.message})`, { cause })
      : cause
  }
  // Node takes zeros after a member for padding, and a lone first magic byte for a member to come; both end in silence.
  // (The last byte of whole data is the top byte of a member's size.)
  const hasLoneMagic = lastByte === 0x1f && plainBytes < 0x1f000000
  if (gunzip.bytesWritten !== storedBytes || hasLoneMagic)
    throw landingFileCorrupt(key, 'there are bytes after the end of its gzip data')
  return plainBytes
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
}
