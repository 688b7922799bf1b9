// What a person needs who has a seed that broke something.
import { times } from '../../../delta/test/soak.ts'
import { type RunParts, type RunReport, runSeed } from './run-seed.ts'
import type { WorldOptions } from './world.ts'

/** A kind of run: a name for the command line, and its parts. */
export interface Simulation {
  readonly name: 'logic' | 'duckdb'
  readonly parts: RunParts
  readonly options: WorldOptions
}

/** What a range of seeds came to. */
export interface RangeReport {
  readonly seeds: number
  readonly steps: number
  readonly commits: number
  /** The first seed that broke an invariant, in words. */
  readonly failure: string | undefined
}

const LINES_MAX = 60
const SEEDS = { logic: times(5_000, 50_000), duckdb: times(200, 2_000) } as const

/** One half of the seeds of a test run: each has a file, and CI two cores. */
export function halfOf(name: Simulation['name'], half: 1 | 2): Range {
  const middle = SEEDS[name] / 2
  return half === 1 ? { first: 1, last: Math.floor(middle) } : { first: Math.floor(middle) + 1, last: SEEDS[name] }
}

/** Seeds, both ends included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** Runs seeds one after another, up to the first that breaks something. */
export async function runRange(simulation: Simulation, { first, last }: Range): Promise<RangeReport> {
  let steps = 0
  let commits = 0
  for (let seed = first; seed <= last; seed += 1) {
    const report = await runSeed(seed, simulation.parts, simulation.options)
    steps += report.steps
    commits += report.commits
    if (report.violations.length > 0)
      return { seeds: seed - first + 1, steps, commits, failure: await explain(simulation, report) }
  }
  return { seeds: last - first + 1, steps, commits, failure: undefined }
}

/** Runs the seed once more and writes down what happened: a run that is not watched need not remember. */
async function explain(simulation: Simulation, { seed, violations }: RunReport): Promise<string> {
  const again = await runSeed(seed, simulation.parts, { ...simulation.options, isRecorded: true })
  const isSame = again.violations.join('\n') === violations.join('\n')
  return [
    ...again.world.history.slice(-LINES_MAX),
    `seed ${seed} broke`,
    ...violations.map((violation) => `  ${violation}`),
    ...(isSame
      ? []
      : ['  and something else when it was run again: the simulation itself is not a function of its seed']),
    `replay: make sim SEEDS=${seed}-${seed}${simulation.name === 'logic' ? '' : ` ENGINE=${simulation.name}`}`,
  ].join('\n')
}
