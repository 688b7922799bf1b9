// VACUUM deletes files that only older versions need. Who reads such a version meets a file that is not there, and this tells why.
import { TributaryError, versionVacuumed } from '../errors.ts'
import { listCommitTimes, readCommits } from '../log/read-commit.ts'
import { fileKey } from '../log/replay.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import { placesOfFile } from './file-places.ts'
import { findGone, findMissing } from './missing-files.ts'

const GONE: ReadonlySet<string> = new Set(['DATA_FILE_MISSING', 'FILE_NOT_FOUND'])

/**
 * Does what reads files of these versions. Throws `VERSION_VACUUMED` where a file is gone that newer versions do without; a file that
 * the newest version lacks is damage, and the error stays what it is.
 */
export async function readVersions<T>(snapshots: readonly Snapshot[], read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof TributaryError && GONE.has(error.code))
      for (const snapshot of snapshots) await assertNotVacuumed(snapshot, error)
    throw error
  }
}

/**
 * Throws `VERSION_VACUUMED` where files of the version are gone that the newest one does not need. Those that it needs are not looked for:
 * VACUUM never takes them.
 */
export async function assertNotVacuumed(snapshot: Snapshot, cause?: unknown): Promise<void> {
  const { store, version } = snapshot
  const newest = await readSnapshot(store)
  const live = new Set(newest.files.map(fileKey))
  const missing = await findMissing(
    store,
    snapshot.files.filter((file) => !live.has(fileKey(file))),
  )
  if (missing.length === 0) return
  throw versionVacuumed(store.url, { version, missing, wholeSince: await findWholeSince(newest, version) }, { cause })
}

// More would take longer than people wait for an error.
const COMMITS_MAX = 1000

/** A version after `version` from which on all are whole; the oldest such one, if it is among the newest commits. */
async function findWholeSince(newest: Snapshot, version: number): Promise<number> {
  const { store } = newest
  const there = new Set((await listCommitTimes(store)).map((commit) => commit.version))
  const least = Math.max(version + 1, newest.version - COMMITS_MAX)
  let fromVersion = newest.version + 1
  while (fromVersion > least && there.has(fromVersion - 1)) fromVersion -= 1
  const removed: { readonly version: number; readonly places: readonly string[] }[] = []
  for await (const { actions, ...commit } of readCommits(store, { fromVersion, toVersion: newest.version }))
    for (const action of actions)
      if ('remove' in action) removed.push({ version: commit.version, places: placesOfFile(store, action.remove) })
  const gone = await findGone(store, new Set(removed.flatMap(({ places }) => places)))
  const last = removed.findLast(({ places }) => places.some((place) => gone.has(place)))
  return Math.max(last?.version ?? fromVersion - 1, version + 1)
}
