import type { Engine } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answersOf } from '../../src/upsert/prefetch-keys.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { deliver, expectDone, type IndexPair, openLoadedPair, rows } from '../support/index-pair.ts'

let pair: IndexPair
beforeEach(async () => {
  pair = await openLoadedPair()
})
afterEach(() => pair.place.close())

test('a batch of one file has its keys looked up while it is staged, and asks nothing more', async () => {
  const asked = await deliverWatched('20260101-000000002.csv', [...rows('U', 100, 1400), ...rows('D', 1500, 1600)])
  expect(asked).toEqual({ ahead: 1, byBatch: 0 })
})

test('of a file in which keys come again, the batch asks for those that are left, and knows their rows already', async () => {
  const twice = [...rows('U', 100, 1400), ...rows('U', 1000, 1100), ...rows('D', 1500, 1600), ...rows('I', 1550, 1560)]
  expect(await deliverWatched('20260101-000000002.csv', twice)).toEqual({ ahead: 1, byBatch: 1 })
})

test('what was found of other keys than the batch turns out to have is not taken', async () => {
  await deliver(pair, '20260101-000000002.csv', rows('U', 1, 500))
  const asked = await deliverWatched('20260101-000000003.csv', rows('U', 1001, 1500), (sql) =>
    sql.replaceAll('20260101-000000003.csv', '20260101-000000002.csv'),
  )
  expect(asked).toEqual({ ahead: 1, byBatch: 1 })
})

test('nor what was found of the same keys with other operations', async () => {
  const asked = await deliverWatched(
    '20260101-000000002.csv',
    // As many as let a sum of hashes of each column come out the same.
    [...rows('U', 1, 500), ...rows('D', 501, 520)],
    (sql) => {
      const other = sql.replace(`(SELECT *, "__op" = 'D'`, `(SELECT * REPLACE ('U' AS "__op"), false`)
      expect(other).not.toBe(sql)
      return other
    },
  )
  expect(asked).toEqual({ ahead: 1, byBatch: 1 })
})

test('where statistics told all of the batch before, as with keys that grow, nothing is looked up', async () => {
  expect(await deliverWatched('20260101-000000002.csv', rows('I', 4001, 4100))).toEqual({ ahead: 1, byBatch: 0 })
  expect(await deliverWatched('20260101-000000003.csv', rows('I', 4101, 4200))).toEqual({ ahead: 0, byBatch: 0 })
  // The first that comes back to old rows asks by itself, and those after it are looked up again.
  expect(await deliverWatched('20260101-000000004.csv', rows('U', 1, 100))).toEqual({ ahead: 0, byBatch: 1 })
  expect(await deliverWatched('20260101-000000005.csv', rows('U', 50, 150))).toEqual({ ahead: 1, byBatch: 0 })
})

test('a row that goes to quarantine is no change of the batch, whatever its key', async () => {
  const asked = await deliverWatched('20260101-000000002.csv', [
    ...rows('U', 1, 500),
    'X,501,n',
    ...rows('D', 502, 503),
  ])
  expect(asked.byBatch).toBe(1)
})

test('that nothing can be found ahead costs nothing but time', async () => {
  const asked = await deliverWatched('20260101-000000002.csv', rows('U', 100, 1400), () => 'SELECT nothing')
  expect(asked).toEqual({ ahead: 1, byBatch: 1 })
})

// A batch works on a fork of the worker's engine, and looks ahead on a fork of that.
const BATCH_DEPTH = 1

/** Delivers a file to both tables and compares them; tells how often keys were read for the index, with what `lookUp` makes of the statement. */
async function deliverWatched(
  name: string,
  changes: Parameters<typeof deliver>[2],
  lookUp: (sql: string) => string = (sql) => sql,
): Promise<{ readonly ahead: number; readonly byBatch: number }> {
  for (const session of pair.sessions.values()) await session.index?.building
  const asked = { ahead: 0, byBatch: 0 }
  const watch = (engine: Engine, depth: number): Engine => ({
    ...engine,
    vectors: (sql) => {
      const isAhead = depth === BATCH_DEPTH + 1
      asked[isAhead ? 'ahead' : 'byBatch'] += 1
      return engine.vectors(isAhead ? lookUp(sql) : sql)
    },
    fork: async () => watch(await engine.fork(), depth + 1),
  })
  await deliver(pair, name, changes, async () => {
    expectDone(await ingest(pair.indexed, watch(pair.place.engine, 0), { sessions: pair.sessions }))
  })
  return asked
}

test('answers are found by key, whatever the order of the rows, and none is given for a key that was not looked up', () => {
  const hashes = { words: Uint32Array.from([1, 2, 2, 4, 9].flatMap((word) => [0, 0, 7, word])), count: 5 }
  const row = (at: number): { at: number; path: string; position: number; order: undefined } => ({
    at,
    path: 'a',
    position: 100 + at,
    order: undefined,
  })
  const keysOf = (...words: readonly number[]): { words: Uint32Array; count: number } => ({
    words: Uint32Array.from(words.flatMap((word) => [0, 0, 7, word])),
    count: words.length,
  })
  const known = { hashes, tags: new BigUint64Array(5), keySum: 0n, rows: [row(4), row(1), row(2), row(0)] }
  const answer = answersOf(known)
  expect(answer(keysOf(1, 2))?.map(({ at, position }) => [at, position])).toEqual([
    [0, 100],
    [1, 101],
  ])
  expect(answer(keysOf(4, 9))?.map(({ at, position }) => [at, position])).toEqual([[1, 104]])
  expect(answersOf(known)(keysOf(1, 3))).toBeUndefined()
  expect(answersOf(known)(keysOf(10))).toBeUndefined()
})
