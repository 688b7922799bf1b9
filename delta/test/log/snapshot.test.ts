import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { checkpointPath, commitPath } from '../../src/log/file-names.ts'
import { latestVersion, readSnapshot, refreshSnapshot, type Snapshot } from '../../src/log/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { add, encode, metadata, PROTOCOL, remove, writeCheckpointFile, writeCommits } from './log-builder.ts'

const VECTOR = { storageType: 'i' as const, pathOrInlineDv: 'abcde', sizeInBytes: 4, cardinality: 1 }

test('the newest of each counts: protocol, metadata, transactions, domains, files', async () => {
  const snapshot = await snapshotOf([
    [PROTOCOL, metadata(), add('b'), add('a'), txn('app', 1), domain('kept', '1'), domain('gone', '1')],
    [remove('b'), add('c'), txn('app', 2), txn('other', 9), domain('kept', '2'), domain('gone', '1', true)],
    [metadata({ 'delta.appendOnly': 'true' })],
  ])
  expect(snapshot.version).toBe(2)
  expect(snapshot.files.map(({ path }) => path)).toEqual(['a', 'c'])
  expect(snapshot.tombstones.map(({ path }) => path)).toEqual(['b'])
  expect([...snapshot.transactions.values()].map(({ appId, version }) => [appId, version])).toEqual([
    ['app', 2],
    ['other', 9],
  ])
  expect([...snapshot.domains]).toEqual([['kept', '2']])
  expect(snapshot.metadata.configuration).toEqual({ 'delta.appendOnly': 'true' })
  expect(snapshot.schema.fields.map(({ name }) => name)).toEqual(['id'])
})

test('a new deletion vector replaces the file, in whichever order the two actions stand', async () => {
  for (const swap of [
    [remove('a'), add('a', { deletionVector: VECTOR })],
    [add('a', { deletionVector: VECTOR }), remove('a')],
  ]) {
    const snapshot = await snapshotOf([[PROTOCOL, metadata(), add('a')], swap])
    expect(snapshot.files).toEqual([expect.objectContaining({ path: 'a', deletionVector: VECTOR })])
    expect(snapshot.tombstones).toEqual([expect.not.objectContaining({ deletionVector: VECTOR })])
  }
})

test('an add and a remove of the same file in one commit leave it removed', async () => {
  for (const both of [
    [remove('a'), add('a')],
    [add('a'), remove('a')],
  ]) {
    expect((await snapshotOf([[PROTOCOL, metadata(), add('a')], both])).files).toEqual([])
  }
})

test('a removed file that is added again later is live and no tombstone', async () => {
  const snapshot = await snapshotOf([[PROTOCOL, metadata(), add('a')], [remove('a')], [add('a', { stats: '{}' })]])
  expect(snapshot.files).toEqual([expect.objectContaining({ path: 'a', stats: '{}' })])
  expect(snapshot.tombstones).toEqual([])
})

test('paths that differ only in how they are written are one file', async () => {
  const snapshot = await snapshotOf([
    [PROTOCOL, metadata(), add('p=%C3%A9/a'), add('file:/x/y')],
    [remove('p=é/a'), remove('file:///x/y')],
  ])
  expect(snapshot.files).toEqual([])
})

test('an older version is read as it was', async () => {
  const store = await storeWith([[PROTOCOL, metadata(), add('a')], [add('b')], [remove('a')]])
  expect((await readSnapshot(store, { version: 1 })).files.map(({ path }) => path)).toEqual(['a', 'b'])
})

test('strays in the log folder are passed over', async () => {
  const store = await storeWith([[PROTOCOL, metadata()]])
  for (const stray of [
    '9.json',
    '.00000000000000000009.json',
    '00000000000000000009.json.tmp',
    '0000000000000000009.json',
    'x/00000000000000000009.json',
    '00000000000000000000.crc',
  ]) {
    await store.write(`_delta_log/${stray}`, encode('junk'))
  }
  expect(await latestVersion(store)).toBe(0)
})

test('a refresh reads what is new and gives the same as reading anew', async () => {
  const store = await storeWith([[PROTOCOL, metadata(), add('b'), add('m')]])
  const first = await readSnapshot(store)
  expect(await refreshSnapshot(first)).toBe(first)
  await writeCommits(
    store,
    [
      [add('a'), add('z'), remove('m')],
      [add('c'), txn('app', 1)],
    ],
    1,
  )
  const refreshed = await refreshSnapshot(first)
  expect({ ...refreshed, timestampMs: 0 }).toEqual({ ...(await readSnapshot(store)), timestampMs: 0 })
  expect(refreshed.files.map(({ path }) => path)).toEqual(['a', 'b', 'c', 'z'])
  expect(first.files.map(({ path }) => path)).toEqual(['b', 'm'])
})

