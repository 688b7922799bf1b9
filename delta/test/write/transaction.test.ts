import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { readDeletionVector } from '../../src/deletion-vectors/read.ts'
import { readSnapshot, type Snapshot } from '../../src/log/snapshot.ts'
import type { Action, AddFile } from '../../src/protocol/actions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { deletionVectorActions, removeOf } from '../../src/write/deletion-vector-actions.ts'
import type { RowMoves } from '../../src/write/rebase.ts'
import { commitTransaction, type Transaction, type TransactionOutcome } from '../../src/write/transaction.ts'
import { add, metadata, writeCommits } from '../log/log-builder.ts'

const ROWS = 10
const COUNTED = { stats: `{"numRecords":${ROWS}}` }
const FEATURES: Action = {
  protocol: {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors'],
    writerFeatures: ['deletionVectors'],
  },
}

async function tableOf(...paths: string[]): Promise<Snapshot> {
  const store = memoryStore()
  const table = metadata({ 'delta.enableDeletionVectors': 'true' })
  await writeCommits(store, [[FEATURES, table, ...paths.map((path) => add(path, COUNTED))]])
  return readSnapshot(store)
}

function fileOf(snapshot: Snapshot, path: string): AddFile {
  const file = snapshot.files.find((candidate) => candidate.path === path)
  if (file === undefined) throw new Error(`there is no ${path}`)
  return file
}

/** Marks rows of a file and adds another one, as an upsert does. */
async function upsert(
  snapshot: Snapshot,
  rows: Readonly<Record<string, readonly number[]>>,
  more: { readonly file?: string; readonly moves?: RowMoves } = {},
): Promise<Transaction> {
  const deletions = Object.entries(rows).map(([path, positions]) => ({ file: fileOf(snapshot, path), positions }))
  const marks = await deletionVectorActions(snapshot.store, systemClock, deletions)
  return {
    snapshot,
    actions: [...marks, ...(more.file === undefined ? [] : [add(more.file, COUNTED)])],
    info: { operation: 'MERGE' },
    reads: { kind: 'rows', areIn: async () => false },
    ...(more.moves === undefined ? {} : { moves: more.moves }),
  }
}

/** Rewrites files into one, row after row, without those that are deleted. */
async function optimize(snapshot: Snapshot, paths: readonly string[], target: string): Promise<Transaction> {
  const places = new Map<string, number>()
  for (const path of paths) {
    const dead = await deadRows(snapshot.store, fileOf(snapshot, path))
    for (let row = 0; row < ROWS; row++) if (!dead.includes(row)) places.set(`${path} ${row}`, places.size)
  }
  return {
    snapshot,
    actions: [
      ...paths.map((path): Action => ({ remove: { ...removeOf(fileOf(snapshot, path), 1), dataChange: false } })),
      add(target, { stats: `{"numRecords":${places.size}}`, dataChange: false }),
    ],
    info: { operation: 'OPTIMIZE' },
    reads: { kind: 'nothing' },
    moves: {
      carry: async (rows) => {
        const moved = rows.flatMap(({ path, positions }) =>
          [...positions].flatMap((row) => places.get(`${path} ${row}`) ?? []),
        )
        return [{ path: target, positions: Float64Array.from(moved).sort() }]
      },
    },
  }
}

async function deadRows(store: Store, { deletionVector }: AddFile): Promise<readonly number[]> {
  return deletionVector === undefined ? [] : [...(await readDeletionVector(store, deletionVector))]
}

/** Path to deleted rows of the table as it is now. */
async function stateOf({ store }: Snapshot): Promise<Readonly<Record<string, readonly number[]>>> {
  const { files } = await readSnapshot(store)
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file.path, await deadRows(store, file)] as const)),
  )
}

async function commitAll(...transactions: Transaction[]): Promise<readonly TransactionOutcome[]> {
  const outcomes: TransactionOutcome[] = []
  for (const transaction of transactions) outcomes.push(await commitTransaction(systemClock, transaction))
  return outcomes
}

const committed = (version: number): TransactionOutcome => ({ kind: 'committed', version })

