// While DuckDB reads a file of changes into the batch, one core has nothing to do. It finds the rows of the file's keys by the index then: by
// the time that the batch is staged and checked, what it asks is answered. An answer counts for the keys that it was made for, at the same
// snapshot, and no others: whatever comes in between costs the time that was won and nothing else.
import { setImmediate } from 'node:timers/promises'
import { type Engine, TributaryError } from '@tributary/delta'
import { type KeyHashes, sliceHashes } from '../key-index/entry.ts'
import type { IndexedRow } from '../key-index/find-rows.ts'
import { HALVES, hashSql } from '../key-index/key-hash.ts'
import type { KeyIndex } from '../key-index/key-index.ts'
import { hashesOf } from '../key-index/write-entries.ts'
import { keySumOf } from './batch-facts.ts'
import { effectTag } from './count-found.ts'
import { type IndexedTable, type IndexParts, readyIndex } from './ready-index.ts'
import type { AnsweredKeys, PrefetchedKeys } from './target.ts'

/** Keys are asked for in stretches of so many: some milliseconds each. */
export const KEYS_A_STRETCH = 128

/**
 * Begins to find the live rows of the keys of `relation`, which has the key columns and `__op`, where an index is at hand. What goes wrong
 * is left to whoever asks: there is no answer then.
 */
export async function prefetchKeys(
  { engine, clock, index }: IndexParts,
  { relation, ...table }: IndexedTable & { readonly relation: string },
): Promise<PrefetchedKeys | undefined> {
  if (index.open === undefined) return undefined
  const fork = await engine.fork()
  let answer: Promise<AnsweredKeys | undefined> | undefined
  try {
    const ready = await readyIndex({ engine: fork, clock, index }, table)
    if (ready?.state.kind !== 'ready') return undefined
    const { salt, find } = ready.state.index
    const { shape } = table
    const sql = `SELECT ${HALVES}, tag::UBIGINT, part::UBIGINT FROM (
      SELECT ${hashSql(ready.subject.key, salt, 'k')} AS h, ${effectTag(shape, { areAll: true })} AS tag, ${keySumOf(shape).part} AS part
      FROM (SELECT *, "__op" = 'D' AS "__delete" FROM (${relation})) k) WHERE h IS NOT NULL ORDER BY h`
    answer = findAll(fork, find, sql).catch(unlessOurs).finally(fork.close)
    return { snapshot: table.snapshot, salt, answer }
  } catch (error) {
    return unlessOurs(error)
  } finally {
    if (answer === undefined) await fork.close()
  }
}

function unlessOurs(error: unknown): undefined {
  if (!(error instanceof TributaryError)) throw error
}

async function findAll(engine: Engine, find: KeyIndex['find'], sql: string): Promise<AnsweredKeys | undefined> {
  const parts = await engine.vectors(sql)
  const count = parts.reduce((sum, { rowCount }) => sum + rowCount, 0)
  const [words, tags] = [new Uint32Array(count * 4), new BigUint64Array(count)]
  const rows: IndexedRow[] = []
  let [before, keySum] = [0, 0n]
  for (const part of parts) {
    const keys = hashesOf(part)
    words.set(keys.words, before * 4)
    tags.set(part.numbers(2), before)
    for (const number of part.numbers(3)) keySum ^= number
    for (const { hashes, from } of sliceHashes(keys, KEYS_A_STRETCH)) {
      const found = await find(hashes)
      if (found === undefined) return undefined
      for (const row of found) rows.push({ ...row, at: before + from + row.at })
      // Reading the index occupies this thread: whoever waits for DuckDB has his turn in between.
      await setImmediate()
    }
    before += part.rowCount
  }
  return { hashes: { words, count }, tags, keySum, rows }
}

/**
 * Answers for some of those keys, ascending from call to call, as the index would; undefined when one of them is none of those.
 */
export function answersOf({ hashes, rows }: AnsweredKeys): (keys: KeyHashes) => readonly IndexedRow[] | undefined {
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
