import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { diskCache } from '../../src/store/disk-cache.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-cache-'))
})
afterEach(() => rm(folder, { recursive: true }))

const KIB = 1024

async function files(): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of await readdir(folder, { recursive: true }))
    if ((await stat(join(folder, name))).isFile()) found.push(join(folder, name))
  return found
}

async function sizeBytes(): Promise<number> {
  const sizes = await Promise.all((await files()).map(async (file) => (await stat(file)).size))
  return sizes.reduce((total, size) => total + size, 0)
}

/** A clock that stands where it is put. */
function clockAt(nowMs: number) {
  const clock = { ...systemClock, now: () => clock.nowMs, nowMs }
  return clock
}

test('what is kept is read, by another process of the cache too, under its own name only', async () => {
  await diskCache(folder, { bytesMax: 64 * KIB }).keep('a', Buffer.from('one'))
  const other = diskCache(folder, { bytesMax: 64 * KIB })
  expect(Buffer.from((await other.read('a')) ?? []).toString()).toBe('one')
  expect(await other.read('b')).toBeUndefined()
  const [file = ''] = await files()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test.each([
  [
    'a byte is other',
    async (file: string) => {
      const bytes = await readFile(file)
      bytes[40] = (bytes[40] ?? 0) ^ 1
      await writeFile(file, bytes)
    },
  ],
  ['the end is cut off', (file: string) => truncate(file, 50)],
  ['nothing is left of it', (file: string) => truncate(file, 0)],
])('an entry of which %s is a miss, and gone', async (_, damage) => {
  const cache = diskCache(folder, { bytesMax: 64 * KIB })
  await cache.keep('a', Buffer.alloc(100, 7))
  const [file = ''] = await files()
  await damage(file)
  expect(await cache.read('a')).toBeUndefined()
  expect(await files()).toEqual([])
  await cache.keep('a', Buffer.alloc(100, 7))
  expect(await cache.read('a')).toHaveLength(100)
})

test('the limit is held, and what was read last stays', async () => {
  const clock = clockAt(systemClock.now())
  const cache = diskCache(folder, { bytesMax: 64 * KIB, clock })
  await cache.keep('dear', Buffer.alloc(KIB, 1))
  for (let at = 0; at < 120; at++) {
    clock.nowMs += 61_000
    await cache.keep(`entry ${at}`, Buffer.alloc(KIB, at))
    await cache.read('dear')
    if (at % 20 === 0) expect(await sizeBytes()).toBeLessThanOrEqual(64 * KIB)
  }
  expect(await cache.read('dear')).toHaveLength(KIB)
  expect(await cache.read('entry 0')).toBeUndefined()
})

test('an object that would push out the others, and an empty one, are not kept', async () => {
  const cache = diskCache(folder, { bytesMax: 64 * KIB })
  await cache.keep('large', Buffer.alloc(9 * KIB))
  await cache.keep('empty', Buffer.alloc(0))
  expect(await files()).toEqual([])
})

test('a folder that cannot be written is a cache that holds nothing, and is left alone for a minute', async () => {
  const clock = clockAt(1_000_000_000_000)
  await writeFile(join(folder, 'taken'), '')
  const place = join(folder, 'taken/cache')
  const cache = diskCache(place, { bytesMax: 64 * KIB, clock })
  await cache.keep('a', Buffer.from('one'))
  expect(await cache.read('a')).toBeUndefined()
  await rm(join(folder, 'taken'))
  await cache.keep('a', Buffer.from('one'))
  expect(await cache.read('a')).toBeUndefined()
  clock.nowMs += 61_000
  await cache.keep('a', Buffer.from('one'))
  expect(await cache.read('a')).toHaveLength(3)
})
