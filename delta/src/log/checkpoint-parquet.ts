import { type FileMetaData, parquetMetadataAsync, parquetSchema, type SchemaTree } from 'hyparquet'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { TributaryError } from '../errors.ts'
import type { Complain } from '../protocol/parse-actions.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { readCompressors } from './checkpoint-codecs.ts'
import { parseCheckpointRow, TEXT_TIMES } from './checkpoint-row.ts'
import { type LeafCursor, leafCursor, leafDecoder } from './parquet-cursor.ts'
import { rowReader } from './parquet-records.ts'

const COLUMNS = ['protocol', 'metaData', 'add', 'remove', 'txn', 'domainMetadata', 'sidecar', 'checkpointMetadata']

// So many rows are objects at a time.
const ROWS_AT_ONCE = 4096

/** The rows of a Parquet checkpoint or sidecar as action objects, some at a time. Throws what `complain` makes. */
export async function* readCheckpointRows(
  store: Store,
  part: StoreEntry,
  complain: Complain,
): AsyncGenerator<readonly unknown[]> {
  const metadata = await guarded(complain, () => readMetadata(store, part))
  const decimals = new Set(
    metadata.schema.filter((element) => element.converted_type === 'DECIMAL').map((element) => element.name),
  )
  for (const group of metadata.row_groups) {
    const readRow = await guarded(complain, () => openGroup(store, part, metadata, group))
    const count = Number(group.num_rows)
    for (let done = 0; done < count; done += ROWS_AT_ONCE) {
      const size = Math.min(ROWS_AT_ONCE, count - done)
      yield await guarded(complain, async () => {
        const rows: unknown[] = []
        for (let row = 0; row < size; row++) {
          const action = parseCheckpointRow(readRow(), decimals)
          if (action !== undefined) rows.push(action)
        }
        return rows
      })
    }
  }
}

type RowGroup = FileMetaData['row_groups'][number]

async function openGroup(
  store: Store,
  part: StoreEntry,
  metadata: FileMetaData,
  group: RowGroup,
): Promise<ReturnType<typeof rowReader>> {
  const root = parquetSchema(metadata)
  const chunks = group.columns.flatMap((column) => column.meta_data ?? [])
  const compressors = await readCompressors(new Set(chunks.map(({ codec }) => codec)))
  const parsers = { ...DEFAULT_PARSERS, ...TEXT_TIMES }
  const isWanted = wantedPaths(chunks)
  const cursors = new Map<string, LeafCursor>()
  for (const chunk of chunks) {
    if (!isWanted(chunk.path_in_schema)) continue
    const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset)
    const length = Number(chunk.total_compressed_size)
    const decoder = leafDecoder(chunk, pathOf(root, chunk.path_in_schema), { parsers, compressors })
    const bytes = await store.readRange(part.path, { offset: start, length })
    cursors.set(keyOf(chunk.path_in_schema), leafCursor(bytes, decoder))
  }
  return rowReader(root, (node) => cursors.get(keyOf(node.path)))
}

/** Which leaves are read: not those that say again what others say. */
function wantedPaths(
  chunks: readonly NonNullable<RowGroup['columns'][number]['meta_data']>[],
): (path: readonly string[]) => boolean {
  const nulls = (name: string): bigint | undefined =>
    chunks.find(({ path_in_schema: path }) => keyOf(path) === keyOf(['add', name]))?.statistics?.null_count
  // As many texts of statistics as paths: then no add needs its `stats_parsed`.
  const isComplete = nulls('stats') !== undefined && nulls('stats') === nulls('path')
  return ([column = '', field]) => {
    if (!COLUMNS.includes(column) || field === 'partitionValues_parsed') return false
    return field !== 'stats_parsed' || (column === 'add' && !isComplete)
  }
}

function keyOf(path: readonly string[]): string {
  return JSON.stringify(path)
}

function pathOf(root: SchemaTree, names: readonly string[]): SchemaTree[] {
  const path = [root]
  for (const name of names) {
    const child = path.at(-1)?.children.find(({ element }) => element.name === name)
    if (child === undefined) throw new RangeError(`its schema has no column ${names.join('.')}`)
    path.push(child)
  }
  return path
}

async function readMetadata(store: Store, part: StoreEntry): Promise<FileMetaData> {
  return parquetMetadataAsync({
    byteLength: part.sizeBytes,
    slice: async (start, end = part.sizeBytes) => {
      const bytes = await store.readRange(part.path, { offset: start, length: end - start })
      // A buffer of its own: a small array may be a view into a pool that holds other bytes.
      const copy = new ArrayBuffer(bytes.length)
      new Uint8Array(copy).set(bytes)
      return copy
    },
  })
}

async function guarded<T>(complain: Complain, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TributaryError && error.code !== 'FILE_TRUNCATED') throw error
    throw complain(error instanceof Error ? error.message : String(error), error)
  }
}