test('a refresh of a version that log cleanup has taken finds the newest one', async () => {
  const actions = [PROTOCOL, metadata(), add('a')]
  const store = await storeWith([actions])
  const first = await readSnapshot(store)
  await writeCommits(store, [[add('b')], [add('c')]], 1)
  await writeCheckpointFile(store, checkpointPath(2), [...actions, add('b'), add('c')])
  for (const version of [0, 1]) await store.delete(commitPath(version))
  const refreshed = await refreshSnapshot(first)
  expect(refreshed.version).toBe(2)
  expect(refreshed.files.map(({ path }) => path)).toEqual(['a', 'b', 'c'])
})

test('a refresh with nothing new asks the store for two names and reads nothing', async () => {
  // Where times are whole seconds it would be read.
  const store = memoryStore({ ...systemClock, now: () => 1_001 })
  await writeCommits(store, [[PROTOCOL, metadata()]])
  const first = await readSnapshot(store)
  const calls: string[] = []
  const watched: Store = {
    ...store,
    stat: (path) => {
      calls.push(`stat ${path}`)
      return store.stat(path)
    },
    read: (path) => {
      calls.push(`read ${path}`)
      return store.read(path)
    },
    list: (prefix, options) => {
      calls.push(`list ${prefix}`)
      return store.list(prefix, options)
    },
  }
  await refreshSnapshot({ ...first, store: watched })
  expect(calls).toEqual([`stat ${commitPath(1)}`, `stat ${commitPath(0)}`])
})

test('no log is no table', async () => {
  const store = memoryStore()
  await store.write('part-0.parquet', encode('x'))
  await expect(readSnapshot(store)).rejects.toThrow(
    `There is no Delta table at ${store.url}: its folder _delta_log holds no commit. Check the path, or create the table first.`,
  )
})

test('a version from the future, or none at all, is not found', async () => {
  const store = await storeWith([[PROTOCOL, metadata()]])
  for (const version of [1, -1, 0.5]) {
    await expect(readSnapshot(store, { version })).rejects.toThrow(
      `Version ${version} does not exist: the latest is 0. Ask for a version from 0 to 0.`,
    )
  }
})

test('a missing commit is a gap, at the start and in the middle', async () => {
  for (const missing of [0, 1]) {
    const store = await storeWith([[PROTOCOL, metadata()], [add('a')], [add('b')]])
    await store.delete(commitPath(missing))
    await expect(readSnapshot(store)).rejects.toThrow(
      `The log of ${store.url} has no commit ${missing}, but has later ones: a file was deleted or not copied. Restore ${commitPath(missing)}.`,
    )
  }
})

test('a damaged line names file and line', async () => {
  const store = await storeWith([[PROTOCOL, metadata()]])
  await store.write(commitPath(1), encode('{"add":{"path":"a","size":1}}\n\n{"add":'))
  await expect(readSnapshot(store)).rejects.toThrow(
    `The commit ${commitPath(1)} is damaged at line 3: it is not JSON. Restore the file from a backup.`,
  )
  await store.write(commitPath(1), Uint8Array.of(0xff))
  await expect(readSnapshot(store)).rejects.toThrow(
    `The commit ${commitPath(1)} is damaged at line 1: its bytes are not UTF-8. Restore the file from a backup.`,
  )
})

test('a log without protocol or metadata is refused', async () => {
  for (const [actions, what] of [
    [[metadata()], 'protocol'],
    [[PROTOCOL], 'metaData'],
  ] as const) {
    const store = await storeWith([actions])
    await expect(readSnapshot(store)).rejects.toThrow(
      `The log of ${store.url} holds no ${what} action: its first commit or its checkpoint is incomplete. Restore _delta_log from a backup.`,
    )
  }
})

test('a feature that we do not know stops reading the version that has it, and no other', async () => {
  const protocol = {
    protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['madeUp'], writerFeatures: ['madeUp'] },
  }
  const store = await storeWith([[PROTOCOL, metadata()], [protocol]])
  await expect(readSnapshot(store)).rejects.toMatchObject({ kind: 'unsupported', code: 'UNSUPPORTED_READER_FEATURE' })
  expect((await readSnapshot(store, { version: 0 })).version).toBe(0)
})

function txn(appId: string, version: number) {
  return { txn: { appId, version } }
}

function domain(name: string, configuration: string, removed = false) {
  return { domainMetadata: { domain: name, configuration, removed } }
}

async function storeWith(commits: Parameters<typeof writeCommits>[1]): Promise<Store> {
  const store = memoryStore()
  await writeCommits(store, commits)
  return store
}

async function snapshotOf(commits: Parameters<typeof writeCommits>[1]): Promise<Snapshot> {
  return readSnapshot(await storeWith(commits))
}
