import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Action } from '../../src/protocol/actions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { assertAppendOnly, commit } from '../../src/write/commit.ts'

const CLOCK: Clock = { ...systemClock, now: () => 1_000, uuid: () => 'an id' }
const ADD: Action = { add: { path: 'a', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } }
const REMOVE: Action = { remove: { path: 'a', dataChange: true } }
const DOMAIN: Action = { domainMetadata: { domain: 'd', configuration: '{}', removed: false } }

test('a commit is one file with commitInfo first, an action a line', async () => {
  const store = memoryStore()
  await store.write('_delta_log/00000000000000000004.json', new Uint8Array())
  expect(await commit(store, CLOCK, { readVersion: 4, actions: [REMOVE, ADD], info: { operation: 'MERGE' } })).toEqual({
    kind: 'committed',
    version: 5,
  })
  const text = new TextDecoder().decode(await store.read('_delta_log/00000000000000000005.json'))
  expect(text.split('\n')).toEqual([
    '{"commitInfo":{"timestamp":1000,"operation":"MERGE","readVersion":4,"txnId":"an id"}}',
    '{"remove":{"path":"a","dataChange":true}}',
    '{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
    '',
  ])
})

test('a table is created by version 0', async () => {
  expect(await commit(memoryStore(), CLOCK, { readVersion: undefined, actions: [], info: {} })).toEqual({
    kind: 'committed',
    version: 0,
  })
})

test('who comes second is told who won, and the winner is left as it is', async () => {
  const store = memoryStore()
  await commit(store, CLOCK, { readVersion: undefined, actions: [], info: { operation: 'first' } })
  const first = await store.read('_delta_log/00000000000000000000.json')
  expect(await commit(store, CLOCK, { readVersion: undefined, actions: [ADD], info: {} })).toEqual({
    kind: 'conflicted',
    winner: 0,
  })
  expect(await store.read('_delta_log/00000000000000000000.json')).toEqual(first)
})

test.each<[string, readonly Action[]]>([
  [
    'an add of a b',
    [
      { add: { path: 'a%20b', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } },
      { add: { path: 'a b', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } },
    ],
  ],
  ['a remove of a', [REMOVE, REMOVE]],
  ['a txn of "app"', [{ txn: { appId: 'app', version: 1 } }, { txn: { appId: 'app', version: 2 } }]],
  ['the domain "d"', [DOMAIN, DOMAIN]],
  [
    'a protocol',
    [
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    ],
  ],
])('%s twice is refused and nothing is written', async (what, actions) => {
  const store = memoryStore()
  await expect(commit(store, CLOCK, { readVersion: 0, actions, info: {} })).rejects.toThrow(
    `The commit was not written: it holds ${what} twice. Merge these actions into one, or make two commits.`,
  )
  expect(await store.stat('_delta_log/00000000000000000001.json')).toBeUndefined()
})

test('a table that may only grow is guarded, and rearranging it is allowed', () => {
  const metadata = {
    id: 'i',
    format: { provider: 'parquet', options: {} },
    schemaString: '',
    partitionColumns: [],
    configuration: { 'delta.appendOnly': 'true' },
  }
  expect(() => assertAppendOnly(metadata, [REMOVE])).toThrow(
    'The commit was not written: the table has delta.appendOnly=true and the commit would remove rows of a. Set the property to false first.',
  )
  assertAppendOnly(metadata, [ADD, { remove: { path: 'a', dataChange: false } }])
  assertAppendOnly({ ...metadata, configuration: {} }, [REMOVE])
})
