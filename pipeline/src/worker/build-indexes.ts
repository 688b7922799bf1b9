// Key indexes are built, and brought over what upkeep moved, beside the batches: until then these scan.
import { type Engine, parseStats, type Snapshot } from '@tributary/delta'
import { closeIndex, holdIndex } from '../key-index/index-folder.ts'
import { makeRoom } from '../key-index/index-room.ts'
import { bringIndex, createIndex } from '../key-index/key-index.ts'
import { readThrough } from '../key-index/read-through.ts'
import type { TableRun } from './run.ts'

const MIB = 1024 * 1024
const NO_ROOM_MS = 3_600_000

/** Builds the index that batches of a table missed, at the version that the session has. Ends early when the run is interrupted; what fails is told. */
export async function buildMissedIndex(run: TableRun): Promise<void> {
  const { lake, session, table, options } = run
  const { index, snapshot } = session
  const subject = index?.missed
  if (index === undefined || subject === undefined || snapshot === undefined || options.signal?.aborted) return
  index.missed = undefined
  const startMs = lake.clock.now()
  if (startMs < index.waitsUntilMs) return
  await onFork(run, async (engine) => {
    if (!hasRoom(run, snapshot)) return
    const keys = await createIndex({ engine, clock: lake.clock }, index, { snapshot, subject })
    if (keys !== undefined)
      options.onEvent?.({ kind: 'indexed', table: table.name, keys, ms: lake.clock.now() - startMs })
  })
}

/** Whether the folder has room for the table's index; that it has none is told once an hour. */
function hasRoom({ lake, session: { index }, table, options }: TableRun, snapshot: Snapshot): boolean {
  if (lake.index === undefined || index === undefined) return false
  const nowMs = lake.clock.now()
  const keys = liveRowsOf(snapshot)
  const room = makeRoom(lake.index, { own: index.folder, keys, nowMs })
  if (room.isThere) return true
  index.waitsUntilMs = nowMs + NO_ROOM_MS
  const [needed, taken, max] = [room.neededBytes, room.takenBytes, room.bytesMax].map((bytes) => Math.ceil(bytes / MIB))
  const message = `its key index would need ${needed} MiB where other tables' indexes take ${taken} of ${max} MiB: until there is room, each batch reads the keys of the table. Raise cache.indexMiB`
  options.onEvent?.({ kind: 'warning', table: table.name, message })
  return false
}

function liveRowsOf({ files }: Snapshot): number {
  return files.reduce(
    (rows, { stats, deletionVector }) =>
      rows + (parseStats(stats)?.numRecords ?? 0) - (deletionVector?.cardinality ?? 0),
    0,
  )
}

/** The same while other work goes on. */
export function buildMeanwhile(run: TableRun): void {
  const { index } = run.session
  if (index === undefined || index.missed === undefined || index.building !== undefined) return
  index.building = buildMissedIndex(run).finally(() => {
    index.building = undefined
  })
}

/** Takes up the batch that was just committed, so that the next one finds the index up to date: most batches come a while after the one before. */
export function followMeanwhile(run: TableRun): void {
  const { lake, session } = run
  const { index, snapshot } = session
  const manifest = index?.open?.manifest
  if (index === undefined || manifest === undefined || snapshot === undefined) return
  if (index.building !== undefined || manifest.version >= snapshot.version) return
  const sinceMs = lake.clock.now()
  const done = onFork(run, async (engine) => {
    await bringIndex({ engine, clock: lake.clock }, index, { snapshot, subject: manifest.subject })
  }).finally(() => {
    index.building = undefined
    index.following = undefined
  })
  index.building = done
  index.following = { done, sinceMs }
}

/** Has the system read what was found of an index, for a process that will ask it again. */
export function readMeanwhile({ session: { index, turns }, options: { signal } }: TableRun): void {
  if (index === undefined || index.unread.size === 0 || index.reading !== undefined) return
  const whenFree = async (): Promise<void> => (await turns.take())()
  index.reading = readThrough(index, { whenFree, signal }).then(() => {
    index.reading = undefined
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
  let fork: Engine | undefined
  const stop = (): void => void fork?.close()
  options.signal?.addEventListener('abort', stop)
  try {
    fork = await engine.fork()
    if (!options.signal?.aborted) await work(fork)
  } catch (error) {
    // The table is as it was, and is scanned.
    const why = error instanceof Error ? error.message : String(error)
    if (!options.signal?.aborted)
      options.onEvent?.({ kind: 'warning', table: table.name, message: `its key index could not be built: ${why}` })
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await fork?.close()
  }
}
