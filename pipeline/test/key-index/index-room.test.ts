import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeRoom } from '../../src/key-index/index-room.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 0, 10)
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'index-room-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function indexOf(name: string, { bytes, idleDays }: { readonly bytes: number; readonly idleDays: number }): string {
  const path = join(folder, name)
  mkdirSync(path)
  for (const [file, size] of [
    ['a.run', bytes - 10],
    ['000000000001.json', 10],
  ] as const) {
    writeFileSync(join(path, file), Buffer.alloc(size))
    utimesSync(join(path, file), new Date(NOW_MS - idleDays * DAY_MS), new Date(NOW_MS - idleDays * DAY_MS))
  }
  return path
}

test('indexes that nobody used for a day give way, the oldest first, and no more of them than needed', () => {
  const [old, older, used] = [
    indexOf('old', { bytes: 1000, idleDays: 2 }),
    indexOf('older', { bytes: 1000, idleDays: 3 }),
    indexOf('used', { bytes: 1000, idleDays: 0.5 }),
  ]
  // Its own entries are no hindrance, and 10 keys need 640 bytes.
  const own = indexOf('own', { bytes: 5000, idleDays: 9 })
  const room = makeRoom({ folder, bytesMax: 2700 }, { own, keys: 10, nowMs: NOW_MS })
  expect(room).toEqual({ isThere: true, neededBytes: 640, takenBytes: 2000, bytesMax: 2700 })
  expect([old, older, used, own].map((path) => existsSync(path))).toEqual([true, false, true, true])
})

test('what is in use stays, and nothing is dropped for an index that does not fit alone', () => {
  const [old, used] = [indexOf('old', { bytes: 1000, idleDays: 2 }), indexOf('used', { bytes: 1000, idleDays: 0 })]
  const own = join(folder, 'own')
  expect(makeRoom({ folder, bytesMax: 3000 }, { own, keys: 1000, nowMs: NOW_MS }).isThere).toBe(false)
  expect(existsSync(old)).toBe(true)
  expect(makeRoom({ folder, bytesMax: 1500 }, { own, keys: 10, nowMs: NOW_MS })).toMatchObject({
    isThere: false,
    takenBytes: 1000,
  })
  expect(existsSync(used)).toBe(true)
})

test('a folder that is not there is empty', () => {
  expect(makeRoom({ folder: join(folder, 'no') }, { own: 'x', keys: 1, nowMs: NOW_MS })).toMatchObject({
    isThere: true,
    takenBytes: 0,
  })
})
