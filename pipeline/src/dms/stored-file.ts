// The stored bytes of a landing file as a file of this machine: the file itself in a folder, a copy of an object in a bucket.

import { randomBytes } from 'node:crypto'
import { lstat, realpath, rm, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Store, storeFailed, TributaryError } from '@tributary/delta/log'
import { landingFileChanged, landingFileCorrupt, landingFileGone, landingPathRefused } from '../errors.ts'

/** A landing file that can be read by its path. */
export interface StoredFile {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Throws `LANDING_FILE_CHANGED` when the file is no longer what it was. A copy of an object stays what it is. */
  readonly assertUnchanged: () => Promise<void>
  /** Removes the copy. */
  readonly dispose: () => Promise<void>
}

/** Finds or fetches a landing file. Throws `LANDING_FILE_GONE`, `LANDING_PATH_REFUSED`, `LANDING_FILE_CORRUPT`, `STORE_FAILED`. */
export function openStoredFile(landing: Store, key: string, tempFolder: string): Promise<StoredFile> {
  const { remote } = landing
  return remote === undefined ? readingFrom(key, () => findOnDisk(landing, key)) : fetchObject(remote, key, tempFolder)
}

/** Work that reads a landing file: where the disk refuses, its table stops and no other. Throws `STORE_FAILED`. */
export async function readingFrom<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? storeFailed(key, 'read', error) : error
  }
}

async function fetchObject(remote: NonNullable<Store['remote']>, key: string, tempFolder: string): Promise<StoredFile> {
  const path = join(tempFolder, `landing-${randomBytes(8).toString('hex')}`)
  const dispose = (): Promise<void> => rm(path, { force: true })
  try {
    const { sizeBytes, modifiedMs } = await remote.download(key, path)
    return { path, sizeBytes, modifiedMs, assertUnchanged: () => Promise.resolve(), dispose }
  } catch (cause) {
    await dispose()
    throw cause instanceof TributaryError && cause.code === 'FILE_NOT_FOUND' ? landingFileGone(key, { cause }) : cause
  }
}

async function findOnDisk(landing: Store, key: string): Promise<StoredFile> {
  const path = await safePath(landing, key)
  const before = await stat(path)
  const assertUnchanged = async (): Promise<void> => {
    const now = await stat(path).catch(() => undefined)
    if (now === undefined || now.size !== before.size || now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)
      throw landingFileChanged(key)
  }
  const dispose = (): Promise<void> => Promise.resolve()
  return { path, sizeBytes: before.size, modifiedMs: before.mtimeMs, assertUnchanged, dispose }
}

/** The file's path on the disk, if it is a plain file inside the landing. */
async function safePath(landing: Store, key: string): Promise<string> {
  const root = resolve(fileURLToPath(landing.url))
  const path = resolve(root, key)
  if (!path.startsWith(root + sep) || key.includes('\0')) throw landingPathRefused(key)
  const entry = await lstat(path).catch((cause: unknown) => {
    throw isGone(cause) ? landingFileGone(key, { cause }) : cause
  })
  const real = await realpath(path)
  const realRoot = await realpath(root)
  if (!real.startsWith(realRoot + sep)) throw landingPathRefused(key)
  if (!entry.isFile() && !(await stat(path)).isFile()) throw landingFileCorrupt(key, 'it is not a file')
  return path
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
