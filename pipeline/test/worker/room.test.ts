import { expect, test } from 'vitest'
import type { LandingFile } from '../../src/worker/plan.ts'
import { batchPace, estimateNeeds, judgeFit, type Room } from '../../src/worker/room.ts'

const MIB = 1024 * 1024

function changes(...files: readonly (readonly [string, number])[]) {
  const landing = files.map(
    ([key, sizeBytes]): LandingFile => ({ key, sizeBytes, modifiedMs: 0, kind: 'cdc', place: key }),
  )
  return { kind: 'changes', files: landing, guard: false } as const
}

function room(more: Partial<Room>): Room {
  return {
    memoryBytes: 100 * MIB,
    diskBytes: 100 * MIB,
    remainingMs: () => 60_000,
    wholeMs: 60_000,
    pace: batchPace(),
    ...more,
  }
}

test('compressed files count as what becomes of them, and only three of them lie on the disk at once', () => {
  const { pace } = room({})
  expect(estimateNeeds(changes(['a.csv', MIB]), pace).scratchBytes).toBe(4 * MIB)
  expect(estimateNeeds(changes(['a.csv.gz', MIB]), pace).scratchBytes).toBe(11 * MIB + 20 * MIB)
  const many = changes(...Array.from({ length: 10 }, (_, at) => [`${at}.csv`, MIB] as const))
  expect(estimateNeeds(many, pace)).toMatchObject({
    files: 10,
    storedBytes: 10 * MIB,
    scratchBytes: 6 * MIB + 20 * MIB,
  })
})

test('a batch that finds too little memory, disk or time for ever is too large; one that lacks only time now comes later', () => {
  const needs = { files: 1, storedBytes: 1, scratchBytes: 200 * MIB, expectedMs: 20_000 }
  expect(judgeFit(needs, room({}))).toBe('fits')
  expect(judgeFit({ ...needs, scratchBytes: 200 * MIB + 1 }, room({}))).toBe('too-large')
  expect(judgeFit(needs, room({ wholeMs: 29_999 }))).toBe('too-large')
  expect(judgeFit(needs, room({ remainingMs: () => 29_999 }))).toBe('later')
})

test('a pace is guessed at first, learned from batches that tell, and the slower of the last two counts twice', () => {
  const pace = batchPace()
  expect(pace.expectedMs(4096 * 1000)).toBe(4_000)
  pace.note(MIB - 1, 1_000_000)
  expect(pace.expectedMs(4096 * 1000)).toBe(4_000)
  pace.note(100 * MIB, 1_000)
  pace.note(100 * MIB, 2_000)
  expect(pace.expectedMs(100 * MIB)).toBe(7_000)
  pace.note(100 * MIB, 500)
  pace.note(100 * MIB, 500)
  expect(pace.expectedMs(100 * MIB)).toBe(4_000)
})
