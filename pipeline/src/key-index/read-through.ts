import { open } from 'node:fs/promises'
import type { IndexHolder } from './index-folder.ts'
import type { Run } from './read-run.ts'

/** How to read an index through. */
export interface ReadThroughOptions {
  /** Waits until no batch is under way: asked before each read. */
  readonly whenFree: () => Promise<void>
  /** A larger index stays where it is: half of the memory that is available unless set. */
  readonly bytesMax?: number
  readonly signal?: AbortSignal | undefined
}

// A batch that comes meanwhile waits for one of these at most, some 2 ms.
const READ_BYTES = 4 * 1024 * 1024
const MEMORY_SHARE = 0.5

/**
 * Reads the runs that were found on disk through, once, so that the system has them in memory: a batch looks its keys up in as many
 * scattered blocks, and on disk each is a wait of its own. Ends when the index is closed or another takes its place; what cannot be
 * read ends it too. Tells how many bytes it read.
 */
export async function readThrough(
  holder: IndexHolder,
  { whenFree, bytesMax = process.availableMemory() * MEMORY_SHARE, signal }: ReadThroughOptions,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  let bytesRead = 0
  // New ones may be found meanwhile.
  for (let [run] = holder.unread; run !== undefined && signal?.aborted !== true; [run] = holder.unread) {
    holder.unread.delete(run)
    // Its blocks would only drive each other out.
    if (sizeOf(holder.open?.runs ?? []) > bytesMax) continue
    const isWanted = async (): Promise<boolean> => {
      await whenFree()
      return signal?.aborted !== true && holder.open?.runs.includes(run) === true
    }
    // What is wrong with the file shows when a batch asks it.
    bytesRead += await readRun(run, buffer, isWanted).catch(() => 0)
  }
  return bytesRead
}

/** By a descriptor of its own: the run may be closed at any time. Checksums are left to who asks for a block. */
async function readRun({ path }: Run, buffer: Buffer, isWanted: () => Promise<boolean>): Promise<number> {
  await using file = await open(path)
  let offset = 0
  while (await isWanted()) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
    if (bytesRead === 0) break
    offset += bytesRead
  }
  return offset
}

function sizeOf(runs: readonly Run[]): number {
  return runs.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
}
