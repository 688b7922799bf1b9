// Without the guard what a winner does follows from two facts: whether it deletes, and whether the table holds its key. Where the key index
// told the second, nothing has to be joined to count.
import assert from 'node:assert/strict'
import { ROW_BITS, sameKey, type TableShape, type Winners } from './batch.ts'
import type { BatchFile } from './batch-facts.ts'
import type { BatchOutcome, FileOutcome } from './decide.ts'
import type { FoundKeys } from './target.ts'

const [DELETE, PUT, UPDATE] = [0n, 1n, 2n]

/** SQL on a winner `k`: whether it deletes, puts a row, or updates one that no row of the batch inserts. */
export function effectTag(shape: TableShape, { areAll }: Pick<Winners, 'areAll'>): string {
  const inserted = `SELECT 1 FROM batch i WHERE i."__op" = 'I' AND ${sameKey(shape.key, 'i', 'k')}`
  const isLone = areAll ? '' : ` AND NOT EXISTS (${inserted})`
  return `CASE WHEN k."__delete" THEN ${DELETE} WHEN k."__op" = 'U'${isLone} THEN ${UPDATE} ELSE ${PUT} END`
}

/** Adds up what the winners do, file by file; `found` has all of them with their `effectTag`. */
export function countFound(batch: readonly BatchFile[], winners: Winners, found: readonly FoundKeys[]): BatchOutcome {
  const files = new Map(batch.map(({ number, ...file }) => [number, { ...file, applied: 0, noop: 0 }]))
  const total = { inserted: 0, updated: 0, deleted: 0, updatesOfAbsent: 0, buried: 0 }
  let counted = 0
  for (const { rows, tags, isFound } of found)
    for (const [at, row] of rows.entries()) {
      const file = files.get(Number(row >> BigInt(ROW_BITS)))
      assert(file !== undefined, 'a winner is a row of a file of the batch')
      const [tag, isLive] = [tags[at], isFound[at] === 1]
      file[tag === DELETE && !isLive ? 'noop' : 'applied'] += 1
      if (tag === DELETE) total.buried += 1
      if (tag === DELETE) total.deleted += isLive ? 1 : 0
      else total[isLive ? 'updated' : 'inserted'] += 1
      if (tag === UPDATE && !isLive) total.updatesOfAbsent += 1
      counted += 1
    }
  // What is no winner counts as superseded, so none may be missing here.
  assert.equal(counted, winners.rows, 'every winner was asked for')
  return { ...total, files: [...files.values()].map(outcomeOf) }
}

/** What is no winner gave way to a later change of its key. */
function outcomeOf({
  key,
  rows,
  applied,
  noop,
}: Omit<BatchFile, 'number'> & Omit<FileOutcome, 'superseded'>): FileOutcome {
  return { key, applied, noop, superseded: rows - applied - noop }
}
