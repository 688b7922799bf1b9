import type { Clock } from '../clock.ts'
import type { Positions } from '../deletion-vectors/bitmap.ts'
import { recallDeletionVector, rememberDeletionVector } from '../deletion-vectors/read.ts'
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
  const marked = unions.filter(({ positions, numRecords }) => positions.length < numRecords)
  const vectors = await writeDeletionVectors(store, clock, marked)
  const added = new Map(marked.map(({ file }, index) => [file, vectors[index]]))
  for (const { file, positions } of marked) {
    const vector = added.get(file)
    if (vector !== undefined) rememberDeletionVector(store, vector, positions)
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
  readonly positions: Positions
  readonly numRecords: number
  readonly isChanged: boolean
}

async function readUnion(store: Store, { file, positions }: FileDeletions): Promise<Union> {
  const numRecords = parseStats(file.stats)?.numRecords
  if (numRecords === undefined) throw recordCountUnknown(file.path)
  const old: Positions = file.deletionVector
    ? await recallDeletionVector(store, file.deletionVector)
    : new Uint32Array()
  const added = Float64Array.from(positions).sort()
  for (const position of [added[0], added.at(-1)]) {
    if (position !== undefined && !(position >= 0 && position < numRecords))
      throw positionInvalid(file.path, position, numRecords)
  }
  const union = unite(old, added)
  return { file, positions: union, numRecords, isChanged: union.length > old.length }
}

const UINT32_END = 2 ** 32

/** Both inputs ascend, and so does what comes out, each position once. A batch adds few rows to many: what lies between them is copied whole. */
function unite(old: Positions, added: Positions): Positions {
  const last = Math.max(old.at(-1) ?? 0, added.at(-1) ?? 0)
  const size = old.length + added.length
  const union = last < UINT32_END ? new Uint32Array(size) : new Float64Array(size)
  let length = 0
  let from = 0
  let before = -1
  for (const position of added) {
    if (position === before) continue
    before = position
    const to = indexOf(old, position, from)
    union.set(old.subarray(from, to), length)
    length += to - from
    from = to
    // One that is dead already is copied with the next part.
    if (old[to] !== position) union[length++] = position
  }
  union.set(old.subarray(from), length)
  return union.subarray(0, length + old.length - from)
}

/** Where the first of the ascending positions is that is no less than this one. */
function indexOf(positions: Positions, position: number, from: number): number {
  let [low, high] = [from, positions.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((positions[middle] ?? Number.POSITIVE_INFINITY) < position) low = middle + 1
    else high = middle
  }
  return low
}

function withVector({ file, numRecords }: Union, deletionVector: DeletionVectorDescriptor): AddFile {
  // numRecords stays the physical count; min, max and nullCount now only bound what is left.
  const stats = encodeStats({ ...parseStats(file.stats), numRecords, tightBounds: false })
  return { ...file, stats, tags: tagsWithVector(file, deletionVector.sizeInBytes), deletionVector, dataChange: true }
}
