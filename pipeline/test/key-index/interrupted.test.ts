import type { Engine } from '@tributary/delta'
import { expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { deliver, expectDone, openIndexPair, rows, TABLE, versionOfIndex } from '../support/index-pair.ts'

test('an index that was being brought up to date when the worker was told to end has all keys or stays as it was', async () => {
  const pair = await openIndexPair()
  const { engine } = pair.place
  await deliver(pair, 'LOAD00000001.csv', rows('I', 1, 9000))
  await deliver(pair, '20260101-000000001.csv', rows('U', 10, 20))
  const ending = new AbortController()
  // The keys of what was committed come in more than one part.
  const endingAmidKeys = (inner: Engine): Engine => ({
    ...inner,
    fork: async () => endingAmidKeys(await inner.fork()),
    streamVectors: async function* (sql) {
      for await (const part of inner.streamVectors(sql)) {
        ending.abort()
        yield part
      }
    },
  })
  const covered = versionOfIndex(pair)
  await deliver(pair, '20260101-000000002.csv', rows('U', 1, 8000), async () => {
    expectDone(await ingest(pair.indexed, endingAmidKeys(engine), { sessions: pair.sessions, signal: ending.signal }))
    await pair.sessions.get(TABLE)?.index?.building
  })
  expect([ending.signal.aborted, versionOfIndex(pair)]).toEqual([true, covered])
  pair.sessions = new Map()
  await deliver(pair, '20260101-000000003.csv', [...rows('U', 1, 8500), ...rows('D', 8600, 8601)])
  await pair.place.close()
})
