import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { refreshSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { Action, Metadata } from '../protocol/actions.ts'
import { assertWritable } from '../protocol/features.ts'
import type { ConflictReason } from './conflicts.ts'
import { type NewRows, stageRows } from './stage-rows.ts'
import { writeTableRows } from './table-rows.ts'
import { commitTransaction, type TransactionOutcome } from './transaction.ts'

/** What became of rows that were to be written. */
export type WriteOutcome =
  /** The rows are in this version. */
  | { readonly kind: 'committed'; readonly version: number; readonly counts: RowCounts }
  /** There was nothing to do: no commit was made. */
  | { readonly kind: 'unchanged'; readonly version: number }
  /** Others were in the way, also after beginning anew several times. Nothing was written. */
  | {
      readonly kind: 'conflicted'
      /** The version that stands in the way. */
      readonly winner: number
      readonly because: ConflictReason
      /** The path, domain, application or property that it is about. */
      readonly subject: string
    }

/** Rows by what happened to them. */
export interface RowCounts {
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

/** What every write needs. The engine is a fork of its own: temporary tables are left on it. */
export interface WriteWork {
  readonly engine: Engine
  readonly clock: Clock
}

const STARTS_MAX = 20

/**
 * Do work on the newest version of a table, and do it anew on the next one when it met a conflict. Each start gets a fork of the
 * engine, which is closed afterwards with all its temporary tables.
 */
export async function startAnew(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  work: (work: WriteWork, snapshot: Snapshot) => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  let base = snapshot
  for (let start = 1; ; start++) {
    assertWritable(base.protocol, base.metadata)
    const fork = await engine.fork()
    try {
      const outcome = await work({ engine: fork, clock }, base)
      if (outcome.kind !== 'conflicted' || start === STARTS_MAX) return outcome
    } finally {
      await fork.close()
    }
    base = await refreshSnapshot(base)
  }
}

/** Add rows to a table. Reads nothing of it, so it loses only to changes of the table itself. Throws what `writeTableRows` throws. */
export async function appendRows(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  rows: NewRows,
): Promise<WriteOutcome> {
  const relation = await stageRows(engine, snapshot.schema, rows)
  const { adds, metadata, count } = await writeTableRows(engine, clock, snapshot, { relation })
  if (adds.length === 0) return { kind: 'unchanged', version: snapshot.version }
  const actions: readonly Action[] = [...metadataAction(metadata), ...adds.map((add) => ({ add }))]
  const outcome = await commitTransaction(clock, {
    snapshot,
    actions,
    info: {
      operation: 'WRITE',
      operationParameters: { mode: 'Append' },
      operationMetrics: { numFiles: String(adds.length), numOutputRows: String(count) },
    },
    reads: { kind: 'nothing' },
  })
  return withCounts(outcome, { inserted: count, updated: 0, deleted: 0 })
}

/** Identity columns remember in the metadata how far they counted. */
export function metadataAction(metadata: Metadata | undefined): readonly Action[] {
  return metadata === undefined ? [] : [{ metaData: metadata }]
}

/** The outcome of a transaction, with what happened to the rows. */
export function withCounts(outcome: TransactionOutcome, counts: RowCounts): WriteOutcome {
  return outcome.kind === 'committed' ? { ...outcome, counts } : outcome
}
