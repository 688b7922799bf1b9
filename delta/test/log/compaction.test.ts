import { expect, test } from 'vitest'
import { readSnapshot } from '../../src/log/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { add, encode, metadata, PROTOCOL, remove, writeCommits } from './log-builder.ts'

function compacted(from: number, to: number): string {
  return `_delta_log/${String(from).padStart(20, '0')}.${String(to).padStart(20, '0')}.compacted.json`
}

async function log() {
  const store = memoryStore()
  await writeCommits(store, [[PROTOCOL, metadata(), add('a')], [add('b')], [remove('b'), add('c')], [add('d')]])
  const lines = [remove('b'), add('c'), add('only-in-compaction')].map((action) => JSON.stringify(action))
  await store.write(compacted(1, 2), encode(lines.join('\n')))
  return store
}

test('a compaction stands for its commits', async () => {
  const { files } = await readSnapshot(await log())
  expect(files.map(({ path }) => path)).toEqual(['a', 'c', 'd', 'only-in-compaction'])
})

test('a compaction that reaches past the version is left aside', async () => {
  const { files } = await readSnapshot(await log(), { version: 1 })
  expect(files.map(({ path }) => path)).toEqual(['a', 'b'])
})

test('the longest compaction is taken, and the commits below it may be gone', async () => {
  const store = await log()
  await store.write(compacted(1, 3), encode(JSON.stringify(add('longest'))))
  await store.delete('_delta_log/00000000000000000002.json')
  expect((await readSnapshot(store)).files.map(({ path }) => path)).toEqual(['a', 'longest'])
})

test('a compaction of one commit is no compaction', async () => {
  const store = await log()
  await store.write(compacted(3, 3), encode('not even JSON'))
  expect((await readSnapshot(store)).files.length).toBe(4)
})
