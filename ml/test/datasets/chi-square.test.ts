import { expect, test } from 'vitest'
import { adjustForMany, chiSquareTail } from '../../src/datasets/chi-square.ts'

test.each([
  [3.841, 1, 0.05],
  [18.307, 10, 0.05],
  [30.144, 19, 0.05],
  [36.191, 19, 0.01],
  [124.342, 100, 0.05],
])('the tail beyond %d with %d degrees of freedom is what tables say', (x, freedom, p) => {
  expect(chiSquareTail(x, freedom)).toBeCloseTo(p, 4)
})

test('two degrees of freedom decay as an exponential does', () => {
  for (const x of [0.1, 1, 5, 40]) expect(chiSquareTail(x, 2)).toBeCloseTo(Math.exp(-x / 2), 12)
})

test('p-values of many columns are adjusted by their ranks and never fall below a smaller one', () => {
  expect(adjustForMany([0.01, 0.04, 0.03, 0.005])).toEqual([0.02, 0.04, 0.04, 0.02])
})
