// fold -> guard -> locate -> write -> (the caller commits). Everything here reads the snapshot and writes new files
// that nothing refers to: until the returned actions are committed the table is untouched (law 5).
import assert from 'node:assert/strict'
import {
  type Action,
  type AddFile,
  batchRows,
  type Clock,
  deletionVectorActions,
  type Engine,
  type FileDeletions,
  parseStats,
  quoteName,
  removeOf,
  type Snapshot,
  type Store,
  scanSql,
  writeDataFiles,
} from '@tributary/delta'
import type { Segment } from '../ledger/table-state.ts'
import { foldBatch, nameList, type TableShape } from './batch.ts'
import { readBatchFacts } from './batch-facts.ts'
import { type BatchOutcome, buriedSql, countOutcomes, decideWinners } from './decide.ts'
import { locateRows, placeColumns, rankedSql } from './locate.ts'
import { completeMovedRows, fillPartialRows } from './partial.ts'
import { appendTombstones } from './tombstones.ts'

/** The things an upsert works with. */
export interface UpsertParts {
  readonly engine: Engine
  readonly store: Store
  readonly clock: Clock
}

/** The table as it is before the batch; `snapshot` is undefined when the batch creates it. */
export interface UpsertTarget {
  readonly snapshot: Snapshot | undefined
  readonly shape: TableShape
  readonly partitionColumns: readonly string[]
  readonly write: 'merge-on-read' | 'copy-on-write'
  readonly tombstones: readonly Segment[]
  readonly sequenceLength: number | undefined
  /** Column with the commit time at the source (`TimestampColumnName`). */
  readonly timestampColumn: string | undefined
  /** Compare each change with what the stored row last took: always with a sequence, else for late rows only. */
  readonly guard: boolean
}

/** A batch, worked out and written, but not committed. */
export interface PreparedUpsert {
  readonly actions: readonly Action[]
  readonly added: readonly AddFile[]
  readonly outcome: BatchOutcome
  readonly tombstones: readonly Segment[]
  readonly sequenceLength: number | undefined
  readonly sourceAt: string | undefined
}

