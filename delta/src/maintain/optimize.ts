// OPTIMIZE: the same rows in better files. Each commit only rearranges (dataChange=false), so it loses to nobody: marks that others
// set meanwhile are carried over to the new files.

import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { refreshSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { formatColumnPath } from '../protocol/column-path.ts'
import { assertWritable, supportsWriterFeature } from '../protocol/features.ts'
import type { ExtraColumn } from '../read/file-rows.ts'
import { removeOf } from '../write/deletion-vector-actions.ts'
import type { FilePositions } from '../write/rebase.ts'
import { commitTransaction, type TransactionOutcome } from '../write/transaction.ts'
import { copyShape } from './bin-rows.ts'
import { clusterBin } from './cluster-bin.ts'
import { type ClusterColumn, domainColumns, namedColumns } from './cluster-key.ts'
import { placesOfFile } from './file-places.ts'
import { type Bin, type OptimizeLimits, planBins, planClusterBins, targetBytesOf } from './plan-optimize.ts'
import { type RewrittenBin, rewriteBin } from './rewrite-bin.ts'

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

/** What `add.clusteringProvider` says of files that we clustered. */
const PROVIDER = 'tributary'

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
  const done: Committed[] = []
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
      const outcome = await rewriteBatch(engine, clock, { snapshot: current, bins: batch, options })
      if (outcome.version === undefined) lost = [...lost, ...batch.flatMap(({ files }) => files)]
      else done.push(outcome)
    }
    if (lost.length === 0) break
    current = await refreshSnapshot(current)
  }
  return summarize(done, lost)
}

interface Committed {
  /** Undefined when the race was lost. */
  readonly version: number | undefined
  readonly removed: readonly AddFile[]
  readonly added: readonly AddFile[]
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

interface Work {
  readonly snapshot: Snapshot
  readonly bins: readonly Bin[]
  readonly options: OptimizeOptions
}

// Up to so many files are read one after another; of more, DuckDB's plan would cost more than a sort by file and row.
const ORDERED_FILES_MAX = 64

async function rewriteBatch(engine: Engine, clock: Clock, { snapshot, bins, options }: Work): Promise<Committed> {
  const shape = copyShape(snapshot, options.extraColumns ?? [])
  const columns = clusterColumns(snapshot, options)
  const targetBytes = targetBytesOf(snapshot.metadata, options)
  const forks: Engine[] = []
  const written: RewrittenBin[] = []
  try {
    for (const bin of bins) {
      const fork = await engine.fork()
      forks.push(fork)
      const parts = { engine: fork, clock, snapshot, shape }
      written.push(
        columns.length === 0 && bin.files.length <= ORDERED_FILES_MAX
          ? await rewriteBin(parts, bin)
          : await clusterBin(parts, bin, { columns, targetBytes }),
      )
    }
    const outcome = await commitRewrite(clock, { snapshot, bins, options }, { written, columns })
    const [removed, added] = [written.flatMap(({ files }) => files), written.flatMap((bin) => bin.added)]
    if (outcome.kind === 'committed') return { version: outcome.version, removed, added }
    for (const path of added.flatMap((file) => placesOfFile(snapshot.store, file))) await snapshot.store.delete(path)
    return { version: undefined, removed, added }
  } finally {
    for (const fork of forks) await fork.close()
  }
}

function commitRewrite(
  clock: Clock,
  { snapshot, options }: Work,
  { written, columns }: { readonly written: readonly RewrittenBin[]; readonly columns: readonly ClusterColumn[] },
): Promise<TransactionOutcome> {
  const provider = options.columns === undefined && columns.length > 0 ? { clusteringProvider: PROVIDER } : {}
  const [removed, added] = [written.flatMap(({ files }) => files), written.flatMap((bin) => bin.added)]
  const nowMs = clock.now()
  const keepsRowIds = supportsWriterFeature(snapshot.protocol, 'rowTracking')
  return commitTransaction(clock, {
    snapshot,
    reads: { kind: 'nothing' },
    moves: { carry: (rows) => carryAll(written, rows) },
    actions: [
      ...removed.map((file) => ({ remove: { ...removeOf(file, nowMs), dataChange: false } })),
      ...added.map((file) => ({ add: { ...file, ...provider } })),
    ],
    info: {
      operation: 'OPTIMIZE',
      operationParameters: {
        predicate: '[]',
        zOrderBy: JSON.stringify(options.columns ?? []),
        clusterBy: JSON.stringify(
          options.columns === undefined ? columns.map(({ path }) => formatColumnPath(path)) : [],
        ),
      },
      operationMetrics: {
        numRemovedFiles: String(removed.length),
        numAddedFiles: String(added.length),
        numRemovedBytes: String(sizeOf(removed)),
        numAddedBytes: String(sizeOf(added)),
      },
      isBlindAppend: false,
      ...(keepsRowIds ? { tags: { 'delta.rowTracking.preserved': 'true' } } : {}),
    },
  })
}

async function carryAll(
  written: readonly RewrittenBin[],
  rows: readonly FilePositions[],
): Promise<readonly FilePositions[]> {
  const carried: FilePositions[] = []
  for (const bin of written) {
    const own = new Set(bin.files.map(({ path }) => path))
    const moved = rows.filter(({ path }) => own.has(path))
    if (moved.length > 0) carried.push(...(await bin.carry(moved)))
  }
  return carried
}

function summarize(done: readonly Committed[], lost: readonly AddFile[]): OptimizeSummary {
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

function sizeOf(files: readonly AddFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}
