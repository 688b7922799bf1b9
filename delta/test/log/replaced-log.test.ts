// A table that was put back from a backup, or deleted and made anew: other commits under the numbers that were read.
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { commitPath } from '../../src/log/file-names.ts'
import { followSnapshot, readSnapshot, refreshSnapshot, type Snapshot } from '../../src/log/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { commit } from '../../src/write/commit.ts'
import { commitTransaction } from '../../src/write/transaction.ts'
import { add, metadata, PROTOCOL, writeCommits } from './log-builder.ts'

const START = [PROTOCOL, metadata(), add('a')]

/** A store whose objects are all of one time, and a table of two commits in it. */
async function openTwo(nowMs: () => number): Promise<{ readonly store: Store; readonly snapshot: Snapshot }> {
  const store = memoryStore({ ...systemClock, now: nowMs })
  await writeCommits(store, [START, [add('b')]])
  return { store, snapshot: await readSnapshot(store) }
}

async function replace(store: Store, commits: Parameters<typeof writeCommits>[1]): Promise<void> {
  for (let version = 0; version < 9; version++) await store.delete(commitPath(version))
  await writeCommits(store, commits)
}

function pathsOf({ files }: Snapshot): readonly string[] {
  return files.map(({ path }) => path)
}

test.each([
  ['nothing comes after it', [START, [add('other')]], ['a', 'other']],
  ['more commits come after it', [START, [add('other')], [add('z')]], ['a', 'other', 'z']],
  ['the log ends before it', [START], ['a']],
] as const)(
  'a refresh of a commit that another one has replaced reads the log anew, where %s',
  async (_, commits, paths) => {
    const { store, snapshot } = await openTwo(() => 1_001)
    await replace(store, commits)
    expect(await followSnapshot(snapshot)).toBeUndefined()
    const refreshed = await refreshSnapshot(snapshot)
    expect(pathsOf(refreshed)).toEqual(paths)
    expect(await refreshSnapshot(refreshed)).toBe(refreshed)
  },
)

test('two commits of one size are told apart by their time, and where that has whole seconds by their bytes', async () => {
  for (const [before, after] of [
    [1_001, 1_002],
    [1_000, 1_000],
  ] as const) {
    let nowMs: number = before
    const { store, snapshot } = await openTwo(() => nowMs)
    expect(await refreshSnapshot(snapshot), 'it is the same so far').toBe(snapshot)
    nowMs = after
    await replace(store, [START, [add('c')]])
    expect(pathsOf(await refreshSnapshot(snapshot))).toEqual(['a', 'c'])
  }
})

test('copies of one object are the same by the tag that the store gives them, whatever their times', async () => {
  const { store } = await openTwo(() => 1_001)
  const tagged = (eTag: string, modifiedMs: number): Store => ({
    ...store,
    stat: async (path) => {
      const entry = await store.stat(path)
      return entry && { ...entry, modifiedMs, eTag }
    },
  })
  const snapshot = { ...(await readSnapshot(store)), store: tagged('x', 1) }
  const seen = { ...snapshot, lastFile: await snapshot.store.stat(commitPath(1)) }
  if (seen.lastFile === undefined) throw new Error('no commit')
  const { lastFile } = seen
  expect(await followSnapshot({ ...seen, lastFile, store: tagged('x', 2) })).toBeDefined()
  expect(await followSnapshot({ ...seen, lastFile, store: tagged('y', 1) })).toBeUndefined()
})

test("the snapshot's own commit is not asked for where the next one is the caller's, and is where it is not", async () => {
  const { store, snapshot } = await openTwo(() => 1_001)
  const info = { operation: 'WRITE', txnId: 'mine' }
  await commit(store, systemClock, { readVersion: 1, isFresh: true, actions: [add('c')], info })
  const asked: string[] = []
  const watched: Store = {
    ...store,
    stat: (path) => {
      asked.push(path)
      return store.stat(path)
    },
  }
  for (const ownCommit of ['mine', 'another']) {
    const next = await followSnapshot({ ...snapshot, store: watched }, { ownCommit })
    expect(next && pathsOf(next)).toEqual(['a', 'b', 'c'])
  }
  const twoNames = [commitPath(2), commitPath(3)]
  expect(asked).toEqual([...twoNames, ...twoNames, commitPath(1)])
})

test('nothing is committed on top of a log that another one has replaced', async () => {
  for (const commits of [[START, [add('other')]], [START, [add('other')], [add('z')]], [START]]) {
    const { store, snapshot } = await openTwo(() => 1_001)
    await replace(store, commits)
    const work = { actions: [add('c')], info: { operation: 'WRITE' } }
    const outcome = await commitTransaction(systemClock, { ...work, snapshot, reads: { kind: 'nothing' } })
    const winner = commits.length - 1
    expect(outcome).toEqual({ kind: 'conflicted', winner, because: 'log-cleaned', subject: 'version 2' })
    expect((await readSnapshot(store)).version).toBe(winner)
  }
})
