// Worth its seconds: months in a virtual clock, and nothing grows without end (reliability.md §6, row N).
import { readSnapshot } from '@tributary/delta'
import { expect, test } from 'vitest'
import { IS_SOAK } from '../../../delta/test/soak.ts'
import { planTableVacuum, vacuumTable } from '../../src/maintain/vacuum-table.ts'
import { readTableRows } from './data-files.ts'
import { putChanges } from './dms.ts'
import { directStore, findViolations, isDrained } from './invariants.ts'
import { startProcesses } from './processes.ts'
import { logicParts } from './run-seed.ts'
import type { SourceTable } from './source.ts'
import { createWorld, type World } from './world.ts'

const DAYS = IS_SOAK ? 365 : 60
const FILES_A_DAY = 6
const DAY_MS = 86_400_000
/** By then the log's retention (30 days) and that of removed files (7 days) have passed. */
const STEADY_DAY = 40

test(`over ${DAYS} days of files, log, data files and sidecars of a table stop growing`, {
  timeout: 3_600_000,
}, async () => {
  const world = createWorld(1, { hasFaults: false, stepsMax: 100_000 })
  const processes = startProcesses(world, logicParts)
  const [table] = world.tables
  if (table === undefined) throw new Error('a world has a table')
  const sizes: Record<string, number>[] = []
  for (let day = 0; day < DAYS; day += 1) {
    for (let file = 0; file < FILES_A_DAY; file += 1) {
      putChanges(world, table)
      await world.scheduler.run(() => isDrained(world))
    }
    await vacuum(world, table)
    sizes.push(sizesOf(world, table))
    world.scheduler.freeze(DAY_MS)
  }
  processes.end()
  await world.scheduler.run(processes.haveEnded)
  expect(await findViolations(world, { readRows: readTableRows })).toEqual([])
  const steady = sizes[STEADY_DAY]
  for (const [what, count] of Object.entries(sizes.at(-1) ?? {}))
    expect(count, `${what}, of ${JSON.stringify(steady)} on day ${STEADY_DAY}`).toBeLessThan(
      (steady?.[what] ?? 0) * 1.25 + 20,
    )
})

async function vacuum(world: World, { name }: SourceTable): Promise<void> {
  const store = directStore(world, name)
  const snapshot = await readSnapshot(store)
  const clock = world.scheduler.clockOf({ name: 'janitor', skewMs: 0, isAlive: true })
  await vacuumTable(snapshot, await planTableVacuum(clock, { snapshot, place: { root: store, table: name } }))
}

/** Objects of the table, by what they are for. */
function sizesOf({ bucket }: World, { name }: SourceTable): Record<string, number> {
  const folder = `lake/${name.replace('.', '/')}/`
  const keys = [...bucket.objects.keys()].flatMap((key) => (key.startsWith(folder) ? [key.slice(folder.length)] : []))
  const count = (prefix: string): number => keys.filter((key) => key.startsWith(prefix)).length
  return { log: count('_delta_log/'), data: count('part-'), ledger: count('_tributary/ledger/'), all: keys.length }
}
