import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { TributaryError } from '@tributary/delta'
import { indexDamaged } from '../errors.ts'
import type { EntryShape, KeyHashes } from './entry.ts'
import {
  BLOCK_BYTES,
  blockOf,
  decodeFooter,
  footerBytes,
  openBlock,
  type RunHeader,
  TRAILER_BYTES,
} from './run-file.ts'
import { findKeys, type OpenBlock } from './search-run.ts'

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

/** Reads blocks here and there. */
function blockReader(path: string, descriptor: number, { blocks, shape }: RunBlocks): (number: number) => OpenBlock {
  const kept = blocks * BLOCK_BYTES <= KEPT_BYTES_MAX ? new Map<number, OpenBlock>() : undefined
  // Only the last one is in use.
  const scratch = kept === undefined ? emptyBlock() : undefined
  return (number) => {
    const known = kept?.get(number)
    if (known !== undefined) return known
    const block = scratch ?? emptyBlock()
    const length = readSync(descriptor, block.bytes, 0, BLOCK_BYTES, number * BLOCK_BYTES)
    const entries = length === BLOCK_BYTES ? openBlock(block, shape) : undefined
    if (entries === undefined) throw blockDamaged(path, number)
    block.entries = entries
    kept?.set(number, block)
    return block
  }
}

/** Reads blocks one after another, many at once. */
function blockSequence(
  path: string,
  descriptor: number,
  { blocks, shape }: RunBlocks,
): (number: number) => Readonly<OpenBlock> {
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
    const block = bytes === undefined || number >= end ? undefined : blockOf(bytes)
    const entries = block === undefined ? undefined : openBlock(block, shape)
    if (block === undefined || entries === undefined) throw blockDamaged(path, number)
    return { ...block, entries }
  }
}

function emptyBlock(): OpenBlock {
  return { ...blockOf(Buffer.alloc(BLOCK_BYTES)), entries: 0 }
}

function blockDamaged(path: string, number: number): TributaryError {
  return indexDamaged(path, `block ${number} is not what was written`)
}

function readAt(descriptor: number, { offset, length }: { readonly offset: number; readonly length: number }): Buffer {
  const bytes = Buffer.alloc(length)
  const read = readSync(descriptor, bytes, 0, length, offset)
  return read === length ? bytes : bytes.subarray(0, read)
}
