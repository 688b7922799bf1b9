// Worth its seconds: the second half of the worlds of duckdb.slow.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DuckdbSimulation, openDuckdbSimulation } from './duckdb-parts.ts'
import { halfOf, runRange } from './report.ts'

const { first, last } = halfOf('duckdb', 2)

let simulation: DuckdbSimulation
beforeAll(async () => {
  simulation = await openDuckdbSimulation()
})
afterAll(() => simulation.close())

test(`the worlds ${first} to ${last} leave tables, and change feeds, that are the source`, {
  timeout: 7_200_000,
}, async () => {
  const { failure, commits } = await runRange(simulation, { first, last })
  expect(failure).toBeUndefined()
  expect(commits, 'commits of a world, on average').toBeGreaterThan((last - first + 1) * 3)
})