test('two appends both win, and who came second says what it read', async () => {
  const table = await tableOf()
  const append = (path: string): Transaction => ({
    snapshot: table,
    actions: [add(path, COUNTED)],
    info: {},
    reads: { kind: 'nothing' },
  })
  expect(await commitAll(append('a'), append('b'))).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ a: [], b: [] })
  const text = new TextDecoder().decode(await table.store.read('_delta_log/00000000000000000002.json'))
  expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({ commitInfo: { isBlindAppend: true, readVersion: 1 } })
})

test('two upserts that mark different rows of one file both win', async () => {
  const table = await tableOf('f')
  const [first, second] = [
    await upsert(table, { f: [1, 2] }, { file: 'a' }),
    await upsert(table, { f: [5] }, { file: 'b' }),
  ]
  expect(await commitAll(first, second)).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ f: [1, 2, 5], a: [], b: [] })
})

test('three in a row, on top of rows that were deleted before', async () => {
  const start = await tableOf('f')
  await commitAll(await upsert(start, { f: [0] }))
  const table = await readSnapshot(start.store)
  const all = await Promise.all([1, 2, 3].map((row) => upsert(table, { f: [row] })))
  expect(await commitAll(...all)).toEqual([committed(2), committed(3), committed(4)])
  expect(await stateOf(table)).toEqual({ f: [0, 1, 2, 3] })
})

test('together they may empty the file', async () => {
  const table = await tableOf('f', 'g')
  const [first, second] = [
    await upsert(table, { f: [0, 1, 2, 3, 4] }),
    await upsert(table, { f: [5, 6, 7, 8, 9], g: [0] }),
  ]
  expect(await commitAll(first, second)).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ g: [0] })
})

test('two upserts that mark the same row conflict, and the first one stays', async () => {
  const table = await tableOf('f')
  const [first, second] = [await upsert(table, { f: [1, 2] }), await upsert(table, { f: [2, 3] })]
  expect(await commitAll(first, second)).toEqual([
    committed(1),
    { kind: 'conflicted', winner: 1, because: 'same-rows', subject: 'f' },
  ])
  expect(await stateOf(table)).toEqual({ f: [1, 2] })
})

test('an upsert asks whether its keys are in the files that a winner added', async () => {
  const table = await tableOf('f')
  const asked: string[] = []
  const [first, second] = [await upsert(table, { f: [1] }, { file: 'new' }), await upsert(table, { f: [2] })]
  const reads: Transaction['reads'] = {
    kind: 'rows',
    areIn: async (files) => {
      asked.push(...files.map(({ path }) => path))
      return true
    },
  }
  expect(await commitAll(first, { ...second, reads })).toEqual([
    committed(1),
    { kind: 'conflicted', winner: 1, because: 'rows-added', subject: 'new' },
  ])
  expect(asked).toEqual(['new'])
})

test('an optimize beaten by an upsert carries its marks over, and both win', async () => {
  const table = await tableOf('f', 'g')
  const rewrite = await optimize(table, ['f', 'g'], 'fg')
  const marks = await upsert(table, { f: [3], g: [0, 9] }, { file: 'n' })
  expect(await commitAll(marks, rewrite)).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ fg: [3, 10, 19], n: [] })
  const { tombstones } = await readSnapshot(table.store)
  expect(tombstones.filter(({ deletionVector }) => deletionVector !== undefined).map(({ path }) => path)).toEqual([
    'f',
    'g',
  ])
})

test('an optimize beaten twice carries both', async () => {
  const table = await tableOf('f', 'g')
  const rewrite = await optimize(table, ['f', 'g'], 'fg')
  const marks = [await upsert(table, { f: [3] }), await upsert(table, { f: [4], g: [1] })]
  expect(await commitAll(...marks, rewrite)).toEqual([committed(1), committed(2), committed(3)])
  expect(await stateOf(table)).toEqual({ fg: [3, 4, 11] })
})

test('an optimize beaten by the removal of a file leaves none of its rows alive', async () => {
  const table = await tableOf('f', 'g')
  const rewrite = await optimize(table, ['f', 'g'], 'fg')
  const everything = await upsert(table, { f: [...Array(ROWS).keys()] })
  expect(await commitAll(everything, rewrite)).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ fg: [...Array(ROWS).keys()] })
})

