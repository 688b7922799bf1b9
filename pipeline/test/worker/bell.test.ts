import { systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { createBell } from '../../src/worker/bell.ts'

const LONG_MS = 60_000

test('a ring ends the wait under way, and one that nobody heard ends the next', async () => {
  const bell = createBell(systemClock, new AbortController().signal)
  const waiting = bell.wait(LONG_MS)
  bell.ring()
  await waiting
  bell.ring()
  await bell.wait(LONG_MS)
  const before = systemClock.now()
  await bell.wait(20)
  expect(systemClock.now() - before, 'a ring is heard once').toBeGreaterThanOrEqual(19)
})

test('once all ends nobody waits any more', async () => {
  const ending = new AbortController()
  const bell = createBell(systemClock, ending.signal)
  const waiting = bell.wait(LONG_MS)
  ending.abort()
  await waiting
  await bell.wait(LONG_MS)
  await createBell(systemClock, ending.signal).wait(LONG_MS)
})
