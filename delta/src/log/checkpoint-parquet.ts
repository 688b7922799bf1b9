import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { TributaryError } from '../errors.ts'
import type { Complain } from '../protocol/parse-actions.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { readCompressors } from './checkpoint-codecs.ts'
import { parseCheckpointRow, SAFE_TEXT } from './checkpoint-row.ts'

const COLUMNS = ['protocol', 'metaData', 'add', 'remove', 'txn', 'domainMetadata', 'sidecar', 'checkpointMetadata']

/** The rows of a Parquet checkpoint or sidecar as action objects, one row group at a time. Throws what `complain` makes. */
export async function* readCheckpointRows(
  store: Store,
  part: StoreEntry,
  complain: Complain,
): AsyncGenerator<readonly unknown[]> {
  const file = bufferOf(store, part)
  const metadata = await guarded(complain, () => parquetMetadataAsync(file))
  const present = new Set(metadata.schema.map((element) => element.name))
  const columns = COLUMNS.filter((name) => present.has(name) && isTopLevel(metadata, name))
  const decimals = new Set(
    metadata.schema.filter((element) => element.converted_type === 'DECIMAL').map((element) => element.name),
  )
  const chunks = metadata.row_groups.flatMap((group) => group.columns)
  const compressors = await readCompressors(new Set(chunks.map((chunk) => chunk.meta_data?.codec ?? 'UNCOMPRESSED')))
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const rows: readonly unknown[] = await guarded(complain, () =>
      parquetReadObjects({ file, metadata, columns, rowStart, rowEnd, compressors, parsers: SAFE_TEXT }),
    )
    yield rows.flatMap((row) => parseCheckpointRow(row, decimals) ?? [])
    rowStart = rowEnd
  }
}

function isTopLevel(metadata: FileMetaData, name: string): boolean {
  return (
    metadata.row_groups.length === 0 ||
    metadata.row_groups.some((group) => group.columns.some((column) => column.meta_data?.path_in_schema[0] === name))
  )
}

function bufferOf(store: Store, part: StoreEntry): AsyncBuffer {
  return {
    byteLength: part.sizeBytes,
    slice: async (start, end = part.sizeBytes) => {
      const bytes = await store.readRange(part.path, { offset: start, length: end - start })
      // A buffer of its own: a small array may be a view into a pool that holds other bytes.
      const copy = new ArrayBuffer(bytes.length)
      new Uint8Array(copy).set(bytes)
      return copy
    },
  }
}

async function guarded<T>(complain: Complain, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TributaryError) throw error
    throw complain(error instanceof Error ? error.message : String(error), error)
  }
}
