// A commit must appear whole, durable, and at most once among all processes on the disk. So `create` writes and syncs a
// temporary file beside the target, gives it its name with link(2), which fails when the name is taken, and syncs the folder.

import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Clock, systemClock } from '../clock.ts'
import { fileNotFound, fileTruncated, storeFailed, TributaryError } from '../errors.ts'
import { assertInside } from './keys.ts'
import { linkGuard } from './local-links.ts'
import { listFolder } from './local-list.ts'
import type { Store, StoreEntry } from './store.ts'

/** A store in a folder of this machine; the folder need not exist until the first write. */
export function localStore(folder: string, clock: Clock = systemClock): Store {
  const root = resolve(folder)
  const url = pathToFileURL(root).href
  const folders = new Set<string>()
  const links = linkGuard(root)
  const place = (path: string): string => {
    assertInside(path)
    const target = join(root, path)
    links.checkFile(target, path)
    return target
  }

  return {
    url: url.endsWith('/') ? url : `${url}/`,
    read: (path) => wrapped(path, 'read', () => readFile(place(path))),
    readRange: (path, range) => wrapped(path, 'read', () => readPart(place(path), path, range)),
    stat: async (path) => statEntry(place(path), path),
    list: (prefix, options) => {
      // A table is listed when it is read from the start: it may have been deleted with its folders, or put back from a backup without them.
      folders.clear()
      return listFolder(root, prefix, options)
    },
    create: (path, bytes) =>
      wrapped(path, 'write', async () => {
        const target = place(path)
        return withTemporary(target, bytes, clock, async (temporary) => {
          const isNew = await linkUnlessExists(temporary, target)
          // Also for a loser: it is about to read the winner, which must not vanish in a power cut after that.
          await syncFolder(dirname(target))
          return isNew ? 'created' : 'exists'
        })
      }),
    write: (path, bytes) =>
      wrapped(path, 'write', async () => {
        const target = place(path)
        await withTemporary(target, bytes, clock, async (temporary) => {
          await rename(temporary, target)
          await syncFolder(dirname(target))
        })
      }),
    delete: (path) =>
      wrapped(path, 'delete', async () => {
        assertInside(path)
        const target = join(root, path)
        // A link is removed, and not what it leads to.
        links.checkFolder(target, path)
        await rm(target, { force: true })
      }),
    locate: (path) =>
      wrapped(path, MAKE_FOLDER, async () => {
        const target = place(path)
        const parent = dirname(target)
        // Asked for each file of a scan: looking at the disk each time would cost more than the rest of it.
        if (!folders.has(parent)) await makeFolder(parent)
        folders.add(parent)
        return target
      }),
    sync: (path) =>
      wrapped(path, 'sync', async () => {
        const target = place(path)
        const [entry] = await Promise.all([statEntry(target, path), syncFile(target), syncFolder(dirname(target))])
        if (!entry) throw fileNotFound(path)
        return entry
      }),
  }
}

const MAKE_FOLDER = 'make the folder of'

async function wrapped<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TributaryError) throw error
    if (isAbsent(error) && doing !== 'write' && doing !== MAKE_FOLDER) throw fileNotFound(path, { cause: error })
    throw storeFailed(path, doing, error)
  }
}

// A folder where a file is asked for, or a file where a folder would have to be: in both cases there is no such object.
function isAbsent(error: unknown): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR') || hasCode(error, 'EISDIR')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function statEntry(target: string, path: string): Promise<StoreEntry | undefined> {
  try {
    const found = await stat(target)
    return found.isFile() ? { path, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) } : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw storeFailed(path, 'look at', error)
  }
}

async function readPart(
  target: string,
  path: string,
  range: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  await using file = await open(target, constants.O_RDONLY)
  // The length may come from a damaged log: compare with the size before allocating.
  const { size } = await file.stat()
  const wantedBytes = range.offset + range.length
  if (wantedBytes > size) throw fileTruncated(path, { wantedBytes, sizeBytes: size })
  const bytes = new Uint8Array(range.length)
  const filled = await readFully(file, bytes, range.offset)
  if (filled < range.length) throw fileTruncated(path, { wantedBytes, sizeBytes: range.offset + filled })
  return bytes
}

async function readFully(file: FileHandle, bytes: Uint8Array, offset: number): Promise<number> {
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

async function withTemporary<T>(
  target: string,
  bytes: Uint8Array,
  clock: Clock,
  use: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = join(dirname(target), `.${basename(target)}.${clock.uuid()}.tmp`)
  try {
    await using file = await openNew(temporary)
    await file.writeFile(bytes)
    await file.sync()
    return await use(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
}

// The folder is nearly always there: looking first would cost each write a step more.
async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await makeFolder(dirname(path))
    return open(path, 'wx')
  }
}

async function linkUnlessExists(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

// A new folder is durable once its parent is synced, so each parent of a folder made here is.
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY)
  await file.sync()
}

const syncFolder = syncFile
