// Worth its seconds: the worlds of logic.slow.test.ts with CSV, Parquet, deletion vectors and a real DuckDB (reliability.md §6, row C).
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DuckdbSimulation, openDuckdbSimulation } from './duckdb-parts.ts'
import { halfOf, runRange } from './report.ts'
import { runSeed } from './run-seed.ts'

/** The other half is in duckdb-second.slow.test.ts, for the other core. */
const { first, last } = halfOf('duckdb', 1)
const SEEDS = last - first + 1

let simulation: DuckdbSimulation
beforeAll(async () => {
  simulation = await openDuckdbSimulation()
})
afterAll(() => simulation.close())

test('a seed gives the same history with DuckDB too', async () => {
  const histories: string[] = []
  for (let run = 0; run < 2; run += 1)
    histories.push(
      (await runSeed(3, simulation.parts, { ...simulation.options, isRecorded: true })).world.history.join('\n'),
    )
  expect(histories[0]?.length).toBeGreaterThan(1000)
  expect(new Set(histories).size).toBe(1)
})

test(`${SEEDS} worlds with real files leave tables, and change feeds, that are the source`, {
  timeout: 7_200_000,
}, async () => {
  const { failure, commits } = await runRange(simulation, { first, last })
  expect(failure).toBeUndefined()
  expect(commits, 'commits of a world, on average').toBeGreaterThan(SEEDS * 3)
})
