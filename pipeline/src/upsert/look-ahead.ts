import { recallDeletedRows, type Snapshot } from '@tributary/delta'
import { type IndexHolder, openNewest } from '../key-index/index-folder.ts'

const VECTORS_MAX = 16

/**
 * Opens the key index and reads deletion vectors, as a process has to for its first batch of a table: while DuckDB reads the batch's files
 * that costs nothing. What cannot be read is said by whoever needs it.
 */
export async function lookAhead(index: IndexHolder | undefined, { store, files }: Snapshot): Promise<void> {
  if (index?.open !== undefined) return
  const vectors = files.flatMap(({ deletionVector }) => deletionVector ?? []).slice(0, VECTORS_MAX)
  await Promise.allSettled(vectors.map((vector) => recallDeletedRows(store, vector)))
  if (index === undefined || index.building !== undefined) return
  try {
    openNewest(index)
  } catch {}
}
