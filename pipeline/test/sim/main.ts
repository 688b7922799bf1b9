// `make sim SEEDS=1000-2000`: any range of seeds, and for a single one its whole history.
import { systemClock } from '@tributary/delta'
import { openDuckdbSimulation } from './duckdb-parts.ts'
import { runRange } from './report.ts'
import { logicParts, runSeed } from './run-seed.ts'

const { SEEDS = '1-1000', ENGINE = 'logic' } = process.env
const [first = 1, last = first] = SEEDS.split('-').map(Number)
const duckdb = ENGINE === 'duckdb' ? await openDuckdbSimulation() : undefined
const simulation = duckdb ?? ({ name: 'logic', parts: logicParts, options: {} } as const)
if (first === last) {
  const { world } = await runSeed(first, simulation.parts, { ...simulation.options, isRecorded: true })
  console.log(world.history.join('\n'))
}
const startMs = systemClock.now()
const { seeds, steps, commits, failure } = await runRange(simulation, { first, last })
const seconds = (systemClock.now() - startMs) / 1000
console.log(
  `${seeds} seeds, ${steps} steps, ${commits} commits in ${seconds.toFixed(1)} s: ${failure === undefined ? 'nothing broke' : 'broken'}`,
)
if (failure !== undefined) {
  console.log(failure)
  process.exitCode = 1
}
await duckdb?.close()
