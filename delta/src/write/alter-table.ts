import { constraintViolated } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Action, Metadata } from '../protocol/actions.ts'
import { assertWritable, usedFeatures } from '../protocol/features.ts'
import { parseSchema } from '../protocol/parse-schema.ts'
import { raiseProtocol } from '../protocol/raise-protocol.ts'
import { scanSql } from '../read/scan.ts'
import { alterColumns, type ColumnChange } from './alter-columns.ts'
import { alterProperties, assertFeedColumns, type PropertyChange } from './alter-properties.ts'
import type { Reads } from './plan-rebase.ts'
import { rowIdColumns } from './row-ids.ts'
import { rowChecks } from './row-rules.ts'
import { commitTransaction } from './transaction.ts'
import { type WriteOutcome, type WriteWork, withCounts } from './write-rows.ts'

/** Change the columns of a table, without touching its files. Throws `ALTERATION_INVALID`, `COLUMN_NOT_FOUND`. */
export async function alterTableColumns(
  work: WriteWork,
  snapshot: Snapshot,
  change: ColumnChange,
): Promise<WriteOutcome> {
  const operation = { add: 'ADD COLUMNS', widen: 'CHANGE COLUMN', rename: 'RENAME COLUMN', drop: 'DROP COLUMNS' }[
    change.kind
  ]
  const metadata = alterColumns(work.clock, snapshot, change)
  assertFeedColumns({ schema: parseSchema(metadata.schemaString) }, metadata)
  return commitMetadata(work, snapshot, { metadata, operation })
}

/**
 * Set or take away properties; the protocol is raised to what they need. A new constraint is checked against all rows.
 * Throws `ALTERATION_INVALID`, `CONSTRAINT_VIOLATED`, `EXPRESSION_UNSUPPORTED`.
 */
export async function alterTableProperties(
  work: WriteWork,
  snapshot: Snapshot,
  change: PropertyChange,
): Promise<WriteOutcome> {
  const metadata = alterProperties(work.clock, snapshot, change)
  return commitMetadata(work, snapshot, { metadata, operation: 'SET TBLPROPERTIES' })
}

async function commitMetadata(
  work: WriteWork,
  snapshot: Snapshot,
  { metadata, operation }: { readonly metadata: Metadata; readonly operation: string },
): Promise<WriteOutcome> {
  const schema = parseSchema(metadata.schemaString)
  const protocol = raiseProtocol(snapshot.protocol, usedFeatures(metadata, schema))
  assertWritable(protocol, metadata)
  const isChecked = await checkRows(work, snapshot, { ...snapshot, protocol, metadata, schema })
  const backfill = rowIdBackfill(snapshot, { protocol, metadata })
  const reads: Reads = isChecked || backfill.length > 0 ? { kind: 'table' } : { kind: 'nothing' }
  const outcome = await commitTransaction(work.clock, {
    snapshot,
    actions: [...(protocol === snapshot.protocol ? [] : [{ protocol }]), { metaData: metadata }, ...backfill],
    info: { operation, operationParameters: { properties: JSON.stringify(metadata.configuration) } },
    reads,
  })
  return withCounts(outcome, { inserted: 0, updated: 0, deleted: 0 })
}

/** Checks rules that are new against the rows that are there; false when there was none. */
async function checkRows({ engine }: WriteWork, before: Snapshot, after: Snapshot): Promise<boolean> {
  const known = new Set(rowChecks(before).map(({ rule }) => rule))
  const fresh = rowChecks(after).filter(({ rule }) => !known.has(rule))
  if (fresh.length === 0) return false
  const rows = await scanSql(engine, before)
  for (const { rule, sql } of fresh) {
    const [row] = await engine.all(
      `SELECT CAST(t AS VARCHAR) AS row FROM (${rows}) t WHERE (${sql}) IS NOT TRUE LIMIT 1`,
    )
    if (row !== undefined) throw constraintViolated(rule, String(row['row']).slice(0, 500))
  }
  return true
}

// PROTOCOL.md, "Row Tracking": it may only be switched on when every live file has its first id, so those without get one now.
function rowIdBackfill(before: Snapshot, after: Pick<Snapshot, 'protocol' | 'metadata'>): readonly Action[] {
  if (rowIdColumns(after) === undefined || rowIdColumns(before) !== undefined) return []
  return before.files.flatMap((file) => (file.baseRowId === undefined ? [{ add: { ...file, dataChange: false } }] : []))
}
