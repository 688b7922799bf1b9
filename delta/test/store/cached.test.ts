import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { cachedStore } from '../../src/store/cached.ts'
import type { ObjectCache } from '../../src/store/disk-cache.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { storeContract } from '../store-contract.ts'

storeContract('cachedStore', async () => ({
  store: cachedStore(memoryStore(), memoryCache()),
  cleanup: async () => undefined,
}))

const SEGMENT = '_tributary/ledger/00000000-0000-4000-8000-000000000001.ndjson'
const COMMIT = '_delta_log/00000000000000000001.json'

function memoryCache(): ObjectCache {
  const kept = new Map<string, Uint8Array>()
  return {
    read: async (name) => kept.get(name)?.slice(),
    keep: async (name, bytes) => void kept.set(name, bytes.slice()),
  }
}

interface Counted {
  readonly store: Store
  /** What was really read. */
  readonly reads: string[]
  /** The tag that listings tell. */
  readonly tag: (eTag: string) => void
}

function countedStore(): Counted {
  const inner = memoryStore()
  const reads: string[] = []
  let eTag: string | undefined
  const store: Store = {
    ...inner,
    read: (path) => {
      reads.push(path)
      return inner.read(path)
    },
    readRange: (path, range) => {
      reads.push(`${path} ${range.offset}+${range.length}`)
      return inner.readRange(path, range)
    },
    list: async function* (prefix, options) {
      for await (const entry of inner.list(prefix, options)) yield eTag === undefined ? entry : { ...entry, eTag }
    },
  }
  return {
    store,
    reads,
    tag: (next) => {
      eTag = next
    },
  }
}

async function text(store: Store, path: string): Promise<string> {
  return Buffer.from(await store.read(path)).toString()
}

test('an object with a UUID in its name is read once, each of its parts too, and by its writer never', async () => {
  const { store, reads } = countedStore()
  await store.write(SEGMENT, Buffer.from('segment'))
  const cache = memoryCache()
  for (let start = 0; start < 2; start++) {
    const cached = cachedStore(store, cache)
    expect(await text(cached, SEGMENT)).toBe('segment')
    expect(await cached.readRange(SEGMENT, { offset: 1, length: 2 })).toEqual(Buffer.from('eg'))
  }
  expect(reads).toEqual([SEGMENT, `${SEGMENT} 1+2`])
  const other = SEGMENT.replace('1.nd', '2.nd')
  await cachedStore(store, cache).create(other, Buffer.from('new'))
  expect(await text(cachedStore(store, cache), other)).toBe('new')
  expect(reads).toHaveLength(2)
})

test('a commit is read once for each tag that a listing tells, and without one always', async () => {
  const { store, reads, tag } = countedStore()
  await store.write(COMMIT, Buffer.from('first'))
  const cache = memoryCache()
  const clock = { ...systemClock, now: () => nowMs }
  let nowMs = 0
  const cached = cachedStore(store, cache, clock)
  await text(cached, COMMIT)
  await text(cached, COMMIT)
  expect(reads).toHaveLength(2)
  tag('"1"')
  await Array.fromAsync(cached.list('_delta_log/'))
  await text(cached, COMMIT)
  await text(cached, COMMIT)
  expect(reads).toHaveLength(3)
  // The table was dropped and made again.
  await store.write(COMMIT, Buffer.from('second'))
  tag('"2"')
  await Array.fromAsync(cached.list('_delta_log/'))
  expect(await text(cached, COMMIT)).toBe('second')
  // A listing that is long ago tells nothing of now.
  await store.write(COMMIT, Buffer.from('third'))
  nowMs += 30_000
  expect(await text(cached, COMMIT)).toBe('third')
})

test('what was replaced or deleted through the store is read anew', async () => {
  const { store, tag } = countedStore()
  tag('"1"')
  const cached = cachedStore(store, memoryCache())
  await cached.write(COMMIT, Buffer.from('one'))
  await Array.fromAsync(cached.list('_delta_log/'))
  expect(await text(cached, COMMIT)).toBe('one')
  await cached.write(COMMIT, Buffer.from('two'))
  expect(await text(cached, COMMIT)).toBe('two')
  await cached.delete(COMMIT)
  await expect(cached.read(COMMIT)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})
