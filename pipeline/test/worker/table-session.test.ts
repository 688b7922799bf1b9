import { commitPath, memoryStore, type Store, systemClock, TributaryError } from '@tributary/delta'
import { expect, test } from 'vitest'
import type { TableConfig } from '../../src/config/config.ts'
import { commitBatch, type PreparedBatch } from '../../src/worker/commit-batch.ts'
import { openSession, refreshSession } from '../../src/worker/table-session.ts'

const TABLE: TableConfig = {
  name: 's.t',
  schema: 's',
  table: 't',
  key: ['id'],
  columns: undefined,
  sequence: undefined,
  write: 'merge-on-read',
  partitionBy: [],
  rename: new Map(),
  keepOnNull: [],
  tombstonesMs: undefined,
  engine: 'duckdb',
  freshnessMs: undefined,
  upkeep: true,
  history: false,
  properties: {},
}

function batchWith(key: string): PreparedBatch {
  const counts = { read: 0, applied: 0, superseded: 0, noop: 0, quarantined: 0, digitsCut: 0 }
  const entry = { key, sizeBytes: 1, hash: key, modifiedMs: 0, generation: 1, kind: 'cdc', place: `1 ${key}` } as const
  return {
    operation: 'UPSERT',
    schema: { type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }] },
    actions: [],
    added: [],
    entries: [{ ...entry, ...counts }],
    rejects: [],
    state: {},
    metrics: {},
  }
}

/** The store, whose next read of a ledger's segment fails. */
function failingOnce(store: Store): Store {
  let isFailing = true
  return {
    ...store,
    read: (path) => {
      if (!isFailing || !path.startsWith('_tributary/ledger/')) return store.read(path)
      isFailing = false
      return Promise.reject(new TributaryError('unavailable', 'STORE_FAILED', 'A test did this.'))
    },
  }
}

test('a session whose ledger could not be read knows no more of the table than before, and reads all of it the next time', async () => {
  const store = memoryStore()
  const target = { table: TABLE, snapshot: undefined, state: undefined }
  await commitBatch({ store, clock: systemClock }, target, batchWith('a.csv'))
  const session = openSession(failingOnce(store))
  await expect(refreshSession(session)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(session.snapshot).toBeUndefined()
  await refreshSession(session)
  expect(session.ledger.map(({ key }) => key)).toEqual(['a.csv'])
})

test('a batch that took long is not committed on top of a log that another one has replaced meanwhile', async () => {
  const store = memoryStore()
  const parts = { store, clock: systemClock }
  const nothing = { table: TABLE, snapshot: undefined, state: undefined }
  await commitBatch(parts, nothing, batchWith('a.csv'))
  const session = openSession(store)
  await refreshSession(session)
  await store.delete(commitPath(0))
  await commitBatch(parts, nothing, batchWith('another.csv'))
  const target = { ...nothing, snapshot: session.snapshot, state: session.state, readAtMs: systemClock.now() - 10_001 }
  expect(await commitBatch(parts, target, batchWith('b.csv'))).toEqual({ kind: 'conflicted', winner: 0 })
  await refreshSession(session)
  expect(session.ledger.map(({ key }) => key)).toEqual(['another.csv'])
})
