import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { readDeletionVector } from '../../src/deletion-vectors/read.ts'
import { vectorBytesSpent } from '../../src/deletion-vectors/spent-bytes.ts'
import type { Action, AddFile } from '../../src/protocol/actions.ts'
import { parseStats } from '../../src/protocol/stats.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { deletionVectorActions } from '../../src/write/deletion-vector-actions.ts'

const CLOCK: Clock = { ...systemClock, now: () => 1_000 }
const FILE: AddFile = {
  path: 'a',
  partitionValues: { p: 'x' },
  size: 9,
  modificationTime: 1,
  dataChange: true,
  stats: '{"numRecords":10,"minValues":{"id":1},"maxValues":{"id":9223372036854775807},"nullCount":{"id":0}}',
}

test('rows of a file are marked: it is removed and added again with a vector and loose bounds', async () => {
  const store = memoryStore()
  const actions = await deletionVectorActions(store, CLOCK, [{ file: FILE, positions: [7, 3] }])
  expect(actions[0]).toEqual({
    remove: {
      path: 'a',
      dataChange: true,
      deletionTimestamp: 1_000,
      extendedFileMetadata: true,
      partitionValues: { p: 'x' },
      size: 9,
    },
  })
  const added = addOf(actions[1])
  expect(added.stats).toBe(
    '{"numRecords":10,"tightBounds":false,"minValues":{"id":1},"maxValues":{"id":9223372036854775807},"nullCount":{"id":0}}',
  )
  expect(await positionsOf(store, added)).toEqual([3, 7])
})

test('a second deletion unites the vectors, and the remove carries the old one', async () => {
  const store = memoryStore()
  const first = addOf((await deletionVectorActions(store, CLOCK, [{ file: FILE, positions: [3] }]))[1])
  const [remove, add] = await deletionVectorActions(store, CLOCK, [{ file: first, positions: [5, 3] }])
  expect(remove).toMatchObject({ remove: { deletionVector: first.deletionVector } })
  expect(await positionsOf(store, addOf(add))).toEqual([3, 5])
  expect(parseStats(addOf(add).stats)?.numRecords).toBe(10)
})

test.each([
  ['of a small file', 60],
  ['of a file with more rows than 32 bits count', 2 ** 32 + 30],
])('vector after vector holds the rows that are gone, %s', async (_, rows) => {
  const store = memoryStore()
  const gone = new Set<number>()
  let file: AddFile = { ...FILE, stats: JSON.stringify({ numRecords: rows }) }
  // The same each time; near the end, where the numbers grow beyond 32 bits.
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let turn = 0; turn < 40; turn++) {
    const positions = Array.from({ length: next(4) }, () => rows - 2 - next(58))
    const actions = await deletionVectorActions(store, CLOCK, [{ file, positions }])
    const isNews = positions.some((position) => !gone.has(position))
    for (const position of positions) gone.add(position)
    expect(actions.length).toBe(isNews ? 2 : 0)
    if (isNews) file = addOf(actions[1])
    expect(file.deletionVector === undefined ? [] : await positionsOf(store, file)).toEqual(
      [...gone].sort((left, right) => left - right),
    )
  }
})

test('what the vectors of a file have come to is added up in its tags, beside those of others', async () => {
  const store = memoryStore()
  const tagged = { ...FILE, tags: { INSERTION_TIME: '7' } }
  expect(vectorBytesSpent(tagged)).toBe(0)
  const first = addOf((await deletionVectorActions(store, CLOCK, [{ file: tagged, positions: [3] }]))[1])
  const second = addOf((await deletionVectorActions(store, CLOCK, [{ file: first, positions: [5] }]))[1])
  const sizes = [first, second].map(({ deletionVector }) => deletionVector?.sizeInBytes ?? 0)
  expect(vectorBytesSpent(first)).toBe(sizes[0])
  expect(vectorBytesSpent(second)).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0))
  expect(second.tags?.['INSERTION_TIME']).toBe('7')
  expect(vectorBytesSpent({ tags: { 'tributary.vectorBytes': 'many' } })).toBe(0)
})

test('a file whose rows are all gone is removed', async () => {
  const store = memoryStore()
  const half = addOf((await deletionVectorActions(store, CLOCK, [{ file: FILE, positions: [0, 1, 2, 3, 4] }]))[1])
  const actions = await deletionVectorActions(store, CLOCK, [{ file: half, positions: [5, 6, 7, 8, 9] }])
  expect(actions).toEqual([{ remove: expect.objectContaining({ path: 'a', deletionVector: half.deletionVector }) }])
})

test('rows that are gone already change nothing', async () => {
  const store = memoryStore()
  const first = addOf((await deletionVectorActions(store, CLOCK, [{ file: FILE, positions: [3] }]))[1])
  expect(
    await deletionVectorActions(store, CLOCK, [
      { file: first, positions: [3] },
      { file: FILE, positions: [] },
    ]),
  ).toEqual([])
})

test('many files share one vector file', async () => {
  const store = memoryStore()
  const files = Array.from({ length: 40 }, (_, i) => ({ ...FILE, path: `f${i}` }))
  const actions = await deletionVectorActions(
    store,
    CLOCK,
    files.map((file, i) => ({ file, positions: [i % 10] })),
  )
  const names = []
  for await (const entry of store.list('')) names.push(entry.path)
  expect(names).toHaveLength(1)
  expect(actions).toHaveLength(80)
  expect(await positionsOf(store, addOf(actions[79]))).toEqual([9])
})

test('rows that the file does not have are refused', async () => {
  await expect(deletionVectorActions(memoryStore(), CLOCK, [{ file: FILE, positions: [10] }])).rejects.toThrow(
    'Row 10 of a cannot be marked as deleted: the file has 10 rows, counted from 0. Locate the rows again in the current snapshot.',
  )
})

test('a file without a row count is refused', async () => {
  const { stats: _, ...file } = FILE
  await expect(deletionVectorActions(memoryStore(), CLOCK, [{ file, positions: [1] }])).rejects.toThrow(
    'Rows of a cannot be marked as deleted: its statistics have no numRecords. Rewrite the file with statistics (OPTIMIZE) first.',
  )
})

function addOf(action: Action | undefined): AddFile {
  if (action === undefined || !('add' in action)) throw new Error('an add was expected')
  return action.add
}

async function positionsOf(store: Store, file: AddFile): Promise<readonly number[]> {
  if (file.deletionVector === undefined) throw new Error('a deletion vector was expected')
  return [...(await readDeletionVector(store, file.deletionVector))]
}
