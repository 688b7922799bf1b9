// Finds keys in the blocks of a run. Hashes are spread evenly, so where a key's block is can be guessed to within a few: a binary search over all
// fences would wait for memory at nearly each of its steps.
import { type EntryShape, entryBytes, type KeyHashes } from './entry.ts'
import { BLOCK_HEAD, type Block } from './run-file.ts'

/** A block that was read and is whole. */
export interface OpenBlock extends Block {
  entries: number
}

/** What is known of a run, and a way to its blocks. */
export interface SearchedRun {
  /** Two words a block: the first half of its first key. */
  readonly fences: Uint32Array
  readonly shape: EntryShape
  readonly readBlock: (number: number) => OpenBlock
}

/** Calls `found` for each key that the run has, ascending; `wanted` says whether a key is asked for still. */
export function findKeys(
  { fences, shape, readBlock }: SearchedRun,
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

/** The last block whose first half-key is not above the key's, no earlier than `from`; -1 when there is none. */
function lastBlockBefore(fences: Uint32Array, keys: KeyHashes, at: number, from: number): number {
  const blocks = fences.length / 2
  let low = Math.max(0, from)
  let high = blocks
  const ahead = (keys.words[at * 4] ?? 0) - (fences[low * 2] ?? 0)
  let guess = Math.min(blocks - 1, low + Math.max(0, Math.floor((ahead / WORDS) * blocks)))
  // Steps that double, away from the guess, until the key is between two fences.
  for (let step = 1; low < high; step *= 2) {
    if (compareFence(fences, guess, keys, at) > 0) {
      high = guess
      if (guess - step < low) break
      guess -= step
    } else {
      low = guess + 1
      if (guess + step >= high) break
      guess += step
    }
  }
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareFence(fences, middle, keys, at) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}

const WORDS = 2 ** 32

function compareFence(fences: Uint32Array, block: number, { words }: KeyHashes, at: number): number {
  const first = (fences[block * 2] ?? 0) - (words[at * 4] ?? 0)
  return first !== 0 ? first : (fences[block * 2 + 1] ?? 0) - (words[at * 4 + 1] ?? 0)
}

function searchBlock({ view, entries }: OpenBlock, { words }: KeyHashes, at: number, size: number): number {
  const key = at * 4
  let [low, high] = [0, entries]
  while (low < high) {
    const middle = (low + high) >>> 1
    const offset = BLOCK_HEAD + middle * size
    let order = (words[key] ?? 0) - view.getUint32(offset)
    for (let word = 1; order === 0 && word < 4; word++)
      order = (words[key + word] ?? 0) - view.getUint32(offset + word * 4)
    if (order === 0) return offset
    if (order > 0) low = middle + 1
    else high = middle
  }
  return -1
}
