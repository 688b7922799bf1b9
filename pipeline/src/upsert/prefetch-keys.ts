// While DuckDB reads a file of changes into the batch, one core has nothing to do. It finds the rows of the file's keys by the index then: by
// the time that the batch is staged and checked, what it asks is answered. An answer counts for the keys that it was made for, at the same
// snapshot, and no others: whatever comes in between costs the time that was won and nothing else.
import { setImmediate } from 'node:timers/promises'
import { TributaryError, type Vectors } from '@tributary/delta'
import { type KeyHashes, sliceHashes } from '../key-index/entry.ts'
import type { IndexedRow } from '../key-index/find-rows.ts'
import { HALVES, hashSql } from '../key-index/key-hash.ts'
import type { KeyIndex } from '../key-index/key-index.ts'
import { hashesOf } from '../key-index/write-entries.ts'
import { changeSumOf } from './batch-facts.ts'
import { effectTag } from './count-found.ts'
import { type IndexedTable, type IndexParts, readyIndex, subjectOf } from './ready-index.ts'
import type { PrefetchedKeys, PrefetchedRows } from './target.ts'

/** Keys are asked for in stretches of so many: half a millisecond each. */
export const KEYS_A_STRETCH = 128

/**
 * Reads the keys of `relation`, which has the key columns and `__op`, and begins to find their live rows, where an index is open. What goes
 * wrong is left to whoever asks: undefined then. The index must not be brought to another version before the rows have come.
 */
export async function prefetchKeys(
  { engine, clock, index }: IndexParts,
  { relation, isOver, ...table }: IndexedTable & { readonly relation: string; readonly isOver: () => boolean },
): Promise<PrefetchedKeys | undefined> {
  const salt = index.open?.manifest.salt
  const subject = subjectOf(table.snapshot, table.shape)
  if (salt === undefined || subject === undefined) return undefined
  const fork = await engine.fork()
  try {
    // Before all else: of a file in a bucket there is a copy, until it is staged.
    const keys = readKeys(await fork.vectors(keysSql(table, relation, hashSql(subject.key, salt, 'k'))))
    const ready = await readyIndex({ engine: fork, clock, index }, table)
    if (ready?.state.kind !== 'ready' || ready.state.index.salt !== salt) return undefined
    const rows = findRows(ready.state.index, keys.hashes, isOver).catch(unlessOurs)
    return { snapshot: table.snapshot, salt, ...keys, rows }
  } catch (error) {
    return unlessOurs(error)
  } finally {
    await fork.close()
  }
}

function keysSql({ shape }: IndexedTable, relation: string, hash: string): string {
  return `SELECT ${HALVES}, tag::UBIGINT, part::UBIGINT FROM (
    SELECT ${hash} AS h, ${effectTag(shape, { areAll: true })} AS tag, ${changeSumOf(shape).part} AS part
    FROM (SELECT *, "__op" = 'D' AS "__delete" FROM (${relation})) k) WHERE h IS NOT NULL ORDER BY h`
}

function unlessOurs(error: unknown): undefined {
  if (!(error instanceof TributaryError)) throw error
}

function readKeys(parts: readonly Vectors[]): Pick<PrefetchedKeys, 'hashes' | 'tags' | 'changeSum'> {
  const count = parts.reduce((sum, { rowCount }) => sum + rowCount, 0)
  const [words, tags] = [new Uint32Array(count * 4), new BigUint64Array(count)]
  let [from, changeSum] = [0, 0n]
  for (const part of parts) {
    words.set(hashesOf(part).words, from * 4)
    tags.set(part.numbers(2), from)
    for (const number of part.numbers(3)) changeSum ^= number
    from += part.rowCount
  }
  return { hashes: { words, count }, tags, changeSum }
}

async function findRows(
  index: KeyIndex,
  all: KeyHashes,
  isOver: () => boolean,
): Promise<readonly IndexedRow[] | undefined> {
  const rows: IndexedRow[] = []
  for (const { hashes, from } of sliceHashes(all, KEYS_A_STRETCH)) {
    if (isOver()) return undefined
    const found = await index.find(hashes)
    if (found === undefined) return undefined
    for (const { at, path, position, order } of found) rows.push({ at: from + at, path, position, order })
    // Reading the index occupies this thread: whoever waits for DuckDB has his turn in between.
    await setImmediate()
  }
  return rows
}

/**
 * Answers for some of those keys, ascending from call to call, as the index would; undefined when one of them is none of those.
 */
export function answersOf({ hashes, rows }: PrefetchedRows): (keys: KeyHashes) => readonly IndexedRow[] | undefined {
  const byKey = new Map(rows.map((row) => [row.at, row]))
  let next = 0
  return ({ words, count }) => {
    const found: IndexedRow[] = []
    for (let at = 0; at < count; at++) {
      while (next < hashes.count && compareHashes(hashes.words, next, words, at) < 0) next += 1
      if (next === hashes.count || compareHashes(hashes.words, next, words, at) !== 0) return undefined
      const row = byKey.get(next)
      if (row !== undefined) found.push({ ...row, at })
    }
    return found
  }
}

function compareHashes(one: Uint32Array, at: number, other: Uint32Array, otherAt: number): number {
  let order = 0
  for (let word = 0; order === 0 && word < 4; word++)
    order = (one[at * 4 + word] ?? 0) - (other[otherAt * 4 + word] ?? 0)
  return order
}
