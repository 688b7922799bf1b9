import { commit, createTableActions, memoryStore, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { percentile, readFreshness } from '../../src/demo/stream-freshness.ts'

const FILES = [10_000, 11_000, 12_000].map((putMs, at) => ({ key: `s/t/2026030${at}-101500000.csv`, putMs }))

async function tableOf(commits: readonly { readonly files: number; readonly pickedUpMs: number }[]) {
  const store = memoryStore()
  const schema = { type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }] } as const
  for (const [at, { files, pickedUpMs }] of commits.entries())
    await commit(store, systemClock, {
      readVersion: at === 0 ? undefined : at - 1,
      actions: at === 0 ? createTableActions(systemClock, { name: 't', schema, partitionColumns: [] }) : [],
      info: {
        operation: 'UPSERT',
        operationParameters: { fileCount: String(files) },
        userMetadata: JSON.stringify({ pickedUpAt: new Date(pickedUpMs).toISOString() }),
        isBlindAppend: false,
      },
    })
  return store
}

test('the way of a file is measured between what S3 says, and split where the worker began to look', async () => {
  const store = await tableOf([
    { files: 1, pickedUpMs: 10_400 },
    { files: 2, pickedUpMs: 12_500 },
  ])
  const commitMs = new Map([
    [0, 11_000],
    [1, 13_000],
  ])
  expect(await readFreshness(store, FILES, commitMs)).toEqual([
    { queueMs: 400, mergeMs: 600, totalMs: 1000 },
    { queueMs: 1500, mergeMs: 500, totalMs: 2000 },
    { queueMs: 500, mergeMs: 500, totalMs: 1000 },
  ])
})

test('a file in no commit ends the demo', async () => {
  const store = await tableOf([{ files: 2, pickedUpMs: 12_100 }])
  await expect(readFreshness(store, FILES, new Map([[0, 13_000]]))).rejects.toThrow(
    'The demo failed: s/t/20260302-101500000.csv is in no commit. Run it again with -v and report it.',
  )
})

test('a percentile is a value that was measured', () => {
  expect([0.5, 0.9, 0.99, 1].map((share) => percentile([4, 1, 3, 2], share))).toEqual([2, 4, 4, 4])
})
