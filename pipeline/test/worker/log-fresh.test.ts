import { expect, test } from 'vitest'
import { isLogFresh } from '../../src/worker/commit-batch.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 0, 31)
const clock = { now: () => NOW }
const metadata = (retention?: string) => ({
  id: 'a',
  format: { provider: 'parquet', options: {} },
  schemaString: '',
  partitionColumns: [],
  configuration: retention === undefined ? {} : { 'delta.logRetentionDuration': retention },
})

test.each([
  ['a batch of an hour, thirty days of log', HOUR, undefined, true],
  ['a batch of twenty days', 20 * DAY, undefined, false],
  ['a batch of an hour, a log of an hour', HOUR, 'interval 1 hour', false],
  ['a batch of a minute, a log of an hour', 60_000, 'interval 1 hour', true],
  ['no time in a log that keeps nothing', 0, 'interval 0 seconds', false],
] as const)('%s: is the log known to be whole?', (_, age, retention, expected) => {
  expect(isLogFresh(clock, { snapshot: { metadata: metadata(retention) }, readAtMs: NOW - age })).toBe(expected)
})

test('who does not say when the log was read has it looked at', () => {
  expect(isLogFresh(clock, { snapshot: { metadata: metadata() } })).toBe(false)
})
