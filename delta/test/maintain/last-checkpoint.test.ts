import { expect, test } from 'vitest'
import { LAST_CHECKPOINT } from '../../src/log/file-names.ts'
import { jsonChecksum, writeHint } from '../../src/maintain/last-checkpoint.ts'
import { memoryStore } from '../../src/store/memory.ts'

test("the protocol's own sample has the checksum that the protocol gives for it", () => {
  const sample = {
    k0: "'v 0'",
    checksum: 'adsaskfljadfkjadfkj',
    k1: { k2: 2, k3: ['v3', [1, 2], { k4: 'v4', k5: ['v5', 'v6', 'v7'] }] },
  }
  expect(jsonChecksum(sample)).toBe('6a92d155a59bf2eecbd4b4ec7fd1f875')
})

test('the hint carries the checksum of its other fields', async () => {
  const store = memoryStore()
  await writeHint(store, { version: 10, size: 5, sizeInBytes: 700, numOfAddFiles: 3 })
  const { checksum, ...fields } = JSON.parse(new TextDecoder().decode(await store.read(LAST_CHECKPOINT)))
  expect(fields).toEqual({ version: 10, size: 5, sizeInBytes: 700, numOfAddFiles: 3 })
  expect(checksum).toBe(jsonChecksum(fields))
})
