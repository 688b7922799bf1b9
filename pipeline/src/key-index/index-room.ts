// The indexes of all tables share one folder, and that has one limit. An index that no batch asked for a day gives way to one that is asked
// now; one in use never does, or two tables would build theirs in turns for ever.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { INDEX_BYTES_MAX, type IndexPlace } from './index-folder.ts'
import { dropIndex } from './manifest.ts'

/** Whether an index fits, and what decided that, in bytes. */
export interface IndexRoom {
  readonly isThere: boolean
  readonly neededBytes: number
  /** What the indexes of other tables take. */
  readonly takenBytes: number
  readonly bytesMax: number
}

// An entry, and its copy while runs are merged.
const BYTES_A_KEY = 2 * 32
const IDLE_MS = 24 * 60 * 60 * 1000

/** Makes room for the index in `own`, of so many keys, below the limit of the folder. */
export function makeRoom(
  { folder, bytesMax = INDEX_BYTES_MAX }: IndexPlace,
  { own, keys, nowMs }: { readonly own: string; readonly keys: number; readonly nowMs: number },
): IndexRoom {
  const neededBytes = keys * BYTES_A_KEY
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  const kept = entries
    .filter((entry) => entry.isDirectory() && join(folder, entry.name) !== own)
    .map(({ name }) => sizeOf(join(folder, name)))
    .toSorted((left, right) => left.usedMs - right.usedMs)
  let takenBytes = kept.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { path, bytes, usedMs } of kept) {
    if (neededBytes + takenBytes <= bytesMax || neededBytes > bytesMax || usedMs > nowMs - IDLE_MS) break
    dropIndex(path)
    takenBytes -= bytes
  }
  return { isThere: neededBytes + takenBytes <= bytesMax, neededBytes, takenBytes, bytesMax }
}

function sizeOf(path: string): { readonly path: string; readonly bytes: number; readonly usedMs: number } {
  // Another process may take files away meanwhile.
  const files = readdirSync(path).flatMap((name) => statSync(join(path, name), { throwIfNoEntry: false }) ?? [])
  return {
    path,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    usedMs: files.reduce((newest, { mtimeMs }) => Math.max(newest, mtimeMs), 0),
  }
}
