// Each refresh adds a file with the rows that differ, and the next one opens all that still hold rows: an hourly refresh of some hundred rows
// would soon spend its time on opening files.
import { type AddFile, refreshSnapshot, rewriteFiles, type Snapshot, type WriteWork } from '@tributary/delta'

/** So many small files are merged into one. */
const FILES_DUE = 4
/** A file from so many bytes on is left alone, so that a merge costs a fixed time, however large the table is. */
const SMALL_BYTES = 1024 * 1024

/** Merges small files when there are several, and gives the table as it is then. Who loses a race leaves it to the next refresh. */
export async function keepFiles({ engine, clock }: WriteWork, snapshot: Snapshot): Promise<Snapshot> {
  const files = smallFiles(snapshot)
  if (files.length < FILES_DUE) return snapshot
  const liveBytes = files.reduce((sum, { size }) => sum + size, 0)
  await rewriteFiles(engine, clock, { snapshot, bins: [{ files, liveBytes }] }, { parameters: { auto: 'true' } })
  return refreshSnapshot(snapshot)
}

/** In the order in which they came. */
function smallFiles({ files }: Snapshot): readonly AddFile[] {
  return files
    .filter(({ size }) => size < SMALL_BYTES)
    .toSorted((left, right) => left.modificationTime - right.modificationTime)
}
