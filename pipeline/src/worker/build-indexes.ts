// Key indexes are built, and brought over what upkeep moved, beside the batches: until then these scan.
import type { Engine, Snapshot } from '@tributary/delta'
import { closeIndex, holdIndex } from '../key-index/index-folder.ts'
import { bringIndex, createIndex } from '../key-index/key-index.ts'
import type { TableRun } from './run.ts'

/** Builds the index that batches of a table missed, at the version that the session has. Ends early when the run is interrupted; what fails is told. */
export async function buildMissedIndex(run: TableRun): Promise<void> {
  const { lake, session, table, options } = run
  const { index, snapshot } = session
  const subject = index?.missed
  if (index === undefined || subject === undefined || snapshot === undefined || options.signal?.aborted) return
  index.missed = undefined
  const startMs = lake.clock.now()
  await onFork(run, async (engine) => {
    const keys = await createIndex({ engine, clock: lake.clock }, index, { snapshot, subject })
    if (keys !== undefined)
      options.onEvent?.({ kind: 'indexed', table: table.name, keys, ms: lake.clock.now() - startMs })
  })
}

/** The same while other work goes on. */
export function buildMeanwhile(run: TableRun): void {
  const { index } = run.session
  if (index === undefined || index.missed === undefined || index.building !== undefined) return
  index.building = buildMissedIndex(run).finally(() => {
    index.building = undefined
  })
}

/** Reads the keys of rewritten files into the index while other work goes on, so that no batch has to. */
export function catchUpMeanwhile(run: TableRun, snapshot: Snapshot): void {
  const { lake, session } = run
  const { index } = session
  const subject = index?.open?.manifest.subject
  if (lake.index === undefined || index === undefined || subject === undefined || index.building !== undefined) return
  // Opened apart, as by another process: a batch may be at the runs that this one gives up.
  const own = holdIndex(lake.index, session.store.url)
  for (const version of index.batches) own.batches.add(version)
  index.building = onFork(run, async (engine) => {
    await bringIndex({ engine, clock: lake.clock }, own, { snapshot, subject })
  }).finally(() => {
    closeIndex(own)
    index.building = undefined
  })
}

/** On a connection of its own, so that it can be stopped in the middle of a statement. */
async function onFork({ engine, table, options }: TableRun, work: (engine: Engine) => Promise<void>): Promise<void> {
  const fork = await engine.fork()
  const stop = (): void => void fork.close()
  options.signal?.addEventListener('abort', stop)
  try {
    await work(fork)
  } catch (error) {
    // The table is as it was, and is scanned.
    const why = error instanceof Error ? error.message : String(error)
    if (!options.signal?.aborted)
      options.onEvent?.({ kind: 'warning', table: table.name, message: `its key index could not be built: ${why}` })
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await fork.close()
  }
}
