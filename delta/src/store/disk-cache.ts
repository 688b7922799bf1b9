// Objects that never change, kept in a folder of this machine that several processes share. Nothing depends on it: whatever is not there,
// damaged, or cannot be written is simply asked for again. An entry is a file: SHA-256 of the bytes, then the bytes. It is written beside its
// place and renamed, so that nobody sees half of one; who reads it says so by its time, and the oldest go first.

import { createHash, hash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'

/** What is known by a name that stands for these bytes and no others, for ever. */
export interface ObjectCache {
  readonly read: (name: string) => Promise<Uint8Array | undefined>
  /** Never fails: a cache that cannot be written is one that holds less. */
  readonly keep: (name: string, bytes: Uint8Array) => Promise<void>
}

const HASH_BYTES = 32
/** Larger objects would push out all others. */
const ENTRY_SHARE = 1 / 8
/** What goes unseen by the other processes before one of them counts again; eviction leaves room for two of them. */
const UNSEEN_SHARE = 1 / 16
const KEPT_SHARE = 7 / 8
const TOUCH_MS = 60_000
const REST_MS = 60_000
const STALE_MS = 3_600_000

/** A cache in a folder, made on first use, for this user only: what it holds may tell of rows. */
export function diskCache(
  folder: string,
  { bytesMax, clock = systemClock }: { readonly bytesMax: number; readonly clock?: Clock },
): ObjectCache {
  let countedBytes: number | undefined
  let unseenBytes = 0
  let restUntilMs = 0
  const placeOf = (name: string): string => {
    const digest = hash('sha256', name)
    return join(folder, digest.slice(0, 2), digest.slice(2))
  }
  const makeRoom = async (sizeBytes: number): Promise<void> => {
    const isCounted = countedBytes !== undefined && unseenBytes + sizeBytes <= bytesMax * UNSEEN_SHARE
    if (isCounted && (countedBytes ?? 0) + unseenBytes + sizeBytes <= bytesMax) return
    countedBytes = await evict(folder, { keepBytes: bytesMax * KEPT_SHARE - sizeBytes, clock })
    unseenBytes = 0
  }
  return {
    read: async (name) => {
      const place = placeOf(name)
      try {
        await using file = await open(place, 'r')
        const { mtimeMs, size } = await file.stat()
        const bytes = await file.readFile()
        const payload = bytes.subarray(HASH_BYTES)
        if (size > HASH_BYTES && digestOf(payload).equals(bytes.subarray(0, HASH_BYTES))) {
          const nowMs = clock.now()
          if (Math.abs(nowMs - mtimeMs) > TOUCH_MS) await file.utimes(nowMs / 1000, nowMs / 1000)
          return new Uint8Array(payload)
        }
        await rm(place, { force: true })
      } catch {
        // Not there, evicted while it was read, or out of reach: a miss.
      }
      return undefined
    },
    keep: async (name, bytes) => {
      const sizeBytes = bytes.length + HASH_BYTES
      if (bytes.length === 0 || sizeBytes > bytesMax * ENTRY_SHARE || clock.now() < restUntilMs) return
      const place = placeOf(name)
      const temporary = join(dirname(place), `.${clock.uuid()}.tmp`)
      try {
        await makeRoom(sizeBytes)
        await mkdir(dirname(place), { recursive: true, mode: 0o700 })
        await writeFile(temporary, Buffer.concat([digestOf(bytes), bytes]), { mode: 0o600, flag: 'wx' })
        await rename(temporary, place)
        unseenBytes += sizeBytes
      } catch {
        // A full disk is not tried again with each object.
        restUntilMs = clock.now() + REST_MS
        await rm(temporary, { force: true }).catch(() => undefined)
      }
    },
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

interface Entry {
  readonly path: string
  readonly sizeBytes: number
  readonly usedMs: number
}

/** Removes the entries that were not read for longest until so many bytes are left, and says how many are. */
async function evict(
  folder: string,
  { keepBytes, clock }: { readonly keepBytes: number; readonly clock: Clock },
): Promise<number> {
  const entries = await listEntries(folder)
  const nowMs = clock.now()
  let bytes = entries.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  for (const { path, sizeBytes, usedMs } of entries.toSorted((a, b) => a.usedMs - b.usedMs)) {
    // A process that was killed left its unfinished file.
    const isStale = path.endsWith('.tmp') && nowMs - usedMs > STALE_MS
    if (bytes <= keepBytes && !isStale) continue
    await rm(path, { force: true })
    bytes -= sizeBytes
  }
  return bytes
}

async function listEntries(folder: string): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) entries.push({ path, sizeBytes: found.size, usedMs: found.mtimeMs })
  }
  return entries
}
