// OPTIMIZE: the same rows in better files. Each commit only rearranges (dataChange=false), so it loses to nobody: marks that others
// set meanwhile are carried over to the new files.

import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { refreshSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { formatColumnPath } from '../protocol/column-path.ts'
import { assertWritable } from '../protocol/features.ts'
import type { ExtraColumn } from '../read/file-rows.ts'
import { type ClusterColumn, domainColumns, namedColumns } from './cluster-key.ts'
import { type Bin, type OptimizeLimits, planBins, planClusterBins, targetBytesOf } from './plan-optimize.ts'
import { type Clustering, PROVIDER, type Rewrite, rewriteFiles, sizeOf } from './rewrite-files.ts'

/** What OPTIMIZE is to do. */
export interface OptimizeOptions extends OptimizeLimits {
  /** Sort the rows so that each file holds a small range of these columns, `a.b` for a field of a record; a clustered table knows its own. */
  readonly columns?: readonly string[]
  /** Parquet columns outside of the schema that are kept. */
  readonly extraColumns?: readonly ExtraColumn[]
  /** No further commit is begun once it is aborted. */
  readonly signal?: AbortSignal
}

/** What OPTIMIZE will rewrite. */
export interface OptimizePlan {
  readonly version: number
  readonly bins: readonly Bin[]
  /** As `columns` names them. */
  readonly clusterBy: readonly string[]
  readonly targetBytes: number
}

/** What OPTIMIZE did. */
export interface OptimizeSummary {
  readonly versions: readonly number[]
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesRemoved: number
  readonly bytesAdded: number
  /** Files of which another writer was faster every time; the next run takes them. */
  readonly filesLeft: number
}

/**
 * Find what is worth rewriting; writes nothing. Throws `CLUSTER_COLUMN_INVALID`, `UNSUPPORTED_WRITER_FEATURE`.
 */
export function planOptimize(snapshot: Snapshot, options: OptimizeOptions = {}): OptimizePlan {
  assertWritable(snapshot.protocol, snapshot.metadata)
  const columns = clusterColumns(snapshot, options)
  // Only a table that says how it is clustered remembers which files are.
  const isDone = (file: AddFile): boolean => options.columns === undefined && file.clusteringProvider === PROVIDER
  const bins = columns.length === 0 ? planBins(snapshot, options) : planClusterBins(snapshot, options, isDone)
  const clusterBy = columns.map(({ path }) => formatColumnPath(path))
  return { version: snapshot.version, bins, clusterBy, targetBytes: targetBytesOf(snapshot.metadata, options) }
}

function clusterColumns(snapshot: Snapshot, { columns }: OptimizeOptions): readonly ClusterColumn[] {
  return columns === undefined ? domainColumns(snapshot) : namedColumns(snapshot, columns)
}

const ROUNDS_MAX = 5
const COMMIT_BYTES_MAX = 1024 * 1024 * 1024

/**
 * Pack small files, purge deletion vectors and cluster, in one or more commits. Rows, their order numbers and ids, and what
 * `extraColumns` name stay as they are. Throws what `planOptimize`, reading and writing throw; what was committed by then stays.
 */
export async function optimize(
  engine: Engine,
  clock: Clock,
  snapshot: Snapshot,
  options: OptimizeOptions = {},
): Promise<OptimizeSummary> {
  const done: Rewrite[] = []
  let current = snapshot
  let lost: readonly AddFile[] = []
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { bins } = planOptimize(current, options)
    const taken = new Set(lost.map(({ path }) => path))
    // A second round only takes up what a race cost the first.
    const wanted = round === 0 ? bins : bins.filter(({ files }) => files.some(({ path }) => taken.has(path)))
    lost = []
    for (const batch of inBatches(wanted)) {
      if (options.signal?.aborted) break
      const clustering = clusteringOf(current, options)
      const outcome = await rewriteFiles(engine, clock, { snapshot: current, bins: batch, clustering }, options)
      if (outcome.version === undefined) lost = [...lost, ...batch.flatMap(({ files }) => files)]
      else done.push(outcome)
    }
    if (lost.length === 0) break
    current = await refreshSnapshot(current)
  }
  return summarize(done, lost)
}

function* inBatches(bins: readonly Bin[]): Generator<readonly Bin[]> {
  let open: Bin[] = []
  let bytes = 0
  for (const bin of bins) {
    if (open.length > 0 && bytes + bin.liveBytes > COMMIT_BYTES_MAX) {
      yield open
      open = []
      bytes = 0
    }
    open.push(bin)
    bytes += bin.liveBytes
  }
  if (open.length > 0) yield open
}

function clusteringOf(snapshot: Snapshot, options: OptimizeOptions): Clustering | undefined {
  const columns = clusterColumns(snapshot, options)
  if (columns.length === 0) return undefined
  return {
    order: { columns, curve: 'z' },
    targetBytes: targetBytesOf(snapshot.metadata, options),
    as: options.columns === undefined ? 'clusterBy' : 'zOrderBy',
  }
}

function summarize(done: readonly Rewrite[], lost: readonly AddFile[]): OptimizeSummary {
  const [removed, added] = [done.flatMap((commit) => commit.removed), done.flatMap((commit) => commit.added)]
  return {
    versions: done.flatMap(({ version }) => version ?? []),
    filesRemoved: removed.length,
    filesAdded: added.length,
    bytesRemoved: sizeOf(removed),
    bytesAdded: sizeOf(added),
    filesLeft: lost.length,
  }
}
