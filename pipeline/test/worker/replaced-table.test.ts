import { afterEach, expect, test } from 'vitest'
import { changesOf, type LiveLake, openLiveLake } from '../support/put-back.ts'

let lake: LiveLake
afterEach(() => lake.place.close())

const WAYS = [
  ['with an index', true],
  ['without one', false],
] as const

/** Five commits, with a backup of the second. */
async function openBackedUp(withIndex: boolean, withHistory = false): Promise<LiveLake> {
  const opened = await openLiveLake({ withIndex, withHistory })
  for (const changes of [changesOf('I', 1, 20), changesOf('U', 1, 5)]) {
    await opened.land(changes)
    await opened.work()
  }
  opened.backUp()
  for (const changes of [changesOf('D', 1, 3), changesOf('U', 4, 8), changesOf('I', 21, 30)]) {
    await opened.land(changes)
    await opened.work()
  }
  return opened
}

// To a version below the worker's, to the same, and beyond it.
const PLACES = WAYS.flatMap(([way, withIndex]) => [0, 2, 3, 4].map((others) => [way, others, withIndex] as const))

test.each(PLACES)(
  'a worker %s whose table is put back, and goes on by %i commits of others, begins anew',
  async (_, others, withIndex) => {
    lake = await openBackedUp(withIndex)
    lake.putBack()
    for (let other = 0; other < others; other++) {
      await lake.land(changesOf('U', 10 + other, 12 + other))
      await lake.workElsewhere()
    }
    await lake.land([...changesOf('U', 4, 6), ...changesOf('D', 25, 26)])
    await lake.work()
    await lake.land([...changesOf('U', 1, 3), ...changesOf('U', 10, 20)])
    await lake.work()
    expect.hasAssertions()
  },
)

test.each(WAYS)(
  'a worker %s whose table is deleted makes it anew, or goes on with what others made',
  async (_, withIndex) => {
    lake = await openBackedUp(withIndex)
    lake.remove()
    await lake.work()
    await lake.land(changesOf('U', 4, 9))
    await lake.work()
    lake.remove()
    await lake.workElsewhere()
    await lake.land(changesOf('D', 5, 12))
    await lake.work()
    expect.hasAssertions()
  },
)

test.each([0, 3])(
  'so does one that keeps a history, which begins anew with it (%i commits of others)',
  async (others) => {
    lake = await openBackedUp(true, true)
    lake.putBack()
    for (let other = 0; other < others; other++) {
      await lake.land(changesOf('U', 10 + other, 12 + other))
      await lake.workElsewhere()
    }
    for (const changes of [changesOf('U', 4, 6), changesOf('D', 25, 26)]) {
      await lake.land(changes)
      await lake.work()
    }
    lake.remove()
    await lake.work()
    expect.hasAssertions()
  },
)
