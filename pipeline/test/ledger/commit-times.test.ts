import { expect, test } from 'vitest'
import { encodeCommitTimes, hopsOf, parseCommitTimes } from '../../src/ledger/commit-times.ts'

const ENTRIES = [
  { kind: 'cdc', modifiedMs: Date.parse('2026-01-01T10:00:01Z') },
  { kind: 'cdc', modifiedMs: Date.parse('2026-01-01T10:01:01Z') },
  { kind: 'replay', modifiedMs: Date.parse('2026-01-01T11:00:00Z') },
] as const

test('a commit tells the way of its newest change, and the hops follow from it', () => {
  const userMetadata = encodeCommitTimes({
    sourceAt: '2026-01-01T10:01:00Z',
    entries: ENTRIES,
    readAtMs: Date.parse('2026-01-01T10:01:03Z'),
  })
  expect(parseCommitTimes(userMetadata)).toEqual({
    sourceAt: '2026-01-01T10:01:00Z',
    landedAt: '2026-01-01T10:01:01.000Z',
    pickedUpAt: '2026-01-01T10:01:03.000Z',
  })
  const timestamp = Date.parse('2026-01-01T10:01:05Z')
  expect(hopsOf({ timestamp, userMetadata })).toEqual({ dmsMs: 1000, queueMs: 2000, mergeMs: 2000 })
})

test('a time as DMS writes it, without a zone, is UTC wherever the machine stands', () => {
  const zone = process.env['TZ']
  process.env['TZ'] = 'America/New_York'
  try {
    for (const sourceAt of ['2026-01-01 10:01:00.000000', '2026-01-01 10:01:00+00']) {
      const readAtMs = Date.parse('2026-01-01T10:01:03Z')
      const userMetadata = encodeCommitTimes({ sourceAt, entries: ENTRIES, readAtMs })
      expect(hopsOf({ timestamp: readAtMs, userMetadata })).toMatchObject({ dmsMs: 1000 })
    }
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('files without the time at the source leave the hop of DMS open, and a batch without files tells no hops', () => {
  const readAtMs = Date.parse('2026-01-01T10:01:03Z')
  const userMetadata = encodeCommitTimes({ sourceAt: undefined, entries: ENTRIES, readAtMs })
  expect(hopsOf({ timestamp: readAtMs, userMetadata })).toEqual({ dmsMs: null, queueMs: 2000, mergeMs: 0 })
  expect(encodeCommitTimes({ sourceAt: undefined, entries: [], readAtMs: undefined })).toBeUndefined()
  expect(hopsOf({ timestamp: 1 })).toBeUndefined()
})

test.each(['', 'a note', '[1]', 'null', '{"landedAt":5,"pickedUpAt":"today"}'])(
  'what others write there tells nothing: %s',
  (userMetadata) => {
    expect(hopsOf({ timestamp: 1, userMetadata })).toBeUndefined()
  },
)
