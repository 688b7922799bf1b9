import { join } from 'node:path'
import { TributaryError } from '@tributary/delta'
import { describe, expect, test } from 'vitest'
import { parseTime } from '../../src/query/time-text.ts'
import { parsePoint, resolveVersion } from '../../src/query/version-text.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()

describe('parsePoint', () => {
  test.each([
    ['v118', { kind: 'version', version: 118 }],
    ['118', { kind: 'version', version: 118 }],
    ['15m', { kind: 'ago', durationMs: 900_000 }],
    ['2h', { kind: 'ago', durationMs: 7_200_000 }],
    ['1d', { kind: 'ago', durationMs: 86_400_000 }],
    ['2026-01-31', { kind: 'time', timestampMs: Date.UTC(2026, 0, 31) }],
    ['2026-01-31T10:00:00Z', { kind: 'time', timestampMs: Date.UTC(2026, 0, 31, 10) }],
    ['2026-01-31 10:00:00.123456+00', { kind: 'time', timestampMs: Date.UTC(2026, 0, 31, 10, 0, 0, 123) }],
    ['2026-01-31T10:00+02:00', { kind: 'time', timestampMs: Date.UTC(2026, 0, 31, 8) }],
  ])('%s', (text, point) => {
    expect(parsePoint(text)).toEqual(point)
  })

  test.each(['', 'v', '15 minutes ago', '2026-13-01', '-1', 'v1.5', '10:00'])(
    '%j is neither version nor time',
    (text) => {
      expect(() => parsePoint(text)).toThrow(TributaryError)
    },
  )

  test('a time without zone is UTC', () => {
    expect(parseTime('2026-01-31T10:00:00')).toBe(Date.UTC(2026, 0, 31, 10))
  })
})

test('a time stands for the newest version at or before it', async () => {
  const store = await ordersTable(engine(), join(folder(), 'times'), [
    { put: [{ id: 1 }], at: '2026-01-01T00:00:00Z', sourceAt: '2013-01-01T10:00:00Z' },
    { put: [{ id: 2 }], at: '2026-01-01T00:00:05Z', sourceAt: '2013-01-01T10:10:00Z' },
    { put: [{ id: 3 }], at: '2026-01-01T00:00:09Z', sourceAt: '2013-01-01T10:20:00Z' },
  ])
  const nowMs = Date.parse('2026-01-01T00:00:10Z')
  expect(await resolveVersion(store, '2026-01-01T00:00:05Z', { nowMs })).toBe(1)
  expect(await resolveVersion(store, '2026-01-01T00:00:08Z', { nowMs })).toBe(1)
  expect(await resolveVersion(store, '3s', { nowMs })).toBe(1)
  expect(await resolveVersion(store, '1h', { nowMs })).toBe(-1)
  expect(await resolveVersion(store, 'v2', { nowMs })).toBe(2)
  await expect(resolveVersion(store, 'v3', { nowMs })).rejects.toThrow(TributaryError)
  // By the source's clock the newest change is now: fifteen minutes before it lies between the first and the second commit.
  expect(await resolveVersion(store, '15m', { nowMs, by: 'source' })).toBe(0)
  expect(await resolveVersion(store, '10m', { nowMs, by: 'source' })).toBe(1)
  expect(await resolveVersion(store, '2013-01-01T10:15:00Z', { nowMs, by: 'source' })).toBe(1)
  expect(await resolveVersion(store, '2012-01-01', { nowMs, by: 'source' })).toBe(-1)
})
