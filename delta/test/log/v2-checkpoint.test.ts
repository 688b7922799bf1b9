import { expect, test } from 'vitest'
import { checkpointPath, SIDECAR_FOLDER } from '../../src/log/file-names.ts'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { add, encode, metadata, PROTOCOL, remove, writeCheckpointFile, writeCommits } from './log-builder.ts'

const JSON_NAME = '_delta_log/00000000000000000003.checkpoint.01234567-89ab-cdef-0123-456789abcdef.json'
const PARQUET_NAME = JSON_NAME.replace(/json$/, 'parquet')

function sidecar(path: string): object {
  return { sidecar: { path, sizeInBytes: 1, modificationTime: 1 } }
}

function topLevel(...sidecars: readonly string[]): readonly object[] {
  return [{ checkpointMetadata: { version: 3 } }, PROTOCOL, metadata(), ...sidecars.map(sidecar)]
}

async function writeLines(store: Store, path: string, rows: readonly object[]): Promise<void> {
  await store.write(path, encode(rows.map((row) => JSON.stringify(row)).join('\n')))
}

async function pathsOf(store: Store): Promise<readonly string[]> {
  return (await readSnapshot(store)).files.map(({ path }) => path)
}

test.each(['json', 'parquet', 'classic'])(
  'files in sidecars belong to a checkpoint whose top level is %s',
  async (form) => {
    const store = memoryStore()
    const rows = topLevel('one.parquet', 'two.parquet')
    if (form === 'json') await writeLines(store, JSON_NAME, rows)
    else await writeCheckpointFile(store, form === 'parquet' ? PARQUET_NAME : checkpointPath(3), rows)
    await writeCheckpointFile(store, `${SIDECAR_FOLDER}one.parquet`, [add('a'), remove('gone')])
    await writeCheckpointFile(store, `${SIDECAR_FOLDER}two.parquet`, [add('b')])
    await writeCommits(store, [[add('c'), remove('b')]], 4)
    expect(await pathsOf(store)).toEqual(['a', 'c'])
    expect((await readSnapshot(store)).tombstones.map(({ path }) => path)).toEqual(['b', 'gone'])
  },
)

test('a checkpoint without sidecars holds its files itself', async () => {
  const store = memoryStore()
  await writeLines(store, JSON_NAME, [...topLevel(), add('a')])
  expect(await pathsOf(store)).toEqual(['a'])
})

test('a sidecar may be named by a whole path and is always in its folder', async () => {
  const store = memoryStore()
  await writeLines(store, JSON_NAME, topLevel('s3://bucket/table/_delta_log/_sidecars/one%20.parquet'))
  await writeCheckpointFile(store, `${SIDECAR_FOLDER}one .parquet`, [add('a')])
  expect(await pathsOf(store)).toEqual(['a'])
})

test('an older version is read through the commits before the checkpoint', async () => {
  const store = memoryStore()
  await writeCommits(store, [[PROTOCOL, metadata(), add('a')], [add('b')]])
  await writeLines(store, JSON_NAME, [...topLevel(), add('x')])
  expect((await readSnapshot(store, { version: 1 })).files.map(({ path }) => path)).toEqual(['a', 'b'])
})

test.each<readonly [string, readonly object[], string]>([
  [
    'a missing sidecar',
    topLevel('gone.parquet'),
    `${SIDECAR_FOLDER}gone.parquet is damaged: it is named by a checkpoint and is not there`,
  ],
  ['a sidecar that climbs', topLevel('..'), `${JSON_NAME} is damaged: its sidecar ".." is no file`],
  ['a sidecar without path', [...topLevel(), { sidecar: {} }], `${JSON_NAME} is damaged: a sidecar in it has no path`],
  [
    'another version',
    [{ checkpointMetadata: { version: 2 } }],
    `${JSON_NAME} is damaged: it says that it is of version 2`,
  ],
])('%s names the file', async (_, rows, message) => {
  const store = memoryStore()
  await writeLines(store, JSON_NAME, rows)
  await expect(readSnapshot(store)).rejects.toThrow(
    `The checkpoint ${message}. Restore the file from a backup, or delete it if all commits before it are still there.`,
  )
})

test('a torn top level and a sidecar with a protocol are damage', async () => {
  const store = memoryStore()
  await store.write(JSON_NAME, encode('{"checkpointMetadata":{"vers'))
  await expect(readSnapshot(store)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
  await writeLines(store, JSON_NAME, topLevel('one.parquet'))
  await writeCheckpointFile(store, `${SIDECAR_FOLDER}one.parquet`, [PROTOCOL])
  await expect(readSnapshot(store)).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
    message: expect.stringContaining('a sidecar holds something else than files'),
  })
})
