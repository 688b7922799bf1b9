// One commit that puts the rows of some files into others and changes none of them.

import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { supportsWriterFeature } from '../protocol/features.ts'
import type { ExtraColumn } from '../read/file-rows.ts'
import { removeOf } from '../write/deletion-vector-actions.ts'
import type { FilePositions } from '../write/rebase.ts'
import { commitTransaction, type TransactionOutcome } from '../write/transaction.ts'
import { copyShape } from './bin-rows.ts'
import { clusterBin } from './cluster-bin.ts'
import type { RowOrder } from './cluster-key.ts'
import { placesOfFile } from './file-places.ts'
import type { Bin } from './plan-optimize.ts'
import { type RewrittenBin, rewriteBin } from './rewrite-bin.ts'
import { orderColumns, orderTags } from './row-order.ts'

/** What is to be rewritten in one commit. */
export interface RewriteWork {
  readonly snapshot: Snapshot
  readonly bins: readonly Bin[]
  /** Undefined: rows stay in the order of their files, whatever that is. */
  readonly clustering?: Clustering | undefined
}

/** By what the rows of a bin are sorted, and into how large files. */
export interface Clustering {
  readonly order: RowOrder
  readonly targetBytes: number
  /** What history calls it. `clusterBy`: the table itself says so, and remembers which files are. */
  readonly as: 'clusterBy' | 'sortBy' | 'zOrderBy'
  /** The rows of the files, one file after another, lie in this order already: they are copied and not sorted, unless the files are very many. */
  readonly isDone?: boolean
}

/** How files are rewritten. */
export interface RewriteOptions {
  /** Parquet columns outside of the schema that are kept. */
  readonly extraColumns?: readonly ExtraColumn[]
  /** Columns that tell a row from all others: rows that others deleted meanwhile are known by them. Unset: by all columns, which takes longer. */
  readonly identity?: readonly string[]
  /** Told of the commit, in its `operationParameters`. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Awaited when the files are written and what others committed by then is followed: so another writer of this process can be let finish first. */
  readonly beforeCommit?: () => Promise<void>
}

/** A rewrite that was committed, or was not. */
export interface Rewrite {
  /** Undefined when the race was lost. */
  readonly version: number | undefined
  readonly removed: readonly AddFile[]
  readonly added: readonly AddFile[]
}

/** What `add.clusteringProvider` says of files that we clustered. */
export const PROVIDER = 'tributary'

// Up to so many files are read one after another; of more, DuckDB's plan would cost more than a sort by file and row.
const ORDERED_FILES_MAX = 64
// Some hundred bytes each, and the commit waits for them. Who deletes so much meanwhile left little to rewrite, or may be asked to wait.
const CARRIED_ROWS_MAX = 1_000_000
const AS_THEY_LIE = { order: { columns: [], curve: 'lexical' }, targetBytes: Number.POSITIVE_INFINITY } as const

/**
 * Rewrite files in one commit: rows, their order numbers and ids, and what `extraColumns` name stay as they are, and what others commit
 * meanwhile is followed. What was written is deleted again when the race is lost or something is thrown.
 */
export async function rewriteFiles(
  engine: Engine,
  clock: Clock,
  { snapshot, bins, clustering }: RewriteWork,
  options: RewriteOptions,
): Promise<Rewrite> {
  const shape = copyShape(snapshot, options.extraColumns ?? [])
  const forks: Engine[] = []
  const written: RewrittenBin[] = []
  let isCommitting = false
  try {
    for (const bin of bins) {
      const fork = await engine.fork()
      forks.push(fork)
      const parts = { engine: fork, clock, snapshot, shape, identity: options.identity }
      written.push(
        (clustering === undefined || clustering.isDone === true) && bin.files.length <= ORDERED_FILES_MAX
          ? await rewriteBin(parts, bin)
          : await clusterBin(parts, bin, clustering ?? AS_THEY_LIE),
      )
    }
    const beforeCommit = async (): Promise<void> => {
      await options.beforeCommit?.()
      isCommitting = true
    }
    const outcome = await commitRewrite(
      clock,
      { snapshot, clustering },
      { written, options: { ...options, beforeCommit } },
    )
    const [removed, added] = [written.flatMap(({ files }) => files), written.flatMap((bin) => bin.added)]
    if (outcome.kind === 'committed') return { version: outcome.version, removed, added }
    await discard(snapshot, written)
    return { version: undefined, removed, added }
  } catch (error) {
    // A commit of which nobody knows whether it is there may name them.
    if (!isCommitting) await discard(snapshot, written)
    throw error
  } finally {
    for (const fork of forks) await fork.close()
  }
}

async function discard({ store }: Snapshot, written: readonly RewrittenBin[]): Promise<void> {
  const added = written.flatMap((bin) => bin.added)
  for (const path of added.flatMap((file) => placesOfFile(store, file))) await store.delete(path)
}

function commitRewrite(
  clock: Clock,
  { snapshot, clustering }: Pick<RewriteWork, 'snapshot' | 'clustering'>,
  {
    written,
    options,
  }: {
    readonly written: readonly RewrittenBin[]
    readonly options: RewriteOptions & Required<Pick<RewriteOptions, 'beforeCommit'>>
  },
): Promise<TransactionOutcome> {
  const [removed, added] = [written.flatMap(({ files }) => files), written.flatMap((bin) => bin.added)]
  const nowMs = clock.now()
  let carriedRows = 0
  const keepsRowIds = supportsWriterFeature(snapshot.protocol, 'rowTracking')
  const columns = clustering === undefined ? '[]' : JSON.stringify(orderColumns(clustering.order))
  return commitTransaction(clock, {
    snapshot,
    beforeCommit: options.beforeCommit,
    reads: { kind: 'nothing' },
    moves: {
      carry: async (rows) => {
        carriedRows += rows.reduce((sum, { positions }) => sum + positions.length, 0)
        return carriedRows > CARRIED_ROWS_MAX ? undefined : carryAll(written, rows)
      },
      settle: async () => {
        for (const bin of written) await bin.settle?.()
      },
    },
    actions: [
      ...removed.map((file) => ({ remove: { ...removeOf(file, nowMs), dataChange: false } })),
      ...added.map((file) => ({ add: { ...file, ...orderFields(clustering) } })),
    ],
    info: {
      operation: 'OPTIMIZE',
      operationParameters: {
        predicate: '[]',
        zOrderBy: '[]',
        clusterBy: '[]',
        ...(clustering === undefined ? {} : { [clustering.as]: columns }),
        ...options.parameters,
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

function orderFields(clustering: Clustering | undefined): Pick<AddFile, 'clusteringProvider' | 'tags'> {
  if (clustering === undefined) return {}
  return {
    tags: orderTags(clustering.order),
    ...(clustering.as === 'clusterBy' ? { clusteringProvider: PROVIDER } : {}),
  }
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

/** Bytes of files together. */
export function sizeOf(files: readonly AddFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}
