// Without the guard the order of files alone decides: each key's newest change is applied whatever the table holds. What a batch adds
// is then known before its rows are found, and DuckDB writes it while the key index is read, which DuckDB has no part in.
import { type AddFile, quoteName } from '@tributary/delta'
import { nameList, type TableShape, type Winners } from './batch.ts'
import { orderColumns } from './order.ts'
import type { UpsertParts, UpsertTarget } from './target.ts'
import { appendTombstones, type Buried } from './tombstones.ts'
import { VECTOR_FILES_MAX, writeRows } from './write-outcome.ts'

/** What was written before the outcome is known; it must agree with it. */
export interface EarlyWrite {
  readonly added: readonly AddFile[]
  readonly buried: Buried
}

/** Writes early when it is let to. */
export interface EarlyWriter {
  /** Begins; undefined where what the batch writes depends on what is found. */
  readonly begin: (() => void) | undefined
  readonly hasBegun: () => boolean
  /** What was written, once it is; undefined when it was never begun. */
  readonly finish: () => Promise<EarlyWrite | undefined>
  /** Settles when nothing is being written any more, whatever came of it. */
  readonly settle: () => Promise<void>
}

interface EarlyBatch {
  readonly winners: Winners
  readonly isPartial: boolean
  readonly hasMoves: boolean
  readonly hasDeletes: boolean
}

/** The early writer of a batch. */
export function earlyWriter(parts: UpsertParts, target: UpsertTarget, batch: EarlyBatch): EarlyWriter {
  let writing: Promise<EarlyWrite> | undefined
  const settle = async (): Promise<void> => {
    await writing?.catch(() => undefined)
  }
  const begin = (): void => {
    writing = write(parts, target, batch)
    // Whoever fails first is heard; this one may still be at work then.
    void settle()
  }
  return {
    begin: canWriteEarly(target, batch) ? begin : undefined,
    hasBegun: () => writing !== undefined,
    finish: async () => writing,
    settle,
  }
}

function canWriteEarly(
  { snapshot, guard, write: way, vectorFilesMax = VECTOR_FILES_MAX }: UpsertTarget,
  { isPartial, hasMoves }: EarlyBatch,
): boolean {
  if (guard || isPartial || hasMoves || way !== 'merge-on-read' || snapshot === undefined) return false
  // Where small files may have to be written anew, the batch's rows go into the same file.
  return snapshot.files.length <= vectorFilesMax
}

async function write(
  parts: UpsertParts,
  target: UpsertTarget,
  { winners, hasDeletes }: EarlyBatch,
): Promise<EarlyWrite> {
  const { shape, tombstones } = target
  const dead = `SELECT ${nameList([...shape.key, ...orderColumns])} FROM ${winners.relation} w WHERE "__delete"`
  // Both must have ended before an error rises: the caller then discards what they wrote.
  const [rows, burial] = await Promise.allSettled([
    writeRows(parts, target, [leftRowsSql(shape, winners)]),
    hasDeletes
      ? appendTombstones(parts, tombstones, { relation: dead, key: shape.key })
      : { segments: tombstones, rows: 0 },
  ])
  if (rows.status === 'rejected') throw rows.reason
  if (burial.status === 'rejected') throw burial.reason
  return { added: rows.value, buried: burial.value }
}

/** SELECT of the rows that the winners leave, sorted by key so that statistics stay narrow. */
function leftRowsSql(shape: TableShape, { relation, areAll }: Winners): string {
  const columns = shape.schema.fields.map(({ name }) => `b.${quoteName(name)}`)
  const from = areAll
    ? `batch b WHERE b."__op" <> 'D'`
    : `batch b JOIN ${relation} w ON b."__n" = w."__n" AND w."__sub" = 1 WHERE NOT w."__delete"`
  return `SELECT ${columns.join(', ')}, b."__file", b."__row" FROM ${from} ORDER BY ${nameList(shape.key, 'b')}`
}
