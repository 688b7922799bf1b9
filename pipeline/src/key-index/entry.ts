// One entry of the key index, big-endian, so that entries sort as their bytes do:
//
//    0  u128  hash of the key
//   16  u32   number of the data file in the run's list of files
//   20  u48   position of the row in that file
//
// and, where the table has a sequence column, the order that the row last took (law 2):
//
//   26  u32   number of the landing file in the run's list, counted from 1; 0: not known
//   30  u48   row in the landing file
//   36  u8    length of the sequence as text, 255: NULL
//   37  …     that text, UTF-8, filled with zeros

/** The hashes of some keys, ascending: four 32-bit words each, the most significant first. */
export interface KeyHashes {
  readonly words: Uint32Array
  readonly count: number
}

/** The same hashes, so many at a time, and how many came before. */
export function sliceHashes(
  { words, count }: KeyHashes,
  size: number,
): readonly { readonly hashes: KeyHashes; readonly from: number }[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, at) => {
    const from = at * size
    return { from, hashes: { words: words.subarray(from * 4, (from + size) * 4), count: Math.min(size, count - from) } }
  })
}

/** What the entries of one run look like. */
export interface EntryShape {
  /** Bytes for a sequence text; undefined where entries keep no order. */
  readonly sequenceBytes: number | undefined
}

/** What a row last took, as far as its entry tells. */
export interface EntryOrder {
  /** Number in the run's list of landing files, undefined when not known. */
  readonly landing: number | undefined
  readonly row: number
  readonly sequence: string | null
}

/** Longer sequences are not indexed: the table is scanned instead. */
export const SEQUENCE_BYTES_MAX = 200

const FILE = 16
const POSITION = 20
const LANDING = 26
const ROW = 30
const LENGTH = 36
const TEXT = 37
const NO_SEQUENCE = 255

/** Size of one entry in bytes. */
export function entryBytes({ sequenceBytes }: EntryShape): number {
  return sequenceBytes === undefined ? LANDING : TEXT + sequenceBytes
}

/** Compares the keys of two entries. */
export function compareEntries(a: Buffer, atA: number, b: Buffer, atB: number): number {
  for (let word = 0; word < 16; word += 4) {
    const difference = a.readUInt32BE(atA + word) - b.readUInt32BE(atB + word)
    if (difference !== 0) return difference
  }
  return 0
}

/** Number of the entry's data file. */
export function fileOf(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset + FILE)
}

/** Position of the entry's row in its data file. */
export function positionOf(bytes: Buffer, offset: number): number {
  return bytes.readUIntBE(offset + POSITION, 6)
}

/** The order that the entry keeps. */
export function orderOf(bytes: Buffer, offset: number): EntryOrder {
  const landing = bytes.readUInt32BE(offset + LANDING)
  const length = bytes.readUInt8(offset + LENGTH)
  return {
    landing: landing === 0 ? undefined : landing - 1,
    row: bytes.readUIntBE(offset + ROW, 6),
    sequence: length === NO_SEQUENCE ? null : bytes.toString('utf8', offset + TEXT, offset + TEXT + length),
  }
}

/** Writes the key and the place of a row. */
export function writePlace(
  bytes: Buffer,
  offset: number,
  {
    hashes,
    at,
    file,
    position,
  }: { readonly hashes: KeyHashes; readonly at: number; readonly file: number; readonly position: number },
): void {
  for (let word = 0; word < 4; word++) bytes.writeUInt32BE(hashes.words[at * 4 + word] ?? 0, offset + word * 4)
  bytes.writeUInt32BE(file, offset + FILE)
  bytes.writeUIntBE(position, offset + POSITION, 6)
}

/** Writes the order that a row last took. */
export function writeOrder(
  bytes: Buffer,
  offset: number,
  { order, shape }: { readonly order: EntryOrder; readonly shape: EntryShape },
): void {
  const { landing, row, sequence } = order
  bytes.writeUInt32BE(landing === undefined ? 0 : landing + 1, offset + LANDING)
  bytes.writeUIntBE(row, offset + ROW, 6)
  bytes.fill(0, offset + TEXT, offset + entryBytes(shape))
  const length = sequence === null ? NO_SEQUENCE : bytes.write(sequence, offset + TEXT, 'utf8')
  bytes.writeUInt8(length, offset + LENGTH)
}

/** Copies an entry, with the numbers of its files in another run's lists. */
export function copyEntry(
  from: { readonly bytes: Buffer; readonly offset: number; readonly shape: EntryShape },
  to: { readonly bytes: Buffer; readonly offset: number; readonly shape: EntryShape },
  numbers: { readonly files: readonly number[]; readonly landings: readonly number[] },
): void {
  const length = Math.min(entryBytes(from.shape), entryBytes(to.shape))
  from.bytes.copy(to.bytes, to.offset, from.offset, from.offset + length)
  to.bytes.fill(0, to.offset + length, to.offset + entryBytes(to.shape))
  to.bytes.writeUInt32BE(numbers.files[fileOf(from.bytes, from.offset)] ?? 0, to.offset + FILE)
  if (to.shape.sequenceBytes === undefined) return
  const landing = from.bytes.readUInt32BE(from.offset + LANDING)
  if (landing > 0) to.bytes.writeUInt32BE((numbers.landings[landing - 1] ?? 0) + 1, to.offset + LANDING)
}
