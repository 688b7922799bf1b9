// Worth its seconds: the worlds of logic.slow.test.ts with CSV, Parquet, deletion vectors and a real DuckDB (reliability.md §6, row C).
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DuckdbSimulation, openDuckdbSimulation } from './duckdb-parts.ts'
import { halfOf } from './report.ts'
import { runSeed } from './run-seed.ts'
import { expectSound } from './seeds-apart.ts'

/** The other half is in duckdb-second.slow.test.ts, for the other core. */
const half = halfOf('duckdb', 1)

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

test(
  `${half.last} worlds with real files leave tables, and change feeds, that are the source`,
  {
    timeout: 7_200_000,
  },
  () => expectSound('duckdb', half),
)
