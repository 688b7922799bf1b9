import { commitInfoOf, type Engine, readCommits } from '@tributary/delta'
import { expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { deliver, expectDone, type IndexPair, openLoadedPair, rows, TABLE } from '../support/index-pair.ts'

test('a batch that comes right after another waits until the index has taken that one up, and reads no file', async () => {
  const pair = await openLoadedPair()
  // Long enough for the batch to come upon it.
  await deliverTwo(pair, () => new Promise((resolve) => setTimeout(resolve, 600)))
  expect(await filesScanned(pair)).toBe('0')
  await pair.place.close()
})

test('it waits a second at most, and reads the keys of the table then', async () => {
  const pair = await openLoadedPair()
  const ending: { end: () => void } = { end: () => undefined }
  const ended = new Promise<void>((resolve) => Object.assign(ending, { end: resolve }))
  await deliverTwo(pair, () => ended)
  expect(Number(await filesScanned(pair))).toBeGreaterThan(0)
  ending.end()
  for (const { index } of pair.sessions.values()) await index?.building
  await deliver(pair, '20260101-000000004.csv', [...rows('U', 90, 220), ...rows('D', 15, 16)])
  expect(await filesScanned(pair)).toBe('0')
  await pair.place.close()
})

/** Two batches, of which the index takes the first one up as slowly as is said. */
async function deliverTwo(pair: IndexPair, delay: () => Promise<void>): Promise<void> {
  // Only an index reads keys as a stream.
  const slow = (inner: Engine): Engine => ({
    ...inner,
    fork: async () => slow(await inner.fork()),
    streamVectors: async function* (sql) {
      await delay()
      yield* inner.streamVectors(sql)
    },
  })
  const ingestWith = (engine: Engine) => async (): Promise<void> =>
    expectDone(await ingest(pair.indexed, engine, { sessions: pair.sessions }))
  await deliver(pair, '20260101-000000002.csv', rows('U', 100, 200), ingestWith(slow(pair.place.engine)))
  await deliver(
    pair,
    '20260101-000000003.csv',
    [...rows('U', 150, 210), ...rows('D', 1, 9)],
    ingestWith(pair.place.engine),
  )
}

/** By the newest commit. */
async function filesScanned(pair: IndexPair): Promise<string | undefined> {
  const { version = 0, store } = pair.sessions.get(TABLE)?.snapshot ?? {}
  if (store === undefined) throw new Error('no table')
  let scanned: string | undefined
  for await (const { actions } of readCommits(store, { fromVersion: version, toVersion: version }))
    scanned = commitInfoOf(actions)?.operationMetrics?.['filesScanned']
  return scanned
}
