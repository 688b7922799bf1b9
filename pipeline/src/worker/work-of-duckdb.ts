import { keepLog } from '../maintain/log-upkeep.ts'
import { cutOff } from './cut-off.ts'
import { BATCH_FILES_MAX, isWaiting, type LandingFile, type SeenFile } from './plan.ts'
import { prepareChanges } from './prepare-changes.ts'
import { prepareLoad } from './prepare-load.ts'
import { prepareSuperseded } from './prepare-superseded.ts'
import type { BatchWork, TableRun } from './run.ts'

/** Batches and checkpoints as the product makes them. */
export const workOfDuckDb: BatchWork = {
  prepare: async (run, plan, seen) => {
    // Temporary tables go with the connection.
    const engine = cutOff(await run.engine.fork(), run.options.cut)
    const forked = { ...run, engine }
    try {
      switch (plan.kind) {
        case 'load':
          return (
            (await prepareLoad(forked, plan, seen)) ??
            (await prepareChanges(forked, {
              files: allWaiting(forked, seen),
              guard: run.table.sequence !== undefined,
            }))
          )
        case 'changes':
          return await prepareChanges(forked, plan)
        case 'superseded':
          return await prepareSuperseded(forked, plan.files)
      }
    } finally {
      await engine.close()
    }
  },
  keepLog,
}

/** A load without a row tells no types: it is taken in together with the changes that follow it. */
function allWaiting({ session }: TableRun, seen: readonly SeenFile[]): readonly LandingFile[] {
  const files = seen.filter((candidate) => isWaiting(candidate, session.state)).map(({ file }) => file)
  return files.toSorted((a, b) => (a.place < b.place ? -1 : 1)).slice(0, BATCH_FILES_MAX)
}
