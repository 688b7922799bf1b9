import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileOf, type KeyHashes, orderOf, positionOf, writeOrder, writePlace } from '../../src/key-index/entry.ts'
import { mergeRuns, planMerge } from '../../src/key-index/merge-runs.ts'
import { openRun, type Run } from '../../src/key-index/read-run.ts'
import { writeRun } from '../../src/key-index/write-run.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-index-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const ENTRIES = 10_000

test('a run finds every key that it holds, with file, position and order, and no other', () => {
  const run = openRun(makeRun('a', { count: ENTRIES, step: 3, sequenceBytes: 12 }))
  const found: [number, number, number, string | null][] = []
  const asked = hashesOf(Array.from({ length: ENTRIES * 3 }, (_, at) => at))
  run.find(
    asked,
    () => true,
    (at, bytes, offset) =>
      found.push([at, fileOf(bytes, offset), positionOf(bytes, offset), orderOf(bytes, offset).sequence]),
  )
  expect(found).toEqual(
    Array.from({ length: ENTRIES }, (_, at) => [at * 3, at % 2, 2 ** 40 + at, at % 5 === 0 ? null : `seq${at}`]),
  )
  run.close()
})

test('keys that share their first half are told apart, also where a block ends among them', () => {
  const run = openRun(makeRun('a', { count: 1000, step: 1, sequenceBytes: undefined, hash: (key) => [7, 7, 0, key] }))
  const words = new Uint32Array(Array.from({ length: 1200 }, (_, at) => [7, 7, 0, at]).flat())
  const found: number[] = []
  run.find(
    { words, count: 1200 },
    () => true,
    (at) => found.push(at),
  )
  expect(found).toEqual(Array.from({ length: 1000 }, (_, at) => at))
  run.close()
})

test('a bit that flips anywhere in a run is noticed before an answer is given', () => {
  const path = makeRun('a', { count: 300, step: 1, sequenceBytes: 8 })
  const whole = readFileSync(path)
  const asked = hashesOf(Array.from({ length: 310 }, (_, at) => at))
  for (let at = 0; at < whole.length; at += 37) {
    const bytes = Buffer.from(whole)
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at)
    writeFileSync(path, bytes)
    expect(() => {
      const run = openRun(path)
      try {
        run.find(
          asked,
          () => true,
          () => undefined,
        )
      } finally {
        run.close()
      }
    }, `byte ${at}`).toThrow(expect.objectContaining({ code: 'INDEX_DAMAGED' }))
  }
})

test('a run that was cut short is noticed', () => {
  const path = makeRun('a', { count: 300, step: 1, sequenceBytes: undefined })
  const whole = readFileSync(path)
  for (const length of [0, 10, 4096, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length))
    expect(() => openRun(path), `${length} bytes`).toThrow(expect.objectContaining({ code: 'INDEX_DAMAGED' }))
  }
})

test('a merge keeps the newest entry of each key, and none of files that have left', async () => {
  const newer = openRun(makeRun('newer', { count: 100, step: 2, sequenceBytes: 4, files: ['n0', 'gone'] }))
  const older = openRun(makeRun('older', { count: 150, step: 1, sequenceBytes: 9, files: ['o0', 'o1'] }))
  const path = join(folder, 'merged')
  const twins = await mergeRuns([newer, older], { path, clock: systemClock, isLive: (file) => file !== 'gone' })
  const merged = openRun(path)
  const expected = new Map<number, string>()
  for (let at = 0; at < 150; at++) expected.set(at, `o${at % 2} ${2 ** 40 + at}`)
  for (let at = 0; at < 100; at++) {
    expected.delete(at * 2)
    if (at % 2 === 0) expected.set(at * 2, `n0 ${2 ** 40 + at}`)
  }
  expect(contentOf(merged, 220)).toEqual(expected)
  expect(twins).toBe(75)
  for (const run of [newer, older, merged]) run.close()
})

test('each entry is merged a few times only, and there are always few runs', () => {
  let runs: number[] = [10_000_000]
  let written = 0
  let most = 0
  for (let commit = 0; commit < 1440; commit++) {
    runs = [1000, ...runs]
    written += 1000
    const count = planMerge(runs)
    if (count > 0) {
      const merged = runs.slice(0, count).reduce((sum, size) => sum + size, 0)
      written += merged
      runs = [merged, ...runs.slice(count)]
    }
    most = Math.max(most, runs.length)
  }
  expect(written / 1_440_000).toBeLessThan(10)
  expect(most).toBeLessThan(16)
})

interface RunPlan {
  readonly count: number
  readonly step: number
  readonly sequenceBytes: number | undefined
  readonly files?: readonly string[]
  readonly hash?: (key: number) => readonly [number, number, number, number]
}

function makeRun(name: string, { count, step, sequenceBytes, files = ['f0', 'f1'], hash = hashOf }: RunPlan): string {
  const path = join(folder, name)
  const shape = { sequenceBytes }
  const writer = writeRun(path, shape)
  for (let at = 0; at < count; at++) {
    const { bytes, offset } = writer.next()
    const hashes = { words: new Uint32Array(hash(at * step)), count: 1 }
    writePlace(bytes, offset, { hashes, at: 0, file: at % 2, position: 2 ** 40 + at })
    if (sequenceBytes === undefined) continue
    const sequence = at % 5 === 0 ? null : `seq${at}`.slice(0, sequenceBytes)
    writeOrder(bytes, offset, { shape, order: { landing: at % 3 === 0 ? undefined : 0, row: at, sequence } })
  }
  expect(writer.finish({ files, landings: ['landing'] })).toBe(statSync(path).size)
  return path
}

// Ascending with the key.
function hashOf(key: number): readonly [number, number, number, number] {
  return [key * 100, 2 ** 32 - 1, 0, key]
}

function hashesOf(keys: readonly number[]): KeyHashes {
  return { words: new Uint32Array(keys.flatMap((key) => [...hashOf(key)])), count: keys.length }
}

function contentOf(run: Run, keys: number): ReadonlyMap<number, string> {
  const content = new Map<number, string>()
  run.find(
    hashesOf(Array.from({ length: keys }, (_, at) => at)),
    () => true,
    (at, bytes, offset) => content.set(at, `${run.files[fileOf(bytes, offset)]} ${positionOf(bytes, offset)}`),
  )
  return content
}