/** Applies the staged batch (table `batch`) to a snapshot. */
export async function prepareUpsert(parts: UpsertParts, target: UpsertTarget): Promise<PreparedUpsert> {
  const { engine } = parts
  const { shape, snapshot } = target
  const { isPartial, hasMoves, keyBounds, sequenceLength, sourceAt } = await readBatchFacts(engine, shape, {
    knownLength: target.sequenceLength,
    timestampColumn: target.timestampColumn,
  })
  if (isPartial) await completeMovedRows(engine, snapshot, shape)
  await foldBatch(engine, shape, { isPartial, hasMoves })
  await locateRows(engine, snapshot, shape, { guard: target.guard, keysFrom: 'winners', bounds: keyBounds })
  const ranked = target.guard ? await rankedSql(engine) : 'SELECT * FROM located'
  await decideWinners(parts, shape, { guard: target.guard, isPartial, ranked, tombstones: target.tombstones })
  if (isPartial) await fillPartialRows(engine, snapshot, shape)
  const outcome = await countOutcomes(engine, shape)
  const rows = appliedRowsSql(shape, { isPartial })
  const written =
    target.write === 'merge-on-read' || snapshot === undefined
      ? await writeBeside(parts, target, { rows, outcome })
      : await rewriteTouched(parts, target, snapshot, { rows, outcome })
  const tombstones =
    outcome.buried === 0
      ? target.tombstones
      : await appendTombstones(parts, target.tombstones, {
          relation: buriedSql(shape),
          rows: outcome.buried,
          key: shape.key,
        })
  return { ...written, outcome, tombstones, sequenceLength: sequenceLength ?? target.sequenceLength, sourceAt }
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
    WHERE d.outcome = 'applied' AND NOT d."__delete" ORDER BY ${nameList(shape.key, 'b')}`
}

/** Merge-on-read: one new file, and deletion vectors for the rows that left. */
async function writeBeside(
  parts: UpsertParts,
  target: UpsertTarget,
  { rows, outcome }: { readonly rows: string; readonly outcome: BatchOutcome },
): Promise<{ readonly actions: readonly Action[]; readonly added: readonly AddFile[] }> {
  const deletions = await findDoomed(parts.engine, target, outcome)
  // The vectors are written while DuckDB writes the rows. Both must have ended before an error rises: the caller then
  // discards what they wrote.
  const [vectors, files] = await Promise.allSettled([
    deletionVectorActions(parts.store, parts.clock, deletions),
    writeRows(parts, target, rows),
  ])
  if (vectors.status === 'rejected') throw vectors.reason
  if (files.status === 'rejected') throw files.reason
  const added = files.value
  assertAllWritten(added, outcome)
  return { actions: [...added.map((add) => ({ add })), ...vectors.value], added }
}

/** The stored rows that leave, by file. */
async function findDoomed(
  engine: Engine,
  { snapshot, shape }: UpsertTarget,
  { updated, deleted }: BatchOutcome,
): Promise<readonly FileDeletions[]> {
  if (snapshot === undefined || updated + deleted === 0) return []
  const dead = new Map<string, number[]>()
  const doomed = engine.stream(
    `SELECT "__path" AS path, "__position" AS position FROM (${doomedSql(shape)}) ORDER BY 1, 2`,
  )
  for await (const batch of doomed) {
    for (const row of batchRows(batch)) {
      const path = String(row['path'])
      const positions = dead.get(path) ?? []
      positions.push(Number(row['position']))
      dead.set(path, positions)
    }
  }
  return snapshot.files.flatMap((file) => {
    const positions = dead.get(file.path)
    return positions === undefined ? [] : [{ file, positions }]
  })
}

/** Copy-on-write: the files that hold rows that left are written again without them. */
async function rewriteTouched(
  parts: UpsertParts,
  target: UpsertTarget,
  snapshot: Snapshot,
  { rows, outcome }: { readonly rows: string; readonly outcome: BatchOutcome },
): Promise<{ readonly actions: readonly Action[]; readonly added: readonly AddFile[] }> {
  const doomed = doomedSql(target.shape)
  const paths = new Set(
    (await parts.engine.all(`SELECT DISTINCT "__path" AS path FROM (${doomed})`)).map((row) => row['path']),
  )
  const touched = snapshot.files.filter((file) => paths.has(file.path))
  const columns = nameList(target.shape.schema.fields.map((field) => field.name))
  const added = [...(await writeRows(parts, target, rows))]
  assertAllWritten(added, outcome)
  if (touched.length > 0) {
    const scan = await scanSql(
      parts.engine,
      { ...snapshot, schema: target.shape.schema },
      { files: touched, withPlace: true, extraColumns: placeColumns },
    )
    const kept = `SELECT ${columns}, "__file", "__row" FROM (${scan}) s ANTI JOIN (${doomed}) USING ("__path", "__position")`
    added.push(...(await writeRows(parts, target, kept)))
  }
  const removed = touched.map((file) => ({ remove: removeOf(file, parts.clock.now()) }))
  return { actions: [...added.map((add) => ({ add })), ...removed], added }
}

/** What was decided and what was written are two queries: they must agree, or rows would be lost in silence. */
function assertAllWritten(added: readonly AddFile[], { inserted, updated }: BatchOutcome): void {
  const written = added.reduce((sum, { stats }) => sum + (parseStats(stats)?.numRecords ?? 0), 0)
  assert.equal(written, inserted + updated, 'a row that is counted as applied must be in a new file')
}

/** The stored rows that leave the table. */
function doomedSql(shape: TableShape): string {
  return `SELECT l."__path", l."__position" FROM located l
    SEMI JOIN (SELECT * FROM decided WHERE outcome = 'applied') d USING (${nameList(shape.key)})`
}

function writeRows(
  { engine, store, clock }: UpsertParts,
  target: UpsertTarget,
  relation: string,
): Promise<readonly AddFile[]> {
  return writeDataFiles(engine, store, clock, {
    relation,
    schema: target.shape.schema,
    partitionColumns: target.partitionColumns,
    extraColumns: placeColumns,
  })
}
