import { expect, test } from 'vitest'
import { atLeast, atMost, figureOf } from '../figures.ts'
import { lossesText } from '../losses.ts'

const lostOf = (...figures: readonly ReturnType<typeof figureOf>[]): readonly string[] =>
  lossesText([{ suite: 'orders/scan', figures }])
    .split('\n')
    .filter((line) => line.startsWith('* `orders/scan`'))

test('the page lists every missed goal and every peer that is ahead of us, also where no goal speaks of it', () => {
  const lost = lostOf(
    figureOf('a batch', 'ms', [200, 201], atMost(150)),
    figureOf('delta-rs takes, of the time of Tributary', 'times', [0.5]),
    figureOf('with vectors: Tributary takes, of the time of DuckDB’s delta extension', 'times', [1.2], atMost(1.3)),
  )
  expect(lost).toEqual([
    '* `orders/scan`: a batch: 201 ms (goal: at most 150 ms, missed)',
    '* `orders/scan`: delta-rs takes, of the time of Tributary: 0.50 ×',
    '* `orders/scan`: with vectors: Tributary takes, of the time of DuckDB’s delta extension: 1.20 ×',
  ])
})

test('where we are ahead, and what only compares us with ourselves, is no loss', () => {
  const lost = lostOf(
    figureOf('delta-rs’s MERGE takes, of the time of a warm batch of ours', 'times', [50], atLeast(40)),
    figureOf('a warm batch into 100 rows takes, of the time into 10', 'times', [1.2], atMost(1.3)),
    figureOf('the base takes, of the time of tributary', 'times', [0.9]),
    figureOf('optimized: Tributary takes, of the time of raw Parquet', 'times', [0.98], atMost(1.05)),
  )
  expect(lost).toEqual([])
})
