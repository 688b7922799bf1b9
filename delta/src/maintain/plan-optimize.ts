// Which files OPTIMIZE writes anew, and which of them together. Pure. A bin is rewritten in one piece; without clustering it becomes
// one file.

import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile, Metadata } from '../protocol/actions.ts'
import { parseStats } from '../protocol/stats.ts'

/** What OPTIMIZE is to do. */
export interface OptimizeLimits {
  /** Size of a data file to aim at; `delta.targetFileSize`, or 256 MiB, unless set. */
  readonly targetBytes?: number
  /** A file is rewritten when at least this share of its rows is deleted; 0 purges every deletion vector. 0.1 unless set. */
  readonly deadShareMin?: number
}

/** Files of one partition that are rewritten together, in this order. */
export interface Bin {
  readonly files: readonly AddFile[]
  /** About the bytes of their live rows. */
  readonly liveBytes: number
}

const TARGET_BYTES = 256 * 1024 * 1024
const DEAD_SHARE_MIN = 0.1
// A file of so much of the target is large enough: rewriting it would cost more than it gives.
const SMALL_SHARE = 0.5

/** The size that data files of a table should have. */
export function targetBytesOf({ configuration }: Metadata, limits: OptimizeLimits): number {
  const [, count, unit = ''] =
    /^(\d+)\s*(|b|kb|mb|gb)$/i.exec(configuration['delta.targetFileSize']?.trim() ?? '') ?? []
  const power = ['kb', 'mb', 'gb'].indexOf(unit.toLowerCase()) + 1
  return limits.targetBytes ?? (count === undefined ? TARGET_BYTES : Math.max(1, Number(count)) * 1024 ** power)
}

/** Small files in bins of about the target, and files with many deleted rows; nothing that would be as it is. */
export function planBins(snapshot: Pick<Snapshot, 'files' | 'metadata'>, limits: OptimizeLimits): readonly Bin[] {
  const targetBytes = targetBytesOf(snapshot.metadata, limits)
  const { deadShareMin = DEAD_SHARE_MIN } = limits
  const isDead = (file: AddFile): boolean => file.deletionVector !== undefined && deadShare(file) >= deadShareMin
  const worthIt = snapshot.files.filter((file) => isDead(file) || liveBytesOf(file) < SMALL_SHARE * targetBytes)
  return byPartition(worthIt).flatMap((files) =>
    pack(files, targetBytes).filter((bin) => bin.files.length > 1 || bin.files.some(isDead)),
  )
}

/** Everything that is to be clustered, in bins that one sort can take. `isDone` names files that already are. */
export function planClusterBins(
  snapshot: Pick<Snapshot, 'files' | 'metadata'>,
  limits: OptimizeLimits,
  isDone: (file: AddFile) => boolean,
): readonly Bin[] {
  const targetBytes = targetBytesOf(snapshot.metadata, limits)
  const { deadShareMin = DEAD_SHARE_MIN } = limits
  const isKept = (file: AddFile): boolean =>
    isDone(file) &&
    liveBytesOf(file) >= SMALL_SHARE * targetBytes &&
    (file.deletionVector === undefined || deadShare(file) < deadShareMin)
  const isWhole = (files: readonly AddFile[]): boolean =>
    files.length === 1 && files.every((file) => isDone(file) && file.deletionVector === undefined)
  return byPartition(snapshot.files.filter((file) => !isKept(file)))
    .flatMap((files) => pack(files, SORT_TARGETS * targetBytes))
    .filter(({ files }) => !isWhole(files))
}

// A sort spills to disk; so many files' worth of rows bound what it takes there.
const SORT_TARGETS = 32

/** Share of a file's rows that are deleted; 0 where nobody counted the rows. */
function deadShare({ stats, deletionVector }: AddFile): number {
  const records = parseStats(stats)?.numRecords
  return records === undefined || records === 0 ? 0 : (deletionVector?.cardinality ?? 0) / records
}

function liveBytesOf(file: AddFile): number {
  return file.size * (1 - deadShare(file))
}

function byPartition(files: readonly AddFile[]): readonly (readonly AddFile[])[] {
  const groups = Map.groupBy(files, ({ partitionValues }) => JSON.stringify(Object.entries(partitionValues).sort()))
  // Rows that came together stay together: often they are read together.
  return [...groups.values()].map((group) =>
    group.toSorted(
      (left, right) => left.modificationTime - right.modificationTime || (left.path < right.path ? -1 : 1),
    ),
  )
}

function pack(files: readonly AddFile[], bytesMax: number): readonly Bin[] {
  const bins: Bin[] = []
  let open: AddFile[] = []
  let liveBytes = 0
  const close = (): void => {
    if (open.length > 0) bins.push({ files: open, liveBytes })
    open = []
    liveBytes = 0
  }
  for (const file of files) {
    if (liveBytes + liveBytesOf(file) > bytesMax) close()
    open.push(file)
    liveBytes += liveBytesOf(file)
  }
  close()
  return bins
}
