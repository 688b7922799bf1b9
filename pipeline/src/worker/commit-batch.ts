// One batch, one commit: rows, SetTransaction, the table's state with its ledger, and the counts of law 3.
import {
  type Action,
  type AddFile,
  type Clock,
  type CommitOutcome,
  commit,
  createTableActions,
  encodeSchema,
  logRetentionMs,
  type Snapshot,
  type StructType,
} from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import { HISTORY_DOMAIN, nextNote, type PreparedHistory, parseHistoryNote } from '../history-table/note.ts'
import { encodeCommitTimes } from '../ledger/commit-times.ts'
import { appendLedger, type LedgerParts } from '../ledger/ledger.ts'
import { appendQuarantine, type QuarantinedRow } from '../ledger/quarantine.ts'
import { addCounts, type Counts, emptyState, NO_COUNTS, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { type NewEntry, nextBatch, numberEntries, type WrittenLedger } from './batch-ledger.ts'
import { configuredProperties, metadataActions } from './table-metadata.ts'

// A batch that took longer asks once more whether the log is still the one that it read: one question of many, and the table may have been
// put back from a backup meanwhile.
const QUICK_MS = 10_000

/** What a batch wants committed. */
export interface PreparedBatch {
  readonly operation: 'LOAD' | 'RELOAD' | 'UPSERT' | 'SUPERSEDE' | 'REPLAY' | 'SKIP' | 'TRUNCATE' | 'WIDEN'
  readonly schema: StructType
  readonly actions: readonly Action[]
  readonly added: readonly AddFile[]
  /** Ledger entries without the batch number, which is given here. */
  readonly entries: readonly NewEntry[]
  /** The ledger with these entries, where it is written already. */
  readonly ledger?: WrittenLedger | undefined
  readonly rejects: readonly Omit<QuarantinedRow, 'batch' | 'generation' | 'id'>[]
  /** Rows still in quarantine, when the batch replaces the list (a replay); absent: the list stays. */
  readonly stillQuarantined?: readonly QuarantinedRow[]
  /** The parts of the state that the batch changes. */
  readonly state: Partial<TableState>
  readonly metrics: Readonly<Record<string, number>>
  /** Rows for the history of the table; absent when it keeps none, or the batch has none. */
  readonly history?: PreparedHistory | undefined
}

export interface CommitTarget {
  readonly table: TableConfig
  readonly snapshot: Snapshot | undefined
  readonly state: TableState | undefined
  /** When the log was last looked at, by our clock; the log is asked again when it may have been cleaned since. */
  readonly readAtMs?: number
  /** By which the commit is known when it is read again; one is given where it is absent. */
  readonly txnId?: string
}

/** Writes the sidecars and attempts the commit once. A lost race is an outcome, not an error: plan again from the new snapshot. */
export async function commitBatch(
  { store, clock, cache }: LedgerParts,
  target: CommitTarget,
  batch: PreparedBatch,
): Promise<CommitOutcome> {
  const { table, snapshot, state } = target
  const number = nextBatch(state)
  const entries = numberEntries(state, batch.entries)
  const counts = entries.reduce<Counts>(addCounts, NO_COUNTS)
  const generation = batch.state.generation ?? state?.generation ?? 1
  const rejects = batch.rejects.map((row, at) => ({ ...row, batch: number, generation, id: `${number}-${at + 1}` }))
  const parts = { store, clock }
  const quarantine =
    batch.stillQuarantined === undefined
      ? await appendQuarantine(parts, state?.quarantine ?? [], rejects)
      : await appendQuarantine(parts, [], [...batch.stillQuarantined, ...rejects])
  const next: TableState = {
    ...(state ?? emptyState(table)),
    ...(table.sequence === undefined ? {} : { sequence: table.sequence }),
    ...batch.state,
    batch: number,
    ledger:
      batch.ledger !== undefined && batch.ledger.after === state
        ? batch.ledger.segments
        : await appendLedger(cache === undefined ? parts : { ...parts, cache }, state?.ledger ?? [], entries),
    quarantine,
    totals: addCounts(state?.totals ?? NO_COUNTS, counts),
  }
  const actions: Action[] = [
    ...tableActions(parts, target, batch.schema),
    { txn: { appId: `tributary/${table.name}`, version: number, lastUpdated: clock.now() } },
    { domainMetadata: { domain: STATE_DOMAIN, configuration: JSON.stringify(next), removed: false } },
    ...historyActions(target, batch, number),
    ...batch.actions,
  ]
  const userMetadata = encodeCommitTimes({ sourceAt: next.sourceAt, entries, readAtMs: target.readAtMs })
  return commit(store, clock, {
    readVersion: snapshot?.version,
    readFile: snapshot?.lastFile,
    isFresh: isLogFresh(clock, target) && clock.now() - (target.readAtMs ?? 0) < QUICK_MS,
    actions,
    info: {
      operation: batch.operation,
      operationParameters: {
        batch: String(number),
        generation: String(next.generation),
        files: JSON.stringify(entries.slice(0, 20).map((entry) => entry.key)),
        fileCount: String(entries.length),
      },
      operationMetrics: metricsOf(counts, batch),
      isBlindAppend: false,
      ...(target.txnId === undefined ? {} : { txnId: target.txnId }),
      ...(userMetadata === undefined ? {} : { userMetadata }),
    },
  })
}

/** What the history is to take in is in the same commit as the batch (decision 20). */
function historyActions({ table, snapshot }: CommitTarget, batch: PreparedBatch, number: number): readonly Action[] {
  if (!table.history) return []
  const known = parseHistoryNote(snapshot?.domains)
  const note = nextNote(known, { number, history: batch.history, schema: encodeSchema(batch.schema) })
  return note === undefined
    ? []
    : [{ domainMetadata: { domain: HISTORY_DOMAIN, configuration: JSON.stringify(note), removed: false } }]
}

/**
 * Whether no commit that came since the log was read can have been cleaned away: cleanup takes what is older than the log's retention,
 * and half of that leaves room for clocks that differ.
 */
export function isLogFresh(
  clock: Pick<Clock, 'now'>,
  { snapshot, readAtMs }: { readonly snapshot: Pick<Snapshot, 'metadata'> | undefined; readonly readAtMs?: number },
): boolean {
  if (snapshot === undefined || readAtMs === undefined) return false
  return clock.now() - readAtMs < logRetentionMs(snapshot.metadata) / 2
}

function metricsOf(counts: Counts, batch: PreparedBatch): Record<string, string> {
  const sizes = { filesAdded: batch.added.length, bytesAdded: batch.added.reduce((sum, file) => sum + file.size, 0) }
  return Object.fromEntries(
    Object.entries({ ...counts, ...batch.metrics, ...sizes }).map(([name, value]) => [name, String(value)]),
  )
}

/** Protocol and metadata for a new table, new metadata for a schema that grew or properties that were configured, nothing else. */
function tableActions(
  { clock }: { readonly clock: Clock },
  { table, snapshot }: CommitTarget,
  schema: StructType,
): readonly Action[] {
  if (snapshot === undefined) {
    return createTableActions(clock, {
      name: table.name,
      schema,
      partitionColumns: table.partitionBy,
      deletionVectors: table.write === 'merge-on-read',
      domainMetadata: true,
      configuration: configuredProperties(table, undefined),
    })
  }
  return metadataActions(table, snapshot, schema)
}
