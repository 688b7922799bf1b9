import { expect, test } from 'vitest'
import { judgeFreshness } from '../../src/inspect/freshness.ts'

const NOW = { targetMs: 300_000, nowMs: Date.parse('2026-01-01T12:00:00Z') }
const NOTHING_WAITS = { oldestAt: null }

test('a file that waits longer than the target misses it', () => {
  const table = { waiting: { oldestAt: '2026-01-01T11:54:59Z' }, lastHour: null }
  expect(judgeFreshness(table, NOW)).toEqual({
    targetMs: 300_000,
    oldestWaitingMs: 301_000,
    newestMs: null,
    isMissed: true,
  })
  expect(judgeFreshness({ ...table, waiting: { oldestAt: '2026-01-01T11:55:00Z' } }, NOW)?.isMissed).toBe(false)
})

test('a newest change that took too long from source to commit misses the target, by whichever hop', () => {
  const newest = { dmsMs: 290_000, queueMs: 8000, mergeMs: 2001 }
  const table = { waiting: NOTHING_WAITS, lastHour: { newest } }
  expect(judgeFreshness(table, NOW)).toMatchObject({ newestMs: 300_001, isMissed: true })
  const faster = { ...newest, dmsMs: null }
  expect(judgeFreshness({ ...table, lastHour: { newest: faster } }, NOW)).toMatchObject({
    newestMs: 10_001,
    isMissed: false,
  })
})

test('a quiet source is not late, and without a target nothing is', () => {
  const table = { waiting: NOTHING_WAITS, lastHour: { newest: null } }
  expect(judgeFreshness(table, NOW)?.isMissed).toBe(false)
  expect(judgeFreshness(table, { ...NOW, targetMs: undefined })).toBeNull()
})
