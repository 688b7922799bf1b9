import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { checkpointPath, commitPath } from '../../src/log/file-names.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { commit } from '../../src/write/commit.ts'
import { commitTransaction, type Transaction } from '../../src/write/transaction.ts'
import { add, metadata, PROTOCOL, writeCheckpointFile, writeCommits } from '../log/log-builder.ts'

const STATE = [PROTOCOL, metadata(), add('a')]

test('where the log was cleaned beyond the version that was read, nothing is committed: nobody can tell what others did', async () => {
  const store = memoryStore()
  await writeCommits(store, [STATE, [], [], []])
  const old = await readSnapshot(store, { version: 0 })
  await writeCheckpointFile(store, checkpointPath(3), STATE)
  for (const version of [0, 1, 2]) await store.delete(commitPath(version))
  const work: Transaction = {
    snapshot: old,
    actions: [add('c')],
    info: { operation: 'WRITE' },
    reads: { kind: 'nothing' },
  }
  expect(await commitTransaction(systemClock, work)).toEqual({
    kind: 'conflicted',
    winner: 3,
    because: 'log-cleaned',
    subject: 'version 1',
  })
  expect(await store.stat(commitPath(1))).toBeUndefined()
  expect(await commit(store, systemClock, { readVersion: 0, ...work })).toEqual({ kind: 'conflicted', winner: 3 })
})

test('a table of which only the checkpoint of the newest version is left is written on', async () => {
  const store = memoryStore()
  await writeCheckpointFile(store, checkpointPath(0), STATE)
  const snapshot = await readSnapshot(store)
  const outcome = await commitTransaction(systemClock, {
    snapshot,
    actions: [add('c')],
    info: { operation: 'WRITE' },
    reads: { kind: 'nothing' },
  })
  expect(outcome).toEqual({ kind: 'committed', version: 1 })
})
