// One seed, one run: DMS writes, workers work and die, faults end, the backlog drains, workers are told to end, and then all is checked.
import { parseRows, readTableRows } from './data-files.ts'
import { startSource } from './dms.ts'
import { heal } from './faults.ts'
import { findViolations, isDrained, type Reading } from './invariants.ts'
import { memoryWork } from './memory-work.ts'
import { startOperator } from './operator.ts'
import { preload } from './preload.ts'
import { noEngine, type ProcessParts, startProcesses } from './processes.ts'
import { rewriteInMemory, startRivals } from './rivals.ts'
import { createWorld, type World, type WorldOptions } from './world.ts'

/** What came of a run. */
export interface RunReport {
  readonly seed: number
  readonly steps: number
  readonly commits: number
  readonly violations: readonly string[]
  readonly world: World
}

/** A run's parts: what rows are made with and read by, and what is exchanged. */
export interface RunParts extends ProcessParts, Reading {}

/** Rows in memory, as JSON. */
export const logicParts: RunParts = {
  engineFor: () => noEngine,
  work: memoryWork,
  rewrite: rewriteInMemory,
  readRows: readTableRows,
  parseRows,
}

/** After the last file and the last message workers go on for so long, to show that they do nothing twice. */
const IDLE_MS = 25_000

/** Runs a seed to its end. It never throws for what the workers did: that is in `violations`. */
export async function runSeed(
  seed: number,
  parts: RunParts = logicParts,
  options: WorldOptions = {},
): Promise<RunReport> {
  await preload()
  const world = createWorld(seed, options)
  const { scheduler, watcher } = world
  const report = (steps: number, violations: readonly string[]): RunReport => ({
    seed,
    steps,
    commits: [...watcher.tables.values()].reduce((sum, { commits }) => sum + commits, 0),
    violations,
    world,
  })
  let steps = 0
  try {
    const source = startSource(world)
    const processes = startProcesses(world, parts)
    startOperator(world, parts)
    startRivals(world, parts)
    steps += await scheduler.run(source.isOver)
    world.note(() => 'from here on all goes well')
    heal(world.faults)
    steps += await scheduler.run(untilDrained(world))
    if (options.afterDrained !== undefined) {
      await options.afterDrained(world)
      steps += await scheduler.run(untilDrained(world))
    }
    processes.end()
    steps += await scheduler.run(processes.haveEnded)
  } catch (error) {
    const broken = `I9 ${error instanceof Error ? error.stack : String(error)}`
    return report(steps, [broken, ...(await violationsOf(world, parts))])
  }
  return report(steps, await violationsOf(world, parts))
}

/** Whether all is taken in, and workers had time to look again and found nothing. */
function untilDrained(world: World): () => Promise<boolean> {
  const { scheduler } = world
  let drainedMs: number | undefined
  return async () => {
    if (drainedMs === undefined && (await isDrained(world))) drainedMs = scheduler.nowMs()
    return drainedMs !== undefined && scheduler.nowMs() - drainedMs > IDLE_MS
  }
}

async function violationsOf(world: World, reading: Reading): Promise<readonly string[]> {
  try {
    return await findViolations(world, reading)
  } catch (error) {
    return [
      ...world.watcher.violations,
      `I5 the tables cannot be read: ${error instanceof Error ? error.stack : String(error)}`,
    ]
  }
}
