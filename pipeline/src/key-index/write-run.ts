// Runs are not made durable: what the system loses in a crash is found by its checksum, and the index is built again.
import { closeSync, openSync, writeSync } from 'node:fs'
import { type EntryShape, entryBytes } from './entry.ts'
import { BLOCK_BYTES, BLOCK_HEAD, encodeFooter, entriesABlock, type RunHeader, sealBlock } from './run-file.ts'

/** Takes entries in the order of their keys and writes them as a run. */
export interface RunWriter {
  /** Where the next entry is to be written: `entryBytes` of zeros or of older bytes. */
  readonly next: () => { readonly bytes: Buffer; readonly offset: number }
  readonly entries: () => number
  /** Ends the file; tells its size in bytes. */
  readonly finish: (lists: Pick<RunHeader, 'files' | 'landings'>) => number
  /** Ends early; the file is of no use then. */
  readonly abandon: () => void
}

const BUFFERED_BLOCKS = 1024
const FENCE_WORDS_MIN = 1024

/** Opens a new file for a run. */
export function writeRun(path: string, shape: EntryShape): RunWriter {
  const descriptor = openSync(path, 'wx')
  const buffer = Buffer.alloc(BUFFERED_BLOCKS * BLOCK_BYTES)
  const size = entryBytes(shape)
  const perBlock = entriesABlock(shape)
  let fences = new Uint32Array(FENCE_WORDS_MIN)
  let words = 0
  let [block, inBlock, entries, bytesWritten] = [0, 0, 0, 0]
  const seal = (): void => {
    const start = block * BLOCK_BYTES
    const bytes = buffer.subarray(start, start + BLOCK_BYTES)
    if (words === fences.length) fences = grown(fences)
    fences[words++] = bytes.readUInt32BE(BLOCK_HEAD)
    fences[words++] = bytes.readUInt32BE(BLOCK_HEAD + 4)
    sealBlock(bytes, inBlock)
    block += 1
    inBlock = 0
  }
  const flush = (): void => {
    writeAll(descriptor, buffer.subarray(0, block * BLOCK_BYTES))
    bytesWritten += block * BLOCK_BYTES
    buffer.fill(0)
    block = 0
  }
  return {
    next: () => {
      if (inBlock === perBlock) seal()
      if (block === BUFFERED_BLOCKS) flush()
      const offset = block * BLOCK_BYTES + BLOCK_HEAD + inBlock * size
      inBlock += 1
      entries += 1
      return { bytes: buffer, offset }
    },
    entries: () => entries,
    finish: (lists) => {
      if (inBlock > 0) seal()
      flush()
      const footer = encodeFooter({ shape, entries, ...lists, fences: fences.subarray(0, words) })
      writeAll(descriptor, footer)
      closeSync(descriptor)
      return bytesWritten + footer.length
    },
    abandon: () => closeSync(descriptor),
  }
}

function grown(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2)
  larger.set(words)
  return larger
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
}
