import { parseStats, type Snapshot } from '@tributary/delta/log'

/** How large a table is at one version, by its log alone. */
export interface TableSize {
  /** Live rows; null when a file has no statistics, so that only reading it would tell. */
  readonly rows: number | null
  readonly files: number
  readonly sizeBytes: number
  /** Rows that deletion vectors hide. */
  readonly deletedRows: number
  /** Hidden rows among all rows in the files, 0 to 1. */
  readonly deletedShare: number
}

/** Adds up what the log says of a snapshot's files. */
export function sizeOf(snapshot: Pick<Snapshot, 'files'>): TableSize {
  let records: number | null = 0
  let deletedRows = 0
  let sizeBytes = 0
  for (const file of snapshot.files) {
    const numRecords = parseStats(file.stats)?.numRecords
    records = records === null || numRecords === undefined ? null : records + numRecords
    deletedRows += file.deletionVector?.cardinality ?? 0
    sizeBytes += file.size
  }
  return {
    rows: records === null ? null : records - deletedRows,
    files: snapshot.files.length,
    sizeBytes,
    deletedRows,
    deletedShare: records === null || records === 0 ? 0 : deletedRows / records,
  }
}
