// The person behind the pipeline, who knows what no file tells: that a table was truncated at the source. `tributary resolve --truncate`
// is tried until it says that it is done; whoever dies on the way tries again, whatever came of it.
import { TributaryError } from '@tributary/delta'
import { resolveTable } from '../../src/worker/resolve.ts'
import { isTakenIn } from './invariants.ts'
import { lakeOf, noEngine, type ProcessParts } from './processes.ts'
import type { Actor } from './scheduler.ts'
import type { SourceTable } from './source.ts'
import type { World } from './world.ts'

const LATER_MS_MAX = 30_000

/** Is told of each table that was truncated, and lets its source go on when the lake knows. */
export function startOperator(world: World, { wrapConnection }: Pick<ProcessParts, 'wrapConnection'>): void {
  const { scheduler, random, deaths, watcher, note } = world
  const attempt = (table: SourceTable, life: number): void => {
    const actor: Actor = { name: `operator-${table.name}.${life}`, skewMs: 0, isAlive: true }
    const again = (): void =>
      scheduler.at(scheduler.nowMs() + random.int(1, LATER_MS_MAX), 'operator', () => attempt(table, life + 1))
    deaths.set(actor, again)
    const resolution = { kind: 'truncate', reason: 'so they said' } as const
    const resolve = async (): Promise<void> => {
      // What was written before the truncate and waits would be taken for what came after it.
      if (!(await isTakenIn(world, table))) return again()
      await resolveTable(lakeOf(world, actor, wrapConnection), noEngine, table.name, resolution)
      note(() => `${actor.name} emptied ${table.name}`)
      table.isResting = false
    }
    resolve().then(
      () => deaths.delete(actor),
      (error: unknown) => {
        deaths.delete(actor)
        note(() => `${actor.name}: ${String(error)}`)
        if (!(error instanceof TributaryError) || !/^(unavailable|conflict)$/.test(error.kind))
          watcher.violations.push(`the operator could not empty ${table.name}: ${String(error)}`)
        again()
      },
    )
  }
  world.onTruncated = (table) => {
    note(() => `${table.name} was truncated`)
    scheduler.at(scheduler.nowMs() + random.int(1, LATER_MS_MAX), 'operator', () => attempt(table, 1))
  }
}
