// A run: entries sorted by key, each key once, written once and never changed. Blocks of 1 KiB, each with its checksum, so that an answer,
// also the answer that a key is not there, is never read from damaged bytes; of 4 KiB, the checksums took as long as the reading:
//
//   block     u32 CRC-32 of the rest | u16 entries | u16 0 | entries | zeros
//   fences    u64 first half of the first key of each block
//   header    JSON: shape, number of entries, lists of data files and of landing files
//   trailer   u32 CRC-32 of fences and header | u32 bytes of the header | u32 blocks | magic 'TKI2'
import { crc32 } from 'node:zlib'
import { type EntryShape, entryBytes } from './entry.ts'

export const BLOCK_BYTES = 1024
export const BLOCK_HEAD = 8
export const TRAILER_BYTES = 16

const MAGIC = 0x544b4932
const COUNT = 4

/** What a run says of itself. */
export interface RunHeader {
  readonly shape: EntryShape
  readonly entries: number
  /** Data files of the table, as the log spells them. */
  readonly files: readonly string[]
  /** Landing files that rows came from. */
  readonly landings: readonly string[]
}

/** The end of a run file. */
export interface RunFooter extends RunHeader {
  /** Two words a block: the first half of its first key. */
  readonly fences: Uint32Array
}

/** How many entries a block holds. */
export function entriesABlock(shape: EntryShape): number {
  return Math.floor((BLOCK_BYTES - BLOCK_HEAD) / entryBytes(shape))
}

/** Ends a block that holds so many entries. */
export function sealBlock(block: Buffer, entries: number): void {
  block.writeUInt16BE(entries, COUNT)
  block.writeUInt32BE(crc32(block.subarray(COUNT)), 0)
}

/** The bytes of a block, and views of them: to make these for each block that is read would take as long as to read it. */
export interface Block {
  readonly bytes: Buffer
  readonly view: DataView
  readonly checked: Buffer
}

/** The block in these bytes. */
export function blockOf(bytes: Buffer): Block {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    checked: bytes.subarray(COUNT),
  }
}

/** Entries of a block; undefined when its bytes are not what was written. */
export function openBlock({ bytes, view, checked }: Block, shape: EntryShape): number | undefined {
  if (bytes.length !== BLOCK_BYTES || view.getUint32(0) !== crc32(checked)) return undefined
  const entries = view.getUint16(COUNT)
  return entries <= entriesABlock(shape) ? entries : undefined
}

/** Fences, header and trailer as bytes. */
export function encodeFooter({ fences, ...header }: RunFooter): Buffer {
  const fenceBytes = swapWords(Buffer.from(fences.buffer, fences.byteOffset, fences.byteLength))
  const text = Buffer.from(JSON.stringify(header))
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeUInt32BE(crc32(text, crc32(fenceBytes)), 0)
  trailer.writeUInt32BE(text.length, 4)
  trailer.writeUInt32BE(fences.length / 2, 8)
  trailer.writeUInt32BE(MAGIC, 12)
  return Buffer.concat([fenceBytes, text, trailer])
}

/** Bytes of everything behind the blocks; undefined when this is no trailer of a file of that size. */
export function footerBytes(trailer: Buffer, fileBytes: number): number | undefined {
  if (trailer.length !== TRAILER_BYTES || trailer.readUInt32BE(12) !== MAGIC) return undefined
  const blocks = trailer.readUInt32BE(8)
  const length = TRAILER_BYTES + trailer.readUInt32BE(4) + blocks * 8
  return length + blocks * BLOCK_BYTES === fileBytes ? length : undefined
}

/** The footer that `encodeFooter` wrote; undefined when it is damaged. */
export function decodeFooter(bytes: Buffer): RunFooter | undefined {
  const trailer = bytes.subarray(bytes.length - TRAILER_BYTES)
  const text = bytes.subarray(bytes.length - TRAILER_BYTES - trailer.readUInt32BE(4), bytes.length - TRAILER_BYTES)
  const fenceBytes = bytes.subarray(0, bytes.length - TRAILER_BYTES - text.length)
  if (crc32(text, crc32(fenceBytes)) !== trailer.readUInt32BE(0)) return undefined
  const words = swapWords(fenceBytes)
  return { ...parseHeader(text), fences: new Uint32Array(words.buffer, words.byteOffset, words.length / 4) }
}

/** A copy with the bytes of each word the other way round: the file's order from the machine's, or back. */
function swapWords(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy.swap32()
}

// The checksum says that we wrote it.
function parseHeader(text: Buffer): RunHeader {
  return JSON.parse(text.toString('utf8')) as RunHeader
}
