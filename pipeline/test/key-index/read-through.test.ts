import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writePlace } from '../../src/key-index/entry.ts'
import { closeIndex, discardIndex, holdIndex, type IndexHolder, openNewest } from '../../src/key-index/index-folder.ts'
import { createManifest } from '../../src/key-index/manifest.ts'
import { readThrough } from '../../src/key-index/read-through.ts'
import { writeRun } from '../../src/key-index/write-run.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { deliver, openIndexPair, rows, TABLE } from '../support/index-pair.ts'

let folder: string
let holder: IndexHolder
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-index-'))
  holder = holdIndex({ folder }, 'memory:')
  mkdirSync(holder.folder)
})
afterEach(() => {
  closeIndex(holder)
  rmSync(folder, { recursive: true })
})

// Two reads.
const ENTRIES = 300_000

const whenFree = async (): Promise<void> => undefined

test('all bytes of an index that was found are read, and read once', async () => {
  const bytes = makeRun('a', ENTRIES) + makeRun('b', 10)
  manifest(1, ['a', 'b'])
  openNewest(holder)
  expect(await readThrough(holder, { whenFree })).toBe(bytes)
  openNewest(holder)
  expect(await readThrough(holder, { whenFree })).toBe(0)
  // What another process added.
  const more = makeRun('c', 10)
  manifest(2, ['c', 'a', 'b'])
  openNewest(holder)
  expect(await readThrough(holder, { whenFree })).toBe(more)
})

test('an index that is larger than its share of memory is left on disk', async () => {
  const bytes = makeRun('a', ENTRIES)
  manifest(1, ['a'])
  openNewest(holder)
  expect(await readThrough(holder, { whenFree, bytesMax: bytes - 1 })).toBe(0)
  expect(await readThrough(holder, { whenFree }), 'it was decided when it was opened').toBe(0)
})

test('reading ends when the index is closed or dropped, or the process ends', async () => {
  const bytes = makeRun('a', ENTRIES)
  const ends: Record<string, (end: AbortController) => void> = {
    closed: () => closeIndex(holder),
    ended: (end) => end.abort(),
    // The file is gone, and its bytes are there for who has it open.
    dropped: () => discardIndex(holder),
  }
  for (const [name, happen] of Object.entries(ends)) {
    manifest(1, ['a'])
    openNewest(holder)
    const end = new AbortController()
    let waits = 0
    const happenOnce = async (): Promise<void> => {
      waits += 1
      if (waits === 2) happen(end)
    }
    const read = await readThrough(holder, { whenFree: happenOnce, signal: end.signal })
    expect(read, name).toBeGreaterThan(0)
    expect(read, name).toBeLessThan(bytes)
    closeIndex(holder)
    rmSync(join(holder.folder, '000000000001.json'), { force: true })
    expect(openFiles(), name).toEqual([])
  }
})

test('before each read it waits until no batch is under way', async () => {
  makeRun('a', ENTRIES)
  manifest(1, ['a'])
  openNewest(holder)
  let waits = 0
  const countWaits = async (): Promise<void> => {
    waits += 1
  }
  await readThrough(holder, { whenFree: countWaits })
  expect(waits, 'two reads, and one that finds the end').toBe(3)
})

test('a file that went away or was cut short fails nobody who reads it ahead', async () => {
  makeRun('a', ENTRIES)
  makeRun('b', ENTRIES)
  manifest(1, ['a', 'b'])
  openNewest(holder)
  rmSync(join(holder.folder, 'a'))
  truncateSync(join(holder.folder, 'b'), 100)
  expect(await readThrough(holder, { whenFree })).toBe(100)
})

test('who comes again has what it found read while nothing waits for it', async () => {
  const pair = await openIndexPair()
  try {
    await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 300))
    await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
    const readingOf = (): Promise<void> | undefined => pair.sessions.get(TABLE)?.index?.reading
    expect(readingOf(), 'it wrote the index itself').toBeUndefined()
    pair.sessions = new Map()
    const take = async (): Promise<void> => {
      await ingest(pair.indexed, pair.place.engine, { sessions: pair.sessions })
    }
    await deliver(pair, '20260101-000000002.csv', rows('U', 10, 20), async () => {
      await take()
      expect(readingOf()).toBeInstanceOf(Promise)
      await readingOf()
      expect([readingOf(), pair.sessions.get(TABLE)?.index?.unread.size]).toEqual([undefined, 0])
    })
    await deliver(pair, '20260101-000000003.csv', rows('U', 10, 20), async () => {
      await take()
      expect(readingOf()).toBeUndefined()
    })
    for (const { index } of pair.sessions.values()) await index?.building
  } finally {
    await pair.place.close()
  }
})

function makeRun(name: string, count: number): number {
  const path = join(holder.folder, name)
  const writer = writeRun(path, { sequenceBytes: undefined })
  for (let at = 0; at < count; at++) {
    const { bytes, offset } = writer.next()
    const hashes = { words: new Uint32Array([at, 0, 0, 0]), count: 1 }
    writePlace(bytes, offset, { hashes, at: 0, file: 0, position: at })
  }
  writer.finish({ files: ['f'], landings: [] })
  return statSync(path).size
}

function manifest(number: number, runs: readonly string[]): void {
  createManifest(holder.folder, number, {
    format: 1,
    subject: { url: 'memory:', tableId: 't', key: [], sequence: null },
    salt: '',
    version: number,
    fingerprint: '',
    unusable: null,
    runs: runs.map((name) => ({ name, entries: 1 })),
  })
}

/** Files below the folder that this process has open, where the system tells. */
function openFiles(): readonly string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', descriptor))
      return path.startsWith(folder) ? [path] : []
    } catch {
      // The one by which the folder was listed.
      return []
    }
  })
}
