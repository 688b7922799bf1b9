import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { TributaryError } from '@tributary/delta'
import { indexDamaged } from '../errors.ts'
import { compareKey, type EntryShape, entryBytes, type KeyHashes } from './entry.ts'
import {
  BLOCK_BYTES,
  BLOCK_HEAD,
  decodeFooter,
  footerBytes,
  openBlock,
  type RunHeader,
  TRAILER_BYTES,
} from './run-file.ts'

/** An open run. */
export interface Run extends RunHeader {
  readonly path: string
  readonly sizeBytes: number
  /** Calls `found` for each key from `keys` that the run has, ascending. `wanted` says whether a key is asked for still. */
  readonly find: (
    keys: KeyHashes,
    wanted: (at: number) => boolean,
    found: (at: number, bytes: Buffer, offset: number) => void,
  ) => void
  /** The entries of one block, for who takes them one after another; good until the next one is asked for. */
  readonly block: (number: number) => { readonly bytes: Buffer; readonly entries: number }
  readonly blocks: number
  readonly close: () => void
}

// So much of a run is kept in memory after it was read: the newest runs are small, and asked for each key.
const KEPT_BYTES_MAX = 1024 * 1024

const SEQUENCE_BLOCKS = 256

/** Opens a run. Throws `INDEX_DAMAGED` when it is not whole, here or when a damaged block is met. */
export function openRun(path: string): Run {
  const descriptor = openSync(path, 'r')
  try {
    const sizeBytes = fstatSync(descriptor).size
    const length = footerBytes(
      readAt(descriptor, { offset: Math.max(0, sizeBytes - TRAILER_BYTES), length: TRAILER_BYTES }),
      sizeBytes,
    )
    const footer =
      length === undefined ? undefined : decodeFooter(readAt(descriptor, { offset: sizeBytes - length, length }))
    if (footer === undefined) throw indexDamaged(path, 'its end is not what was written')
    const { fences, ...header } = footer
    const blocks = fences.length / 2
    const readBlock = blockReader(path, descriptor, { blocks, shape: header.shape })
    const nextBlock = blockSequence(path, descriptor, { blocks, shape: header.shape })
    return {
      path,
      sizeBytes,
      ...header,
      blocks,
      block: nextBlock,
      find: (keys, wanted, found) => findKeys({ fences, shape: header.shape, readBlock }, keys, { wanted, found }),
      close: () => closeSync(descriptor),
    }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

interface RunBlocks {
  readonly blocks: number
  readonly shape: EntryShape
}

interface OpenBlock {
  readonly bytes: Buffer
  readonly entries: number
}

/** Reads blocks here and there. */
function blockReader(path: string, descriptor: number, { blocks, shape }: RunBlocks): (number: number) => OpenBlock {
  const kept = blocks * BLOCK_BYTES <= KEPT_BYTES_MAX ? new Map<number, OpenBlock>() : undefined
  // Only the last one is in use.
  const scratch = Buffer.alloc(BLOCK_BYTES)
  return (number) => {
    const known = kept?.get(number)
    if (known !== undefined) return known
    const bytes = kept === undefined ? scratch : Buffer.alloc(BLOCK_BYTES)
    const length = readSync(descriptor, bytes, 0, BLOCK_BYTES, number * BLOCK_BYTES)
    const entries = length === BLOCK_BYTES ? openBlock(bytes, shape) : undefined
    if (entries === undefined) throw blockDamaged(path, number)
    const block = { bytes, entries }
    kept?.set(number, block)
    return block
  }
}

/** Reads blocks one after another, many at once. */
function blockSequence(path: string, descriptor: number, { blocks, shape }: RunBlocks): (number: number) => OpenBlock {
  let buffer: Buffer | undefined
  let [first, end] = [0, 0]
  return (number) => {
    if (number < first || number >= end) {
      buffer ??= Buffer.alloc(Math.min(SEQUENCE_BLOCKS, blocks) * BLOCK_BYTES)
      first = number
      end = number + Math.floor(readSync(descriptor, buffer, 0, buffer.length, number * BLOCK_BYTES) / BLOCK_BYTES)
    }
    const offset = (number - first) * BLOCK_BYTES
    const bytes = buffer?.subarray(offset, offset + BLOCK_BYTES)
    const entries = bytes === undefined || number >= end ? undefined : openBlock(bytes, shape)
    if (bytes === undefined || entries === undefined) throw blockDamaged(path, number)
    return { bytes, entries }
  }
}

function blockDamaged(path: string, number: number): TributaryError {
  return indexDamaged(path, `block ${number} is not what was written`)
}

function findKeys(
  {
    fences,
    shape,
    readBlock,
  }: { readonly fences: Uint32Array; readonly shape: EntryShape; readonly readBlock: (number: number) => OpenBlock },
  keys: KeyHashes,
  {
    wanted,
    found,
  }: { readonly wanted: (at: number) => boolean; readonly found: (at: number, bytes: Buffer, offset: number) => void },
): void {
  const size = entryBytes(shape)
  let from = 0
  let current = -1
  let block: OpenBlock | undefined
  for (let at = 0; at < keys.count; at++) {
    if (!wanted(at)) continue
    from = lastBlockBefore(fences, keys, at, from)
    // Fences hold half a key: should blocks begin with the same half, the key may be in any of them.
    for (let number = from; number >= 0; number--) {
      if (number !== current) block = readBlock(number)
      current = number
      const offset = block === undefined ? -1 : searchBlock(block, keys, at, size)
      if (block !== undefined && offset >= 0) {
        found(at, block.bytes, offset)
        break
      }
      if (compareFence(fences, number, keys, at) !== 0) break
    }
  }
}

/** The last block whose first half-key is not above the key's; -1 when there is none. */
function lastBlockBefore(fences: Uint32Array, keys: KeyHashes, at: number, from: number): number {
  let [low, high] = [Math.max(0, from), fences.length / 2]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareFence(fences, middle, keys, at) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}

function compareFence(fences: Uint32Array, block: number, { words }: KeyHashes, at: number): number {
  const first = (fences[block * 2] ?? 0) - (words[at * 4] ?? 0)
  return first !== 0 ? first : (fences[block * 2 + 1] ?? 0) - (words[at * 4 + 1] ?? 0)
}

function searchBlock({ bytes, entries }: OpenBlock, keys: KeyHashes, at: number, size: number): number {
  let [low, high] = [0, entries]
  while (low < high) {
    const middle = (low + high) >>> 1
    const offset = BLOCK_HEAD + middle * size
    const order = compareKey(keys, at, bytes, offset)
    if (order === 0) return offset
    if (order > 0) low = middle + 1
    else high = middle
  }
  return -1
}

function readAt(descriptor: number, { offset, length }: { readonly offset: number; readonly length: number }): Buffer {
  const bytes = Buffer.alloc(length)
  const read = readSync(descriptor, bytes, 0, length, offset)
  return read === length ? bytes : bytes.subarray(0, read)
}
