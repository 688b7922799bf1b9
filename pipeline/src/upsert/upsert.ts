// fold -> guard -> locate -> write -> (the caller commits). Everything here reads the snapshot and writes new files
// that nothing refers to: until the returned actions are committed the table is untouched (law 5).
import assert from 'node:assert/strict'
import { type Action, type AddFile, quoteName } from '@tributary/delta'
import type { Horizon, Segment } from '../ledger/table-state.ts'
import { foldBatch, type TableShape, type Winners } from './batch.ts'
import { type BatchFacts, readBatchFacts } from './batch-facts.ts'
import { countFound, effectTag } from './count-found.ts'
import { type BatchOutcome, buriedSql, countOutcomes, decideWinners, refuseBeyondHorizon } from './decide.ts'
import { type EarlyWriter, earlyWriter } from './early-write.ts'
import { dropExpired } from './expire-tombstones.ts'
import { type Located, locateRows, rankedSql } from './locate.ts'
import { completeMovedRows, fillPartialRows } from './partial.ts'
import type { KeyQuestion, UpsertParts, UpsertTarget } from './target.ts'
import { appendTombstones, type Buried } from './tombstones.ts'
import { keyOrderSql, writeOutcome } from './write-outcome.ts'

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
  const facts = await readBatchFacts(engine, shape, {
    knownLength: target.sequenceLength,
    timestampColumn: target.timestampColumn,
  })
  const { isPartial, hasMoves } = facts
  if (isPartial) await completeMovedRows(parts, snapshot, shape)
  const winners = await foldBatch(engine, shape, facts)
  const early = earlyWriter(parts, target, { ...facts, winners })
  try {
    const { outcome, located } = await findOutcome(parts, target, { facts, winners, early })
    const foundMs = clock.now()
    parts.onOutcome?.(outcome)
    const writing = early.writing()
    const rows = writing?.added ?? appliedRowsSql(shape, facts)
    const written = await writeOutcome(parts, target, { rows, outcome, located })
    const buried = await (writing?.buried ?? bury(parts, target, outcome))
    assert.equal(buried.rows, outcome.buried, 'a delete that is counted must be in a segment')
    const age = target.tombstoneAge
    const kept = await dropExpired(parts, shape, { segments: buried.segments, horizon: target.horizon, age })
    return {
      ...written,
      outcome,
      files: located.files,
      took: { findMs: foundMs - startMs, writeMs: clock.now() - foundMs },
      ...kept,
      sequenceLength: facts.sequenceLength ?? target.sequenceLength,
      sourceAt: facts.sourceAt,
      isPartial,
      hasMoves,
    }
  } finally {
    await early.settle()
  }
}

/** Finds the rows that the winners replace and decides what the batch does (table `decided`). */
async function findOutcome(
  parts: UpsertParts,
  { guard, horizon, shape, snapshot, tombstones }: UpsertTarget,
  { facts, winners, early }: { readonly facts: BatchFacts; readonly winners: Winners; readonly early: EarlyWriter },
): Promise<{ readonly outcome: BatchOutcome; readonly located: Located }> {
  const { engine } = parts
  const { files, hasMoves, isPartial, keyBounds } = facts
  const located = await locateRows(parts, snapshot, shape, {
    guard,
    keysFrom: winners.relation,
    bounds: keyBounds,
    ...(early.begin === undefined
      ? {}
      : { byIndex: { meanwhile: early.begin, tag: effectTag(shape, winners), only: onlyFile(facts, winners) } }),
  })
  if (early.writing() !== undefined && located.indexed !== undefined)
    return { outcome: countFound(files, winners, located.indexed.found), located }
  // The index failed on the way. What was begun ends first: from here on results are streamed, and beside a stream an engine runs nothing.
  await early.settle()
  // Most batches of a table that only grows find nothing, and a statement costs more than what it says.
  const ranked = located.rows === 0 ? undefined : guard ? await rankedSql(engine) : 'SELECT * FROM located'
  await decideWinners(parts, shape, { winners, guard, isPartial, ranked, tombstones })
  if (guard && horizon !== undefined) await refuseBeyondHorizon(engine, shape, horizon)
  if (isPartial) await fillPartialRows(engine, snapshot, shape)
  return { outcome: await countOutcomes(engine, shape, { winners, hasMoves }), located }
}

/** The file that all keys are of, where there is one, and each of its rows has a key of its own. */
function onlyFile(
  { files, rows, changeSum }: BatchFacts,
  { areAll }: Winners,
): NonNullable<KeyQuestion['byIndex']>['only'] {
  const [file, ...others] = files
  return areAll && file !== undefined && others.length === 0 ? { file: file.number, rows, changeSum } : undefined
}

async function bury(
  parts: UpsertParts,
  { shape, tombstones }: UpsertTarget,
  { buried }: BatchOutcome,
): Promise<Buried> {
  if (buried === 0) return { segments: tombstones, rows: 0 }
  return appendTombstones(parts, tombstones, { relation: buriedSql(shape), key: shape.key })
}

/** SELECT of the rows that the batch leaves. */
function appliedRowsSql(shape: TableShape, { isPartial, rows }: BatchFacts): string {
  const columns = shape.schema.fields.map(({ name }) => {
    const column = quoteName(name)
    return isPartial ? `CASE WHEN f."__n" IS NULL THEN b.${column} ELSE f.${column} END AS ${column}` : `b.${column}`
  })
  return `SELECT ${columns.join(', ')}, b."__file", b."__row"
    FROM batch b JOIN decided d ON b."__n" = d."__n" AND d."__sub" = 1
    ${isPartial ? 'LEFT JOIN filled f ON f."__n" = d."__n"' : ''}
    WHERE d."__outcome" = 'applied' AND NOT d."__delete"${keyOrderSql(shape, rows, 'b')}`
}
