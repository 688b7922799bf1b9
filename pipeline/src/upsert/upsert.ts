// fold -> guard -> locate -> write -> (the caller commits). Everything here reads the snapshot and writes new files
// that nothing refers to: until the returned actions are committed the table is untouched (law 5).
import { type Action, type AddFile, quoteName } from '@tributary/delta'
import type { Horizon, Segment } from '../ledger/table-state.ts'
import { foldBatch, nameList, type TableShape } from './batch.ts'
import { readBatchFacts } from './batch-facts.ts'
import { type BatchOutcome, buriedSql, countOutcomes, decideWinners, refuseBeyondHorizon } from './decide.ts'
import { dropExpired } from './expire-tombstones.ts'
import { type Located, locateRows, rankedSql } from './locate.ts'
import { completeMovedRows, fillPartialRows } from './partial.ts'
import type { UpsertParts, UpsertTarget } from './target.ts'
import { appendTombstones } from './tombstones.ts'
import { writeOutcome } from './write-outcome.ts'

/** A batch, worked out and written, but not committed. */
export interface PreparedUpsert {
  readonly actions: readonly Action[]
  readonly added: readonly AddFile[]
  readonly outcome: BatchOutcome
  readonly files: Located['files']
  /** Milliseconds: to find the rows and decide, and to write. */
  readonly took: { readonly findMs: number; readonly writeMs: number }
  readonly tombstones: readonly Segment[]
  readonly horizon: Horizon | undefined
  readonly sequenceLength: number | undefined
  readonly sourceAt: string | undefined
  /** Of the staged changes: whether some lack columns, and whether some move their row to another key. */
  readonly isPartial: boolean
  readonly hasMoves: boolean
}

/** Applies the staged batch (table `batch`) to a snapshot. */
export async function prepareUpsert(parts: UpsertParts, target: UpsertTarget): Promise<PreparedUpsert> {
  const { engine, clock } = parts
  const { shape, snapshot } = target
  const startMs = clock.now()
  const { isPartial, hasMoves, hasUniqueKeys, keyBounds, sequenceLength, sourceAt } = await readBatchFacts(
    engine,
    shape,
    {
      knownLength: target.sequenceLength,
      timestampColumn: target.timestampColumn,
    },
  )
  if (isPartial) await completeMovedRows(parts, snapshot, shape)
  const winners = await foldBatch(engine, shape, { isPartial, hasMoves, hasUniqueKeys })
  const located = await locateRows(parts, snapshot, shape, {
    guard: target.guard,
    keysFrom: 'winners',
    bounds: keyBounds,
  })
  // Most batches of a table that only grows find nothing, and a statement costs more than what it says.
  const ranked = located.rows === 0 ? undefined : target.guard ? await rankedSql(engine) : 'SELECT * FROM located'
  await decideWinners(parts, shape, { winners, guard: target.guard, isPartial, ranked, tombstones: target.tombstones })
  if (target.guard && target.horizon !== undefined) await refuseBeyondHorizon(engine, shape, target.horizon)
  if (isPartial) await fillPartialRows(engine, snapshot, shape)
  const outcome = await countOutcomes(engine, shape, { hasMoves })
  const foundMs = clock.now()
  const rows = appliedRowsSql(shape, { isPartial })
  const written = await writeOutcome(parts, target, { rows, outcome })
  const buried =
    outcome.buried === 0
      ? target.tombstones
      : await appendTombstones(parts, target.tombstones, {
          relation: buriedSql(shape),
          rows: outcome.buried,
          key: shape.key,
        })
  const kept = await dropExpired(parts, shape, { segments: buried, horizon: target.horizon, age: target.tombstoneAge })
  return {
    ...written,
    outcome,
    files: located.files,
    took: { findMs: foundMs - startMs, writeMs: clock.now() - foundMs },
    ...kept,
    sequenceLength: sequenceLength ?? target.sequenceLength,
    sourceAt,
    isPartial,
    hasMoves,
  }
}

/** SELECT of the rows that the batch leaves, sorted by key so that statistics stay narrow. */
function appliedRowsSql(shape: TableShape, options: { readonly isPartial: boolean }): string {
  const columns = shape.schema.fields.map(({ name }) => {
    const column = quoteName(name)
    return options.isPartial
      ? `CASE WHEN f."__n" IS NULL THEN b.${column} ELSE f.${column} END AS ${column}`
      : `b.${column}`
  })
  return `SELECT ${columns.join(', ')}, b."__file", b."__row"
    FROM batch b JOIN decided d ON b."__n" = d."__n" AND d."__sub" = 1
    ${options.isPartial ? 'LEFT JOIN filled f ON f."__n" = d."__n"' : ''}
    WHERE d."__outcome" = 'applied' AND NOT d."__delete" ORDER BY ${nameList(shape.key, 'b')}`
}
