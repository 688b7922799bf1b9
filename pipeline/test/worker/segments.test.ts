import { memoryStore, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { appendLedger, type LedgerEntry, readLedger } from '../../src/ledger/ledger.ts'
import type { Segment } from '../../src/ledger/table-state.ts'

function entry(number: number): LedgerEntry {
  const counts = { read: 1, applied: 1, superseded: 0, noop: 0, quarantined: 0, digitsCut: 0 }
  const key = `t/${number}.csv`
  return {
    key,
    sizeBytes: 1,
    hash: `${number}`,
    modifiedMs: 0,
    generation: 1,
    kind: 'cdc',
    place: `1 ${key}`,
    batch: number,
    ...counts,
  }
}

test('a thousand commits leave a short list of segments, every entry once, and little rewritten', async () => {
  const store = memoryStore()
  let writtenBytes = 0
  const counting = {
    ...store,
    create: (path: string, bytes: Uint8Array) => {
      writtenBytes += bytes.length
      return store.create(path, bytes)
    },
  }
  let segments: readonly Segment[] = []
  for (let number = 0; number < 1000; number += 1)
    segments = await appendLedger({ store: counting, clock: systemClock }, segments, [entry(number)])
  const entries = await readLedger(store, segments)
  expect(entries.map(({ batch }) => batch).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 1000 }, (_, at) => at),
  )
  expect(segments.length).toBeLessThanOrEqual(28)
  const leastBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  expect(writtenBytes / leastBytes).toBeLessThan(6)
})

test('a segment that is gone, and one with other bytes, is an error that names it', async () => {
  const store = memoryStore()
  const [segment] = await appendLedger({ store, clock: systemClock }, [], [entry(1)])
  if (segment === undefined) throw new Error('no segment')
  await store.write(segment.path, Buffer.from('junk'))
  await expect(readLedger(store, [segment])).rejects.toMatchObject({ code: 'SEGMENT_CORRUPT' })
  await store.delete(segment.path)
  await expect(readLedger(store, [segment])).rejects.toMatchObject({ code: 'SEGMENT_LOST' })
})
