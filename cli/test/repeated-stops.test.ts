import type { IngestEvent } from '@tributary/pipeline'
import { expect, test } from 'vitest'
import { SAY_AGAIN_MS, tellStopsOnce } from '../src/repeated-stops.ts'

const late = (table: string, file = 'a.csv'): IngestEvent => ({
  kind: 'stopped',
  table,
  code: 'LATE_FILE',
  message: `${file} sorts at or before b.csv`,
})

const committed = (table: string): IngestEvent => ({
  kind: 'committed',
  table,
  version: 1,
  operation: 'UPSERT',
  files: 1,
  read: 1,
  applied: 1,
  superseded: 0,
  noop: 0,
  quarantined: 0,
  inserted: 1,
  updated: 0,
  deleted: 0,
  bytesAdded: 1,
  ms: 1,
})

function listen(): { readonly told: IngestEvent[]; readonly hear: (event: IngestEvent, atMs: number) => void } {
  const told: IngestEvent[] = []
  let nowMs = 0
  const onEvent = tellStopsOnce(
    (event) => void told.push(event),
    () => nowMs,
  )
  return {
    told,
    hear: (event, atMs) => {
      nowMs = atMs
      onEvent(event)
    },
  }
}

test('a table that stays stopped is told once, and again after ten minutes', () => {
  const { told, hear } = listen()
  for (let ms = 0; ms < SAY_AGAIN_MS; ms += 5000) hear(late('shop.orders'), ms)
  expect(told).toEqual([late('shop.orders')])
  hear(late('shop.orders'), SAY_AGAIN_MS)
  hear(late('shop.orders'), SAY_AGAIN_MS + 5000)
  expect(told).toHaveLength(2)
})

test('another reason, another table, and a stop after a commit are told at once', () => {
  const { told, hear } = listen()
  const events = [
    late('shop.orders'),
    late('shop.customers'),
    late('shop.orders', 'c.csv'),
    committed('shop.orders'),
    late('shop.orders', 'c.csv'),
  ]
  for (const [at, event] of events.entries()) hear(event, at)
  expect(told).toEqual(events)
})

test('a warning is told each time', () => {
  const { told, hear } = listen()
  const warning: IngestEvent = { kind: 'warning', table: 'shop.orders', message: 'a column is missing' }
  for (const ms of [0, 1, 2]) hear(warning, ms)
  expect(told).toHaveLength(3)
})
