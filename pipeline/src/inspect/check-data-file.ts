import { fileURLToPath } from 'node:url'
import {
  type AddFile,
  decodePath,
  localStore,
  parseStats,
  readDeletionVector,
  type Store,
  TributaryError,
} from '@tributary/delta'
import { attempt, type Finding } from './finding.ts'

/** What is wrong with one data file and its deletion vector, and whether a scan of it would work. */
export interface DataFileCheck {
  readonly findings: readonly Finding[]
  readonly isReadable: boolean
}

/**
 * Checks presence, size, Parquet footer, number of rows and deletion vector of a live file. Reads the footer only. Throws what the store
 * throws when it does not answer or may not be read: that says nothing of the file.
 */
export async function checkDataFile(store: Store, file: AddFile): Promise<DataFileCheck> {
  const place = placeOf(store, file.path)
  const finding = (code: string, message: string): Finding => ({ code, message, path: place.path })
  const entry = await place.store.stat(place.path)
  if (entry === undefined) {
    const message = `The data file ${place.path} is missing: it was deleted or not copied. Restore it from a backup, or restore the table to a version before it.`
    return { findings: [finding('DATA_FILE_MISSING', message)], isReadable: false }
  }
  const findings: Finding[] = []
  if (entry.sizeBytes !== file.size) {
    findings.push(
      finding(
        'DATA_FILE_SIZE',
        `The data file ${place.path} has ${entry.sizeBytes} bytes and the log says ${file.size}: it was replaced or cut. Restore it from a backup.`,
      ),
    )
  }
  const footer = await readFooter(place, entry.sizeBytes)
  if ('fault' in footer) {
    const message = `The data file ${place.path} is no readable Parquet file: ${footer.fault}. Restore it from a backup.`
    return { findings: [...findings, finding('DATA_FILE_UNREADABLE', message)], isReadable: false }
  }
  const numRecords = parseStats(file.stats)?.numRecords
  if (numRecords !== undefined && numRecords !== footer.rows) {
    findings.push(
      finding(
        'STATS_NUM_RECORDS',
        `The statistics of ${place.path} say ${numRecords} rows and the file has ${footer.rows}: counts and skipped files would be wrong. Rewrite the file.`,
      ),
    )
  }
  const vector = await checkDeletionVector(store, file, { path: place.path, rows: footer.rows })
  return { findings: [...findings, ...vector], isReadable: vector.length === 0 }
}

interface FilePlace {
  readonly store: Store
  readonly path: string
}

// A shallow clone names files outside of the table.
function placeOf(store: Store, logPath: string): FilePlace {
  const decoded = decodePath(logPath)
  if (decoded.kind === 'relative') return { store, path: decoded.path }
  const isFile = decoded.url.startsWith('file:')
  return { store: isFile ? localStore('/') : store, path: isFile ? fileURLToPath(decoded.url).slice(1) : decoded.url }
}

const FOOTER_FETCH_BYTES = 64 * 1024

async function readFooter(
  { store, path }: FilePlace,
  sizeBytes: number,
): Promise<{ readonly rows: number } | { readonly fault: string }> {
  // Loaded on use, so that other commands start without it.
  const { parquetMetadataAsync } = await import('hyparquet')
  const slice = async (start: number, end: number = sizeBytes): Promise<ArrayBuffer> => {
    const bytes = await store.readRange(path, { offset: start, length: end - start })
    return Uint8Array.from(bytes).buffer
  }
  try {
    const metadata = await parquetMetadataAsync(
      { byteLength: sizeBytes, slice },
      { initialFetchSize: FOOTER_FETCH_BYTES },
    )
    const inGroups = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n)
    if (inGroups !== metadata.num_rows)
      return { fault: `its footer says ${metadata.num_rows} rows and its row groups have ${inGroups}` }
    return { rows: Number(metadata.num_rows) }
  } catch (error) {
    if (error instanceof TributaryError && (error.kind === 'unavailable' || error.kind === 'refused')) throw error
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

async function checkDeletionVector(
  store: Store,
  { deletionVector }: AddFile,
  data: { readonly path: string; readonly rows: number },
): Promise<readonly Finding[]> {
  if (deletionVector === undefined) return []
  const found = await attempt(() => readDeletionVector(store, deletionVector), data.path)
  if ('finding' in found) {
    const isMissing = found.finding.code === 'FILE_NOT_FOUND'
    return [
      isMissing
        ? {
            ...found.finding,
            code: 'DELETION_VECTOR_MISSING',
            message: `The deletion vector of ${data.path} is missing. ${found.finding.message}`,
          }
        : found.finding,
    ]
  }
  const last = found.value.at(-1)
  if (last === undefined || last < data.rows) return []
  return [
    {
      code: 'DELETION_VECTOR_RANGE',
      message: `The deletion vector of ${data.path} hides row ${last} and the file has ${data.rows}: the file or the vector was replaced. Restore both from a backup.`,
      path: data.path,
    },
  ]
}
