// One leaf column of a Parquet row group, an entry at a time: pages are decoded by hyparquet when they are reached and forgotten when
// they are passed. Its own assembly of rows makes arrays of arrays for each column first, which costs more than all the rest (measured
// on a checkpoint of 100,000 files: 3 seconds and 900 MB).

import type { FileMetaData, ParquetParsers, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { convert, convertWithDictionary } from 'hyparquet/src/convert.js'
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js'
import { readPlain } from 'hyparquet/src/plain.js'
import type { ColumnDecoder, DecodedArray, PageHeader } from 'hyparquet/src/types.js'

/** Dremel's levels say at which depth an entry is defined, and at which it repeats. */
export interface LeafCursor {
  /** The levels of the entry in front; -1 when there is none any more. */
  readonly definition: () => number
  readonly repetition: () => number
  /** Pass the entry in front, whose value it gives where the leaf is defined. */
  readonly take: () => unknown
  /** Pass entries that have no value. */
  readonly skip: (count: number) => void
}

/** What the pages of one column chunk need for decoding. */
export type LeafDecoder = ColumnDecoder & { readonly definitionMax: number }

export type ChunkMetadata = NonNullable<FileMetaData['row_groups'][number]['columns'][number]['meta_data']>

/** How a chunk is to be decoded. */
export function leafDecoder(
  chunk: ChunkMetadata,
  schemaPath: SchemaTree[],
  { parsers, compressors }: { readonly parsers: ParquetParsers; readonly compressors: LeafDecoder['compressors'] },
): LeafDecoder {
  const element = schemaPath.at(-1)?.element
  if (element === undefined) throw new RangeError('a column has no schema')
  const definitionMax = schemaPath.slice(1).filter((node) => node.element.repetition_type !== 'REQUIRED').length
  const { type, codec, path_in_schema: pathInSchema } = chunk
  return {
    ...{ pathInSchema, type, element, schemaPath, codec, parsers, definitionMax },
    ...(compressors === undefined ? {} : { compressors }),
  }
}

// Larger pages no writer makes; both bound what a damaged header can make us allocate.
const PAGE_BYTES_MAX = 2 ** 28
const PAGE_ENTRIES_MAX = 2 ** 24

interface Page {
  readonly count: number
  /** Empty where all entries are alike: defined, or not repeated. */
  readonly definitions: ArrayLike<number>
  readonly repetitions: ArrayLike<number>
  readonly values: DecodedArray
}

const END: Page = { count: 0, definitions: [], repetitions: [], values: [] }

/** Begin at the first entry of a chunk. */
export function leafCursor(bytes: Uint8Array, decoder: LeafDecoder): LeafCursor {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
  let dictionary: DecodedArray | undefined
  let page = END
  let entry = 0
  let next = 0

  const advance = (): void => {
    while (entry >= page.count && reader.offset < bytes.length) {
      const header = parquetHeader(reader)
      assertSane(header)
      const body = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size)
      if (body.length !== header.compressed_page_size) throw new RangeError('a page is cut')
      reader.offset += header.compressed_page_size
      if (header.type === 'DICTIONARY_PAGE') dictionary = readDictionary(body, header, decoder)
      else [page, entry, next] = [readPage(body, header, decoder, dictionary), 0, 0]
    }
  }
  const isEnd = (): boolean => {
    if (entry >= page.count) advance()
    return entry >= page.count
  }
  const level = (levels: ArrayLike<number>, all: number): number => (levels.length === 0 ? all : (levels[entry] ?? 0))

  return {
    definition: () => (isEnd() ? -1 : level(page.definitions, decoder.definitionMax)),
    repetition: () => (isEnd() ? -1 : level(page.repetitions, 0)),
    take: () => {
      if (isEnd()) throw new RangeError('a column has fewer entries than rows')
      const isDefined = level(page.definitions, decoder.definitionMax) === decoder.definitionMax
      entry += 1
      return isDefined ? page.values[next++] : undefined
    },
    skip: (count) => {
      for (let left = count; left > 0; ) {
        if (isEnd()) throw new RangeError('a column has fewer entries than rows')
        const passed = Math.min(left, page.count - entry)
        entry += passed
        left -= passed
      }
    },
  }
}

function assertSane(header: PageHeader): void {
  const entries =
    header.data_page_header?.num_values ??
    header.data_page_header_v2?.num_values ??
    header.dictionary_page_header?.num_values ??
    0
  const { compressed_page_size: compressed, uncompressed_page_size: inflated } = header
  const isSane =
    compressed >= 0 && inflated >= 0 && inflated <= PAGE_BYTES_MAX && entries >= 0 && entries <= PAGE_ENTRIES_MAX
  if (!isSane) throw new RangeError(`a page claims ${inflated} bytes and ${entries} entries`)
}

function readDictionary(body: Uint8Array, header: PageHeader, decoder: LeafDecoder): DecodedArray {
  const page = decompressPage(body, header.uncompressed_page_size, decoder.codec, decoder.compressors)
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 }
  const count = header.dictionary_page_header?.num_values ?? 0
  return convert(readPlain(reader, decoder.type, count, decoder.element.type_length), decoder)
}

function readPage(
  body: Uint8Array,
  header: PageHeader,
  decoder: LeafDecoder,
  dictionary: DecodedArray | undefined,
): Page {
  const { data_page_header: first, data_page_header_v2: second } = header
  if (header.type === 'DATA_PAGE' && first !== undefined) {
    const inflated = decompressPage(body, header.uncompressed_page_size, decoder.codec, decoder.compressors)
    const { definitionLevels, repetitionLevels, dataPage } = readDataPage(inflated, first, decoder)
    const values = convertWithDictionary(dataPage, dictionary, first.encoding, decoder)
    return { count: first.num_values, definitions: definitionLevels ?? [], repetitions: repetitionLevels, values }
  }
  if (header.type === 'DATA_PAGE_V2' && second !== undefined) {
    const { definitionLevels, repetitionLevels, dataPage } = readDataPageV2(body, header, decoder)
    const values = convertWithDictionary(dataPage, dictionary, second.encoding, decoder)
    return { count: second.num_values, definitions: definitionLevels ?? [], repetitions: repetitionLevels, values }
  }
  throw new RangeError(`a page is of the unknown type ${header.type}`)
}
