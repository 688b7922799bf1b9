// Data files and tombstones where no DuckDB is: lists of rows as JSON, under the names and in the actions of real ones.
import type { AddFile, Clock, Snapshot, Store } from '@tributary/delta'

/** Where a row's last change stands (law 2). */
export interface Order {
  readonly phase: 0 | 1
  readonly seq: string
  readonly place: string
  readonly row: number
}

/** A stored row. */
export interface StoredRow extends Order {
  readonly id: number
  readonly v: string
}

/** Above zero where `left` is the newer change. */
export function compareOrder(left: Order, right: Order): number {
  return (
    left.phase - right.phase || compare(left.seq, right.seq) || compare(left.place, right.place) || left.row - right.row
  )
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Writes rows as a new data file. */
export async function writeRows(store: Store, clock: Clock, rows: readonly StoredRow[]): Promise<AddFile> {
  const path = `part-${clock.uuid()}.json`
  const bytes = new TextEncoder().encode(JSON.stringify(rows))
  await store.create(path, bytes)
  return {
    path,
    partitionValues: {},
    size: bytes.length,
    modificationTime: clock.now(),
    dataChange: true,
    stats: JSON.stringify({ numRecords: rows.length }),
  }
}

/** The rows of a JSON list. */
export async function readJsonRows(store: Store, path: string): Promise<readonly StoredRow[]> {
  return parseRows(await store.read(path))
}

/** All live rows of a version. */
export async function readTableRows({ store, files }: Pick<Snapshot, 'store' | 'files'>): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for (const { path } of files) rows.push(...(await readJsonRows(store, path)))
  return rows
}

/** The rows of a data file's bytes. */
export function parseRows(bytes: Uint8Array): readonly StoredRow[] {
  return JSON.parse(new TextDecoder().decode(bytes)) as readonly StoredRow[]
}
