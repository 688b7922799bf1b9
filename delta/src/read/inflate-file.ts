// DuckDB does not know the codec LZ4 as Hadoop frames it. Such a file is copied into the engine's temporary folder with its pages
// inflated: everything else in it, types and encodings too, stays as it was, and from there on it is a file like any other.
// parquet.thrift, "FileMetaData", has the numbers of the fields.

import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { dataFileUnreadable, TributaryError } from '../errors.ts'
import { decodePath } from '../protocol/paths.ts'
import { placeOf, placeSize, readRangeAt } from '../store/place.ts'
import type { Store } from '../store/store.ts'
import { type Inflate, inflatePages, type Pages } from './inflate-pages.ts'
import { encodeStruct, readStruct, type ThriftStruct } from './thrift.ts'
import { int32, int64, numberOf, structList, structOf, structsOf, structValue, withFields } from './thrift-fields.ts'

const MAGIC = Buffer.from('PAR1')
const CODEC_LZ4 = 5

// Data files never change under their names, and the copies live as long as the database.
const inflated = new WeakMap<object, Map<string, Promise<string>>>()

/**
 * The name under which DuckDB can read a file: its own, or that of a copy. The codec stands in a file's footer, which is looked at
 * only where the name speaks of LZ4, as every engine's that writes it does; in any other, DuckDB refuses the codec by name.
 * Throws `DATA_FILE_UNREADABLE`, `FILE_NOT_FOUND`.
 */
export async function readableName(
  engine: Engine,
  store: Store,
  file: { readonly logPath: string; readonly name: string },
): Promise<string> {
  if (!/lz4/i.test(file.logPath.slice(file.logPath.lastIndexOf('/') + 1))) return file.name
  const known = inflated.get(engine.database) ?? new Map<string, Promise<string>>()
  inflated.set(engine.database, known)
  const copy = known.get(file.name) ?? inflateFile(engine, store, file)
  known.set(file.name, copy)
  return copy
}

type ReadRange = (offset: number, length: number) => Promise<Uint8Array>

async function inflateFile(
  engine: Engine,
  store: Store,
  { logPath, name }: { readonly logPath: string; readonly name: string },
): Promise<string> {
  const place = placeOf(store, decodePath(logPath))
  const sizeBytes = await placeSize(store, place)
  const read: ReadRange = (offset, length) => readRangeAt(store, place, { offset, length })
  try {
    const footer = await readFooter(read, sizeBytes)
    const chunks = structsOf(footer, FOOTER.groups).flatMap((group) => structsOf(group, GROUP.chunks))
    if (!chunks.some(isLz4)) return name
    const copy = join(engine.tempFolder, `inflated-${systemClock.uuid()}.parquet`)
    await using file = await open(copy, 'wx')
    await writeInflated(file, footer, read)
    return copy
  } catch (error) {
    if (error instanceof TributaryError && error.code !== 'FILE_TRUNCATED') throw error
    throw dataFileUnreadable(logPath, error instanceof Error ? error.message : String(error), error)
  }
}

async function readFooter(read: ReadRange, sizeBytes: number): Promise<ThriftStruct> {
  const tail = sizeBytes < 12 ? new Uint8Array(8) : await read(sizeBytes - 8, 8)
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true)
  if (!MAGIC.equals(tail.subarray(4)) || length > sizeBytes - 12)
    throw new RangeError('it does not end as a Parquet file does')
  return readStruct(await read(sizeBytes - 8 - length, length)).struct
}

const FOOTER = { groups: 4 }
const GROUP = { chunks: 1, fileOffset: 5 }
const CHUNK = { fileOffset: 2, meta: 3, indexes: [4, 5, 6, 7] }
const META = { codec: 4, compressedBytes: 7, dataOffset: 9, dictionaryOffset: 11, elsewhere: [10, 14, 15] }

async function writeInflated(file: FileHandle, footer: ThriftStruct, read: ReadRange): Promise<void> {
  const { compressors } = await import('hyparquet-compressors')
  const inflate = compressors.LZ4
  if (inflate === undefined) throw new RangeError('there is no decompressor for LZ4')
  let offset = 0
  const append = async (bytes: Uint8Array): Promise<void> => {
    await file.write(bytes)
    offset += bytes.length
  }
  await append(MAGIC)
  const groups: ThriftStruct[] = []
  for (const group of structsOf(footer, FOOTER.groups)) {
    const chunks: ThriftStruct[] = []
    for (const chunk of structsOf(group, GROUP.chunks)) {
      const pages = await readPages(chunk, read, inflate)
      chunks.push(movedChunk(chunk, pages, offset))
      await append(pages.bytes)
    }
    groups.push(
      withFields(
        group,
        new Map([
          [GROUP.chunks, structList(chunks)],
          [GROUP.fileOffset, undefined],
        ]),
      ),
    )
  }
  const encoded = encodeStruct(withFields(footer, new Map([[FOOTER.groups, structList(groups)]])))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(encoded.length)
  await append(Buffer.concat([encoded, length, MAGIC]))
}

async function readPages(chunk: ThriftStruct, read: ReadRange, inflate: Inflate): Promise<Pages> {
  const meta = structOf(chunk, CHUNK.meta)
  const dataOffset = numberOf(meta, META.dataOffset)
  // Some writers give 0 for a dictionary that is not there; no page stands before the file's magic.
  const start = numberOf(meta, META.dictionaryOffset) || dataOffset
  const bytes = await read(start, numberOf(meta, META.compressedBytes))
  return isLz4(chunk) ? inflatePages(bytes, inflate) : { bytes, dictionaryBytes: dataOffset - start }
}

function movedChunk(chunk: ThriftStruct, { bytes, dictionaryBytes }: Pages, offset: number): ThriftStruct {
  const meta = structOf(chunk, CHUNK.meta)
  const moved = withFields(
    meta,
    new Map([
      [META.codec, int32(isLz4(chunk) ? 0 : numberOf(meta, META.codec))],
      [META.compressedBytes, int64(bytes.length)],
      [META.dataOffset, int64(offset + dictionaryBytes)],
      [META.dictionaryOffset, dictionaryBytes > 0 ? int64(offset) : undefined],
      ...META.elsewhere.map((id) => [id, undefined] as const),
    ]),
  )
  // Indexes speak of places in the old file, and a scan does without them.
  return withFields(
    chunk,
    new Map([
      [CHUNK.fileOffset, int64(0)],
      [CHUNK.meta, structValue(moved)],
      ...CHUNK.indexes.map((id) => [id, undefined] as const),
    ]),
  )
}

function isLz4(chunk: ThriftStruct): boolean {
  return numberOf(structOf(chunk, CHUNK.meta), META.codec) === CODEC_LZ4
}
