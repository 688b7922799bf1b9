import { describe, expect, test } from 'vitest'
import { atLeast, atMost, figureOf, ratiosOf } from '../figures.ts'
import type { Measured } from '../measure.ts'
import type { Run } from '../rounds.ts'

const verdict = (values: readonly number[], goal: Parameters<typeof figureOf>[3]): string | undefined =>
  figureOf('a figure', 'times', values, goal).goal?.verdict

describe('a goal', () => {
  test('is reached by the median, on its very limit too', () => {
    expect(verdict([1, 1.3, 9], atMost(1.3))).toBe('reached')
    expect(verdict([1, 40, 90], atLeast(40))).toBe('reached')
  })

  test('that is missed by less than the rounds lie apart is within the noise', () => {
    expect(verdict([1.3, 1.4, 1.5], atMost(1.31))).toBe('within noise')
    expect(verdict([36, 38, 42], atLeast(40))).toBe('within noise')
  })

  test('that is missed by more than the noise is missed, and so is one without any value', () => {
    expect(verdict([1.39, 1.4, 1.41], atMost(1.3))).toBe('missed')
    expect(verdict([37, 38, 39], atLeast(40))).toBe('missed')
    expect(verdict([1.4], atMost(1.3))).toBe('missed')
    expect(verdict([], atMost(1.3))).toBe('missed')
    expect(verdict([1, 2, Number.NaN], atLeast(0))).toBe('missed')
  })
})

test('the noise is half of the distance between the rounds, as a share of the median', () => {
  expect(figureOf('a figure', 'ms', [90, 100, 130]).noise).toBe(0.2)
  expect(figureOf('a figure', 'ms', [90]).noise).toBe(0)
})

test('a ratio is taken within each round, and a round that one of them sat out does not count', () => {
  const runs = [
    ...[10, 30, 50].map((ms, round) => runOf('ours', round, ms)),
    ...[100, 600].map((ms, round) => runOf('theirs', round, ms)),
  ]
  expect(ratiosOf(runs, 'theirs', 'ours')).toEqual([10, 20])
  expect(ratiosOf(runs, 'ours', 'theirs')).toEqual([0.1, 0.05])
})

function runOf(contender: string, round: number, ms: number): Run {
  const measured: Measured = {
    ms,
    own: {},
    cpuMs: 0,
    anonKib: 0,
    residentKib: 0,
    readBytes: 0,
    writtenBytes: 0,
    dirtiedBytes: 0,
    hasDuckdb: false,
  }
  return { contender, round, measured }
}
