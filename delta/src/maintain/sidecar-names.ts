import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { readCompressors } from '../log/checkpoint-codecs.ts'
import { LOG_FOLDER } from '../log/file-names.ts'
import { decodePath } from '../protocol/paths.ts'
import type { Store, StoreEntry } from '../store/store.ts'

export const SIDECAR_FOLDER = `${LOG_FOLDER}_sidecars/`

/** The paths in the store of the sidecars that a checkpoint names; undefined when it cannot be read. */
export async function readSidecarNames(store: Store, checkpoint: StoreEntry): Promise<readonly string[] | undefined> {
  try {
    const rows = checkpoint.path.endsWith('.json')
      ? new TextDecoder()
          .decode(await store.read(checkpoint.path))
          .split('\n')
          .flatMap((line): readonly unknown[] => (line.trim() === '' ? [] : [JSON.parse(line)]))
      : await readParquetSidecars(store, checkpoint)
    return rows.flatMap((row) => parseSidecarPath(row) ?? [])
  } catch {
    // Whatever is wrong with it: the caller then deletes nothing.
    return undefined
  }
}

async function readParquetSidecars(store: Store, { path, sizeBytes }: StoreEntry): Promise<readonly unknown[]> {
  const file = {
    byteLength: sizeBytes,
    slice: async (start: number, end = sizeBytes) =>
      new Uint8Array(await store.readRange(path, { offset: start, length: end - start })).buffer,
  }
  const metadata = await parquetMetadataAsync(file)
  if (!metadata.schema.some(({ name }) => name === 'sidecar')) return []
  const chunks = metadata.row_groups.flatMap((group) => group.columns)
  const compressors = await readCompressors(new Set(chunks.map((chunk) => chunk.meta_data?.codec ?? 'UNCOMPRESSED')))
  return parquetReadObjects({ file, metadata, columns: ['sidecar'], compressors })
}

// PROTOCOL.md, "Sidecar File Information": a file name, URI-encoded, in the folder of sidecars; newer writers may give a longer path.
function parseSidecarPath(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null || !('sidecar' in row)) return undefined
  const { sidecar } = row
  if (typeof sidecar !== 'object' || sidecar === null || !('path' in sidecar)) return undefined
  if (typeof sidecar.path !== 'string') return undefined
  const place = decodePath(sidecar.path)
  const plain = place.kind === 'relative' ? place.path : place.url
  return `${SIDECAR_FOLDER}${plain.split('/').at(-1) ?? plain}`
}
