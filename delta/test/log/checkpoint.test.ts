import { expect, test } from 'vitest'
import { checkpointPath, commitPath, LAST_CHECKPOINT } from '../../src/log/file-names.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import type { Action } from '../../src/protocol/actions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { add, encode, metadata, PROTOCOL, remove, writeCheckpointFile, writeCommits } from './log-builder.ts'

const VECTOR = {
  storageType: 'u' as const,
  pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
  offset: 4,
  sizeInBytes: 40,
  cardinality: 6,
}
const STATE: readonly Action[] = [
  {
    protocol: {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
      writerFeatures: ['deletionVectors', 'domainMetadata'],
    },
  },
  metadata({ 'delta.enableDeletionVectors': 'true' }),
  add('a', {
    partitionValues: { p: 'x', q: null },
    stats: '{"numRecords":10}',
    tags: { t: '1' },
    deletionVector: VECTOR,
  }),
  add('b', { partitionValues: JSON.parse('{"__proto__":"__proto__"}') }),
  { remove: { path: 'c', dataChange: false, deletionTimestamp: 5, partitionValues: { p: 'x' }, size: 7 } },
  { txn: { appId: 'app', version: 12, lastUpdated: 34 } },
  { domainMetadata: { domain: 'd', configuration: '{"a":1}', removed: false } },
]

test('a checkpoint gives the state that its actions give', async () => {
  const store = memoryStore()
  await writeCommits(store, [STATE])
  const { files, tombstones, transactions, domains, protocol, metadata: read } = await readSnapshot(store)
  await writeCheckpointFile(store, checkpointPath(0), STATE)
  await store.write(commitPath(0), encode('junk, which is not read any more'))
  expect(await readSnapshot(store)).toMatchObject({
    version: 0,
    files,
    tombstones,
    transactions,
    domains,
    protocol,
    metadata: read,
  })
  expect(Object.entries(files[1]?.partitionValues ?? {})).toEqual([['__proto__', '__proto__']])
})

test('commits after the checkpoint go over it, and many row groups are read one by one', async () => {
  const store = memoryStore()
  const files = Array.from({ length: 5_000 }, (_, i) => add(`f${String(i).padStart(4, '0')}`))
  await writeCheckpointFile(store, checkpointPath(7), [PROTOCOL, metadata(), ...files], { rowGroupRows: 2_048 })
  await writeCommits(store, [[remove('f0001'), add('g')]], 8)
  const snapshot = await readSnapshot(store)
  expect(snapshot.version).toBe(8)
  expect(snapshot.files).toHaveLength(5_000)
  expect(snapshot.files.slice(0, 2).map(({ path }) => path)).toEqual(['f0000', 'f0002'])
})

test('the parts of a checkpoint belong together, and a set with a missing part is ignored', async () => {
  const store = memoryStore()
  await writeCommits(store, [[PROTOCOL, metadata(), add('a')], [add('b')], [add('c')]])
  const part = (number: number) => `_delta_log/00000000000000000001.checkpoint.000000000${number}.0000000002.parquet`
  await writeCheckpointFile(store, part(1), [PROTOCOL, metadata(), add('from part 1')])
  expect(await paths(store)).toEqual(['a', 'b', 'c'])
  await writeCheckpointFile(store, part(2), [add('from part 2')])
  expect(await paths(store)).toEqual(['c', 'from part 1', 'from part 2'])
})

test.each([
  ['right', '{"version":1,"size":3}'],
  ['stale', '{"version":0,"size":3}'],
  ['ahead', '{"version":99,"size":3}'],
  ['torn', '{"version":1,'],
  ['of another shape', '[1]'],
  ['with a version that is no version', '{"version":-1}'],
])('the last checkpoint is only a hint: one that is %s gives the same table', async (_, hint) => {
  const store = memoryStore()
  await writeCommits(store, [[PROTOCOL, metadata(), add('a')], [add('b')], [add('c')]])
  await writeCheckpointFile(store, checkpointPath(1), [PROTOCOL, metadata(), add('a'), add('b')])
  await store.write(LAST_CHECKPOINT, encode(hint))
  expect(await paths(store)).toEqual(['a', 'b', 'c'])
  expect((await readSnapshot(store, { version: 0 })).files).toHaveLength(1)
})

test('a hint to a checkpoint that was deleted costs nothing but a second listing', async () => {
  const store = memoryStore()
  await writeCommits(store, [[PROTOCOL, metadata(), add('a')], [add('b')]])
  await store.write(LAST_CHECKPOINT, encode('{"version":1,"size":3}'))
  expect(await paths(store)).toEqual(['a', 'b'])
})

test('a version before the cleaned-up log is expired', async () => {
  const store = memoryStore()
  await writeCheckpointFile(store, checkpointPath(5), [PROTOCOL, metadata(), add('a')])
  expect((await readSnapshot(store)).version).toBe(5)
  await expect(readSnapshot(store, { version: 3 })).rejects.toThrow(
    'Version 3 can no longer be read: the log before version 5 was cleaned up. Ask for 5 or later.',
  )
})

test('struct statistics take the place of absent JSON ones; decimals, which would be rounded, get no bounds', async () => {
  const store = memoryStore()
  const parsed = {
    numRecords: 3,
    minValues: { id: 9_007_199_254_740_991, price: 1.5, day: '2026-01-31' },
    nullCount: { id: 0 },
  }
  const rows = [
    PROTOCOL,
    metadata(),
    { add: { path: 'a', partitionValues: {}, size: 1, modificationTime: 1, dataChange: false, stats_parsed: parsed } },
  ]
  await writeCheckpointFile(store, checkpointPath(0), rows)
  const [file] = (await readSnapshot(store)).files
  expect(file?.stats).toMatch(
    /^\{"numRecords":3,"minValues":\{"id":9007199254740991,"day":"2026-01-31"\},"nullCount":\{"id":0\}\}$/,
  )
})

test('a damaged checkpoint is named', async () => {
  const store = memoryStore()
  await writeCheckpointFile(store, checkpointPath(0), STATE)
  const good = await store.read(checkpointPath(0))
  for (const bytes of [
    new Uint8Array(),
    good.slice(0, 50),
    good.slice(0, -1),
    good.with(good.length - 5, 0x7f),
    good.fill(0, 100, 200),
  ]) {
    await store.write(checkpointPath(0), bytes)
    await expect(readSnapshot(store)).rejects.toMatchObject({
      kind: 'corrupt',
      code: 'CHECKPOINT_CORRUPT',
      message: expect.stringContaining(checkpointPath(0)),
    })
  }
})

async function paths(store: Store): Promise<readonly string[]> {
  return (await readSnapshot(store)).files.map(({ path }) => path)
}
