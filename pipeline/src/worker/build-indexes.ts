// A key index is built once for a table that is too large to be scanned for each batch: after the batches that missed it.
import { createIndex } from '../key-index/key-index.ts'
import type { TableRun } from './run.ts'

/** Builds the index that batches of a table missed, at the version that the session has. Ends early when the run is interrupted; what fails is told. */
export async function buildMissedIndex({ engine, lake, session, table, options }: TableRun): Promise<void> {
  const { index, snapshot } = session
  const subject = index?.missed
  if (index === undefined || subject === undefined || snapshot === undefined || options.signal?.aborted) return
  index.missed = undefined
  const startMs = lake.clock.now()
  // Its own connection, so that it can be stopped in the middle of a statement.
  const fork = await engine.fork()
  const stop = (): void => void fork.close()
  options.signal?.addEventListener('abort', stop)
  try {
    const keys = await createIndex({ engine: fork, clock: lake.clock }, index, { snapshot, subject })
    if (keys !== undefined)
      options.onEvent?.({ kind: 'indexed', table: table.name, keys, ms: lake.clock.now() - startMs })
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

/** The same while other work goes on. */
export function buildMeanwhile(run: TableRun): void {
  const { index } = run.session
  if (index === undefined || index.missed === undefined || index.building !== undefined) return
  index.building = buildMissedIndex(run).finally(() => {
    index.building = undefined
  })
}
