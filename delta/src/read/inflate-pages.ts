// The pages of a Parquet column chunk without their compression. parquet.thrift, "PageHeader".

import { encodeStruct, readStruct, type ThriftStruct } from './thrift.ts'
import { int32, isFalse, numberOf, structIn, structValue, withFields } from './thrift-fields.ts'

/** Inflates a page to a length that its header tells. */
export type Inflate = (input: Uint8Array, length: number) => Uint8Array

/** Pages of one column chunk, one after another. */
export interface Pages {
  readonly bytes: Uint8Array
  /** The length of the dictionary page, which stands first; 0 where there is none. */
  readonly dictionaryBytes: number
}

// No writer makes larger pages; it bounds what a damaged header can make us allocate.
const PAGE_BYTES_MAX = 2 ** 28

const HEADER = { inflatedBytes: 2, compressedBytes: 3, checksum: 4, dictionary: 7, dataV2: 8 }
const DATA_V2 = { definitionBytes: 5, repetitionBytes: 6, isCompressed: 7 }

/** Inflate all pages of a chunk. Throws a `RangeError` where the bytes are no pages. */
export function inflatePages(bytes: Uint8Array, inflate: Inflate): Pages {
  const parts: Uint8Array[] = []
  let dictionaryBytes = 0
  for (let at = 0; at < bytes.length; ) {
    const { struct: header, length } = readStruct(bytes.subarray(at))
    const compressedBytes = numberOf(header, HEADER.compressedBytes)
    const page = bytes.subarray(at + length, at + length + compressedBytes)
    if (compressedBytes < 0 || page.length !== compressedBytes) throw new RangeError('a page is cut')
    at += length + compressedBytes
    const copy = inflatePage(header, page, inflate)
    if (structIn(header, HEADER.dictionary) !== undefined) dictionaryBytes = copy.length
    parts.push(copy)
  }
  return { bytes: Buffer.concat(parts), dictionaryBytes }
}

function inflatePage(header: ThriftStruct, page: Uint8Array, inflate: Inflate): Uint8Array {
  const inflatedBytes = numberOf(header, HEADER.inflatedBytes)
  if (inflatedBytes < 0 || inflatedBytes > PAGE_BYTES_MAX)
    throw new RangeError(`a page of ${inflatedBytes} bytes is too large`)
  // In pages of the second kind the levels stand before the values and are never compressed.
  const second = structIn(header, HEADER.dataV2)
  const levelBytes = numberOf(second, DATA_V2.definitionBytes) + numberOf(second, DATA_V2.repetitionBytes)
  const values = page.subarray(levelBytes)
  const isPlain = isFalse(second, DATA_V2.isCompressed) || inflatedBytes === levelBytes
  const body = isPlain ? values : inflate(values, inflatedBytes - levelBytes)
  const whole = Buffer.concat([page.subarray(0, levelBytes), body])
  if (whole.length !== inflatedBytes) throw new RangeError(`a page has ${whole.length} bytes and not ${inflatedBytes}`)

  const changed = withFields(
    header,
    new Map([
      [HEADER.compressedBytes, int32(inflatedBytes)],
      [HEADER.checksum, undefined],
      ...(second === undefined ? [] : [[HEADER.dataV2, structValue(uncompressed(second))] as const]),
    ]),
  )
  return Buffer.concat([encodeStruct(changed), whole])
}

function uncompressed(second: ThriftStruct): ThriftStruct {
  return withFields(second, new Map([[DATA_V2.isCompressed, { kind: 'boolean', value: false }]]))
}
