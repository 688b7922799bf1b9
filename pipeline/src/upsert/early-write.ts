// Without the guard the order of files alone decides: each key's newest change is applied whatever the table holds. What a batch adds
// is then known before its rows are found, and DuckDB writes it while the key index is read, which DuckDB has no part in.
import { type AddFile, quoteName } from '@tributary/delta'
import { nameList, type TableShape, type Winners } from './batch.ts'
import type { BatchFacts } from './batch-facts.ts'
import { orderColumns } from './order.ts'
import type { UpsertParts, UpsertTarget } from './target.ts'
import { appendTombstones, type Buried } from './tombstones.ts'
import { keyOrderSql, VECTOR_FILES_MAX, writeRows } from './write-outcome.ts'

/** Writes early when it is let to. What it wrote must agree with the outcome. */
export interface EarlyWriter {
  /** Begins, with the first call; undefined where what the batch writes depends on what is found. */
  readonly begin: (() => void) | undefined
  /** What is being written; undefined before `begin`. */
  readonly writing: () => EarlyWrite | undefined
  /** Settles when nothing is being written any more, whatever came of it. */
  readonly settle: () => Promise<void>
}

/** Files that are being written. */
export interface EarlyWrite {
  readonly added: Promise<readonly AddFile[]>
  readonly buried: Promise<Buried>
}

interface EarlyBatch extends Pick<BatchFacts, 'rows' | 'isPartial' | 'hasMoves' | 'hasDeletes' | 'hasNoNan'> {
  readonly winners: Winners
}

/** The early writer of a batch. */
export function earlyWriter(parts: UpsertParts, target: UpsertTarget, batch: EarlyBatch): EarlyWriter {
  let writing: EarlyWrite | undefined
  const settle = async (): Promise<void> => {
    await Promise.allSettled([writing?.added, writing?.buried])
  }
  const begin = (): void => {
    writing ??= write(parts, target, batch)
    // Whoever fails first is heard; these may still be at work then.
    void settle()
  }
  return { begin: canWriteEarly(target, batch) ? begin : undefined, writing: () => writing, settle }
}

function canWriteEarly(
  { snapshot, guard, write: way, vectorFilesMax = VECTOR_FILES_MAX }: UpsertTarget,
  { isPartial, hasMoves }: EarlyBatch,
): boolean {
  if (guard || isPartial || hasMoves || way !== 'merge-on-read' || snapshot === undefined) return false
  // Where small files may have to be written anew, the batch's rows go into the same file.
  return snapshot.files.length <= vectorFilesMax
}

function write(parts: UpsertParts, target: UpsertTarget, batch: EarlyBatch): EarlyWrite {
  const { winners, hasDeletes } = batch
  const { shape, tombstones } = target
  const dead = `SELECT ${nameList([...shape.key, ...orderColumns])} FROM ${winners.relation} w WHERE "__delete"`
  return {
    added: writeRows(parts, target, [leftRowsSql(shape, batch)], batch),
    buried: hasDeletes
      ? appendTombstones(parts, tombstones, { relation: dead, key: shape.key })
      : Promise.resolve({ segments: tombstones, rows: 0 }),
  }
}

/** SELECT of the rows that the winners leave. */
function leftRowsSql(shape: TableShape, { winners: { relation, areAll }, rows }: EarlyBatch): string {
  const columns = shape.schema.fields.map(({ name }) => `b.${quoteName(name)}`)
  const from = areAll
    ? `batch b WHERE b."__op" <> 'D'`
    : `batch b JOIN ${relation} w ON b."__n" = w."__n" AND w."__sub" = 1 WHERE NOT w."__delete"`
  return `SELECT ${columns.join(', ')}, b."__file", b."__row" FROM ${from}${keyOrderSql(shape, rows, 'b')}`
}
