// Who else writes to a table: OPTIMIZE and VACUUM, each a process of its own that may die, beside workers that know nothing of it. In some
// worlds nothing runs for eight days, so that a vacuum has something to delete.
import { commit, readSnapshot, removeOf, TributaryError } from '@tributary/delta'
import { planTableVacuum, vacuumTable } from '../../src/maintain/vacuum-table.ts'
import { readTableRows, writeRows } from './data-files.ts'
import { lakeOf, type ProcessParts, type Rewrite } from './processes.ts'
import type { Actor } from './scheduler.ts'
import type { World } from './world.ts'

/** The story of a source lasts about that long. */
const WITHIN_MS = 60_000
const OUTAGE_MS = 8 * 86_400_000
const SKEW_MS_MAX = 3_600_000

/** Sends them out, at times of a world's own choice. */
export function startRivals(world: World, parts: ProcessParts): void {
  const { scheduler, random, deaths, note } = world
  const soon = (): number => scheduler.nowMs() + random.int(1, WITHIN_MS)
  for (let left = random.int(0, world.size.errands); left > 0; left -= 1)
    send(world, parts, { what: random.pick(['optimize', 'optimize', 'vacuum']), name: `rival-${left}`, atMs: soon() })
  if (!random.chance(0.15)) return
  scheduler.at(soon(), 'outage', () => {
    note(() => 'for eight days nothing runs')
    for (const [actor, onDeath] of deaths) {
      scheduler.kill(actor)
      onDeath()
    }
    deaths.clear()
    scheduler.freeze(OUTAGE_MS)
    for (const name of ['janitor-1', 'janitor-2']) send(world, parts, { what: 'vacuum', name, atMs: soon() })
  })
}

interface Errand {
  readonly what: 'optimize' | 'vacuum'
  readonly name: string
  readonly atMs: number
}

/** Nobody tries again: the next one finds what is left. */
function send(world: World, { engineFor, rewrite, wrapConnection }: ProcessParts, { what, name, atMs }: Errand): void {
  const { scheduler, random, deaths, errands, watcher, note } = world
  const table = random.pick(world.tables).name
  const actor: Actor = { name, skewMs: random.pick([0, random.int(-SKEW_MS_MAX, SKEW_MS_MAX)]), isAlive: true }
  const work = async (): Promise<void> => {
    const lake = lakeOf(world, actor, wrapConnection)
    const snapshot = await readSnapshot(lake.tableStore(table))
    const place = { root: lake.root, table }
    const { clock } = lake
    if (what === 'optimize') await rewrite({ engine: engineFor(world, actor), clock }, { snapshot, place })
    else await vacuumTable(snapshot, await planTableVacuum(clock, { snapshot, place }))
  }
  errands.add(name)
  scheduler.at(atMs, what, () => {
    const over = (): void => {
      deaths.delete(actor)
      errands.delete(name)
    }
    note(() => `${name} begins to ${what} ${table}`)
    deaths.set(actor, over)
    work().then(over, (error: unknown) => {
      over()
      note(() => `${name}: ${String(error)}`)
      const isExpected =
        error instanceof TributaryError &&
        (/^(unavailable|conflict)$/.test(error.kind) || error.code === 'TABLE_NOT_FOUND')
      if (!isExpected) watcher.violations.push(`${what} of ${table} failed: ${String(error)}`)
    })
  })
}

/** All live rows in one file, where rows are JSON. */
export const rewriteInMemory: Rewrite = async ({ clock }, { snapshot }) => {
  const { store, files, version } = snapshot
  const add = { ...(await writeRows(store, clock, await readTableRows(snapshot))), dataChange: false }
  const removes = files.map((file) => ({ remove: { ...removeOf(file, clock.now()), dataChange: false } }))
  const outcome = await commit(store, clock, {
    readVersion: version,
    actions: [...removes, { add }],
    info: { operation: 'OPTIMIZE' },
  })
  if (outcome.kind === 'conflicted') await store.delete(add.path)
}
