import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Store, type StoreEntry, systemClock } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { groupIgnored } from '../../src/worker/ignored-files.ts'
import { type Lake, openLake } from '../../src/worker/lake.ts'
import { listLanding } from '../../src/worker/listing.ts'

let folder: string
let lake: Lake
let nowMs = Date.UTC(2026, 2, 1)
/** The files whose size and time were asked of the disk. */
let asked: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-listing-'))
  await mkdir(join(folder, 'landing', 'shop', 'orders'), { recursive: true })
  const text = 'landing: landing\nlake: lake\ntables:\n  shop.orders: {key: [id]}\n'
  const readText = (): Promise<string> => Promise.reject(new Error('no file'))
  const config = await parseConfig(text, { path: join(folder, 'tributary.yaml'), readText })
  asked = []
  lake = openLake(config, { clock: { ...systemClock, now: () => nowMs }, wrapStore: watched })
})
afterEach(() => rm(folder, { recursive: true }))

function watched(store: Store): Store {
  return {
    ...store,
    list: (prefix, options) =>
      store.list(prefix, {
        ...options,
        recall: (path): StoreEntry | undefined => {
          const entry = options?.recall?.(path)
          if (entry === undefined) asked.push(path.slice(path.lastIndexOf('/') + 1))
          return entry
        },
      }),
  }
}

const OLD = '20260228-101500000.csv'
const YOUNG = '20260228-235930000.csv'

async function put(name: string, text: string, { ageMs }: { readonly ageMs: number }): Promise<void> {
  const path = join(folder, 'landing', 'shop', 'orders', name)
  await writeFile(path, text)
  const written = (nowMs - ageMs) / 1000
  await utimes(path, written, written)
}

async function sizes({ again = true } = {}): Promise<readonly string[]> {
  asked = []
  const { tables } = await listLanding(lake, { again })
  return (tables.get('shop.orders') ?? []).map(
    ({ key, sizeBytes }) => `${key.slice('shop/orders/'.length)} ${sizeBytes}`,
  )
}

test('a file that lies there for long is looked at once a second, one that may be written still each time', async () => {
  await put(OLD, 'I,1\n', { ageMs: 3_600_000 })
  await put(YOUNG, 'I,2\n', { ageMs: 30_000 })
  expect(await sizes()).toEqual([`${OLD} 4`, `${YOUNG} 4`])
  expect(asked).toEqual([OLD, YOUNG])

  nowMs += 500
  await put(OLD, 'I,1\nU,1\n', { ageMs: 0 })
  await put(YOUNG, 'I,2\nU,2\n', { ageMs: 0 })
  expect(await sizes()).toEqual([`${OLD} 4`, `${YOUNG} 8`])
  expect(asked).toEqual([YOUNG])
  expect(await sizes({ again: false })).toEqual([`${OLD} 8`, `${YOUNG} 8`])

  nowMs += 500
  expect(await sizes()).toEqual([`${OLD} 8`, `${YOUNG} 8`])
  expect(asked).toEqual([OLD, YOUNG])

  // Its new bytes are young.
  nowMs += 10
  expect(await sizes()).toEqual([`${OLD} 8`, `${YOUNG} 8`])
  expect(asked).toEqual([OLD, YOUNG])
})

test('a file of a load is looked at each time: which of them are new has to be known of all at once', async () => {
  await put('LOAD00000001.csv', '1\n', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual(['LOAD00000001.csv 2'])
  await put('LOAD00000001.csv', '10\n', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual(['LOAD00000001.csv 3'])
})

test('an empty file is looked at each time: it may be one that is not written yet', async () => {
  await put(OLD, '', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual([])
  await put(OLD, 'I,1\n', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual([`${OLD} 4`])
})

test('where the clock was set back each file is looked at', async () => {
  await put(OLD, 'I,1\n', { ageMs: 7_200_000 })
  expect(await sizes()).toEqual([`${OLD} 4`])
  nowMs -= 3_600_000
  await put(OLD, 'I,10\n', { ageMs: 7_200_000 })
  expect(await sizes()).toEqual([`${OLD} 5`])
})

test('a file that is gone is not listed, and one that comes back is looked at', async () => {
  await put(OLD, 'I,1\n', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual([`${OLD} 4`])
  await rm(join(folder, 'landing', 'shop', 'orders', OLD))
  expect(await sizes()).toEqual([])
  await put(OLD, 'I,10\n', { ageMs: 3_600_000 })
  expect(await sizes()).toEqual([`${OLD} 5`])
})

test('what is not taken in is told by its reasons, without what DMS writes besides', () => {
  const ignored = [
    { key: 's/t/a.csv', why: 'empty', isExpected: false },
    { key: 's/awsdms_status/LOAD00000001.csv', why: 'DMS control table awsdms_status', isExpected: true },
    { key: 's/t/c.csv', why: 'empty', isExpected: false },
    { key: 's/t/b.csv', why: 'empty', isExpected: false },
    { key: 's/t/notes.txt', why: 'a name', isExpected: false },
  ]
  expect(groupIgnored({ ignored })).toEqual([
    { why: 'a name', files: 1, last: 's/t/notes.txt' },
    { why: 'empty', files: 3, last: 's/t/c.csv' },
  ])
})
