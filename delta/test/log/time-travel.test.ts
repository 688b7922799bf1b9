import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { readCommits } from '../../src/log/read-commit.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import type { Action } from '../../src/protocol/actions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { add, metadata, PROTOCOL, writeCommits } from './log-builder.ts'

const HEAD: readonly Action[] = [PROTOCOL, metadata()]

test('a time gives the newest version that is not younger', async () => {
  const store = await committedAt([
    [100, HEAD],
    [200, []],
    [300, []],
  ])
  expect(await versionsAt(store, [100, 199, 200, 299, 300, 10_000])).toEqual([0, 0, 1, 1, 2, 2])
})

test('when the clock goes back, a later commit is one millisecond younger than the one before', async () => {
  const store = await committedAt([
    [100, HEAD],
    [50, []],
    [60, []],
    [102, []],
  ])
  expect(await versionsAt(store, [100, 101, 102, 103])).toEqual([0, 1, 2, 3])
})

test('a time before the first commit is too early, and the message says which is the first', async () => {
  const store = await committedAt([[1_000, HEAD]])
  await expect(readSnapshot(store, { timestampMs: 999 })).rejects.toThrow(
    'There is no version as old as 1970-01-01T00:00:00.999Z: the earliest commit that can be read is of 1970-01-01T00:00:01.000Z. Ask for that time or a later one.',
  )
})

test('commits that carry their own time are found by that one', async () => {
  const on = metadata({ 'delta.enableInCommitTimestamps': 'true' })
  const store = await committedAt([
    [5, [timed(100), PROTOCOL, on]],
    [5, [timed(200)]],
    [5, [timed(300)]],
  ])
  expect(await versionsAt(store, [100, 250, 300])).toEqual([0, 1, 2])
  expect((await readSnapshot(store)).timestampMs).toBe(300)
  await expect(readSnapshot(store, { timestampMs: 99 })).rejects.toMatchObject({
    kind: 'expired',
    code: 'TIMESTAMP_TOO_EARLY',
  })
})

test('when commits began to carry times later, older ones go by their file', async () => {
  const on = metadata({
    'delta.enableInCommitTimestamps': 'true',
    'delta.inCommitTimestampEnablementVersion': '2',
    'delta.inCommitTimestampEnablementTimestamp': '1000',
  })
  const store = await committedAt([
    [100, HEAD],
    [200, []],
    [5_000, [timed(1_000), on]],
    [5_000, [timed(2_000)]],
  ])
  expect(await versionsAt(store, [150, 999, 1_000, 1_999, 2_000])).toEqual([0, 1, 2, 2, 3])
})

test('a snapshot carries the time of its commit', async () => {
  const store = await committedAt([
    [100, HEAD],
    [200, []],
  ])
  expect((await readSnapshot(store, { version: 0 })).timestampMs).toBe(100)
  expect((await readSnapshot(store)).timestampMs).toBe(200)
})

test('commits are read in order with their times and actions', async () => {
  const store = await committedAt([
    [100, HEAD],
    [200, [add('a')]],
    [300, [timed(250), add('b')]],
  ])
  const commits = []
  for await (const commit of readCommits(store, { fromVersion: 1, toVersion: 2 })) commits.push(commit)
  expect(commits).toEqual([
    { version: 1, timestampMs: 200, actions: [add('a')] },
    { version: 2, timestampMs: 250, actions: [timed(250), add('b')] },
  ])
})

test('a commit that is not there stops the reading', async () => {
  const store = await committedAt([[100, HEAD]])
  const reading = async () => {
    for await (const commit of readCommits(store, { fromVersion: 0, toVersion: 1 })) expect(commit.version).toBe(0)
  }
  await expect(reading()).rejects.toMatchObject({ kind: 'corrupt', code: 'LOG_GAP' })
})

function timed(inCommitTimestamp: number): Action {
  return { commitInfo: { inCommitTimestamp } }
}

async function committedAt(commits: readonly (readonly [number, readonly Action[]])[]): Promise<Store> {
  let nowMs = 0
  const clock: Clock = { ...systemClock, now: () => nowMs }
  const store = memoryStore(clock)
  for (const [version, [timeMs, actions]] of commits.entries()) {
    nowMs = timeMs
    await writeCommits(store, [actions], version)
  }
  return store
}

async function versionsAt(store: Store, timesMs: readonly number[]): Promise<readonly number[]> {
  return Promise.all(timesMs.map(async (timestampMs) => (await readSnapshot(store, { timestampMs })).version))
}