test('an upsert beaten by an optimize finds its rows again, and both win', async () => {
  const table = await tableOf('f', 'g')
  const rewrite = await optimize(table, ['f', 'g'], 'fg')
  const relocate: RowMoves['relocate'] = async (files) => files.map((file) => ({ file, positions: [3, 10] }))
  const marks = await upsert(table, { f: [3], g: [0] }, { moves: { relocate } })
  expect(await commitAll(rewrite, marks)).toEqual([committed(1), committed(2)])
  expect(await stateOf(table)).toEqual({ fg: [3, 10] })
})

test('rows that do not all turn up again are a conflict', async () => {
  const table = await tableOf('f', 'g')
  const rewrite = await optimize(table, ['f', 'g'], 'fg')
  const marks = await upsert(table, { f: [3], g: [0] }, { moves: { relocate: async () => [] } })
  expect(await commitAll(rewrite, marks)).toEqual([
    committed(1),
    { kind: 'conflicted', winner: 1, because: 'file-rewritten', subject: 'f' },
  ])
})

test('two rewrites of one file: the second is in vain', async () => {
  const table = await tableOf('f', 'g')
  expect(await commitAll(await optimize(table, ['f'], 'a'), await optimize(table, ['f', 'g'], 'b'))).toEqual([
    committed(1),
    { kind: 'conflicted', winner: 1, because: 'file-rewritten', subject: 'f' },
  ])
})

test('rows that a winner gave back are new rows', async () => {
  const start = await tableOf('f', 'g')
  await commitAll(await upsert(start, { f: [1] }))
  const table = await readSnapshot(start.store)
  const marks = await upsert(table, { g: [1] })
  const f = fileOf(table, 'f')
  await commitAll({
    snapshot: table,
    actions: [{ remove: removeOf(f, 1) }, add('f', COUNTED)],
    info: { operation: 'RESTORE' },
    reads: { kind: 'table' },
  })
  expect(await commitAll(marks)).toEqual([{ kind: 'conflicted', winner: 2, because: 'rows-added', subject: 'f' }])
})

test('marks on a file in which a winner gave rows back are a conflict', async () => {
  const start = await tableOf('f')
  await commitAll(await upsert(start, { f: [1, 2] }))
  const table = await readSnapshot(start.store)
  const marks = await upsert(table, { f: [5] })
  const f = fileOf(table, 'f')
  const [, fewer] = await deletionVectorActions(start.store, systemClock, [
    { file: fileOf(start, 'f'), positions: [1] },
  ])
  await commitAll({
    snapshot: table,
    actions: [{ remove: removeOf(f, 1) }, ...(fewer === undefined ? [] : [fewer])],
    info: { operation: 'RESTORE' },
    reads: { kind: 'table' },
  })
  expect(await commitAll(marks)).toEqual([{ kind: 'conflicted', winner: 2, because: 'same-rows', subject: 'f' }])
})

test('who is always beaten gives up', async () => {
  const table = await tableOf()
  let taken = 0
  const contended: Store = {
    ...table.store,
    create: async (path, bytes) => {
      if (path.startsWith('_delta_log/')) {
        taken += 1
        await writeCommits(table.store, [[add(`other ${taken}`)]], taken)
      }
      return table.store.create(path, bytes)
    },
  }
  const outcome = await commitTransaction(systemClock, {
    snapshot: { ...table, store: contended },
    actions: [add('mine')],
    info: {},
    reads: { kind: 'nothing' },
  })
  expect(outcome).toEqual({ kind: 'conflicted', winner: 50, because: 'contended', subject: '50 attempts' })
})

test('an append-only table is guarded in a transaction too', async () => {
  const store = memoryStore()
  await writeCommits(store, [[FEATURES, metadata({ 'delta.appendOnly': 'true' }), add('f', COUNTED)]])
  const snapshot = await readSnapshot(store)
  const clock: Clock = { ...systemClock, now: () => 1 }
  await expect(commitTransaction(clock, await upsert(snapshot, { f: [1] }))).rejects.toThrow(
    expect.objectContaining({ code: 'TABLE_APPEND_ONLY' }),
  )
})
