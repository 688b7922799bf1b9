import type { Clock } from '../clock.ts'
import { type DeletedRows, noDeletedRows } from '../deletion-vectors/deleted-rows.ts'
import { recallDeletedRows, rememberDeletedRows } from '../deletion-vectors/recall.ts'
import { tagsWithVector } from '../deletion-vectors/spent-bytes.ts'
import { writeDeletionVectors } from '../deletion-vectors/write.ts'
import { positionInvalid, recordCountUnknown } from '../errors.ts'
import type { Action, AddFile, DeletionVectorDescriptor, RemoveFile } from '../protocol/actions.ts'
import { encodeStats, parseStats } from '../protocol/stats.ts'
import type { Store } from '../store/store.ts'

/** Rows of one live file that are to go. */
export interface FileDeletions {
  readonly file: AddFile
  /** Physical positions, counted from 0; any order, and ones already deleted do no harm. */
  readonly positions: Iterable<number>
}

const READS_AT_ONCE = 16

/**
 * The actions that mark rows as deleted: the new vectors (old and new rows united) are written to one file. A file whose rows are
 * all gone is removed; one that loses nothing new is left out. Throws `RECORD_COUNT_UNKNOWN`, `POSITION_INVALID`,
 * `DELETION_VECTOR_CORRUPT`.
 */
export async function deletionVectorActions(
  store: Store,
  clock: Clock,
  deletions: readonly FileDeletions[],
): Promise<readonly Action[]> {
  const unions: Union[] = []
  for (let start = 0; start < deletions.length; start += READS_AT_ONCE) {
    const batch = await Promise.all(
      deletions.slice(start, start + READS_AT_ONCE).map((deletion) => readUnion(store, deletion)),
    )
    unions.push(...batch.filter((union) => union.isChanged))
  }
  const marked = unions.filter(({ rows, numRecords }) => rows.cardinality < numRecords)
  const vectors = await writeDeletionVectors(
    store,
    clock,
    marked.map(({ rows }) => rows),
  )
  const added = new Map(marked.map(({ file }, index) => [file, vectors[index]]))
  for (const { file, rows } of marked) {
    const vector = added.get(file)
    if (vector !== undefined) rememberDeletedRows(store, vector, rows)
  }
  const nowMs = clock.now()
  return unions.flatMap((union) => {
    const vector = added.get(union.file)
    const remove: Action = { remove: removeOf(union.file, nowMs) }
    return vector === undefined ? [remove] : [remove, { add: withVector(union, vector) }]
  })
}

/** The remove of a live file, with all that VACUUM and the change feed need to know about it later. */
export function removeOf(file: AddFile, deletionTimestamp: number): RemoveFile {
  const { path, partitionValues, size, tags, deletionVector, baseRowId, defaultRowCommitVersion } = file
  return {
    path,
    dataChange: true,
    deletionTimestamp,
    extendedFileMetadata: true,
    partitionValues,
    size,
    ...(tags === undefined ? {} : { tags }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
    ...(baseRowId === undefined ? {} : { baseRowId }),
    ...(defaultRowCommitVersion === undefined ? {} : { defaultRowCommitVersion }),
  }
}

interface Union {
  readonly file: AddFile
  readonly rows: DeletedRows
  readonly numRecords: number
  readonly isChanged: boolean
}

async function readUnion(store: Store, { file, positions }: FileDeletions): Promise<Union> {
  const numRecords = parseStats(file.stats)?.numRecords
  if (numRecords === undefined) throw recordCountUnknown(file.path)
  const old = file.deletionVector ? await recallDeletedRows(store, file.deletionVector) : await noDeletedRows()
  const added = Float64Array.from(positions).sort()
  for (const position of [added[0], added.at(-1)]) {
    if (position !== undefined && !(position >= 0 && position < numRecords))
      throw positionInvalid(file.path, position, numRecords)
  }
  const rows = old.with(added)
  return { file, rows, numRecords, isChanged: rows !== old }
}

function withVector({ file, numRecords }: Union, deletionVector: DeletionVectorDescriptor): AddFile {
  // numRecords stays the physical count; min, max and nullCount now only bound what is left.
  const stats = encodeStats({ ...parseStats(file.stats), numRecords, tightBounds: false })
  return { ...file, stats, tags: tagsWithVector(file, deletionVector.sizeInBytes), deletionVector, dataChange: true }
}
