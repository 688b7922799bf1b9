// Whether the changes of a range of commits can still be read: log cleanup takes commits away, and VACUUM the files that they name.

import { commitInfoOf, listCommitTimes, readCommits } from '../log/read-commit.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { Action, AddFile, RemoveFile } from '../protocol/actions.ts'
import { decodePath } from '../protocol/paths.ts'
import { placeOf } from '../store/place.ts'
import type { Store } from '../store/store.ts'
import { placesOfFile } from './file-places.ts'
import { findGone } from './missing-files.ts'

/** From where on the changes of a table can be read. */
export interface ReadableRange {
  /** The oldest version after which all commits, and the files that they need, are there: changes since it can be read. */
  readonly since: number
  /** When that version was committed, undefined where its commit file is gone; -1 stands for the time before the first commit. */
  readonly timestampMs: number | undefined
  /** What is missing below it: the log, or this data file. */
  readonly missing: string | undefined
}

/** Which commits are meant. */
export interface RangeRequest {
  readonly fromVersion: number
  readonly toVersion: number
  /** Only the two ends are compared: files that came and went between them are not needed. */
  readonly net?: boolean
  /** Change data files count too. */
  readonly feed?: boolean
}

/**
 * Find the oldest version from which the changes up to `toVersion` can be read; not further back than the commit before `fromVersion`.
 * Asks for no file that belongs to `newest`, which VACUUM never takes. Throws `LOG_GAP`, `COMMIT_CORRUPT`, `STORE_FAILED`.
 */
export async function findReadableRange(newest: Snapshot, request: RangeRequest): Promise<ReadableRange> {
  const { store } = newest
  const commits = (await listCommitTimes(store)).filter(({ version }) => version <= request.toVersion)
  const timeOf = (since: number): number | undefined => commits.find(({ version }) => version === since)?.timestampMs
  const first = commits.at(0)?.version ?? request.toVersion + 1
  const since = request.fromVersion - 1
  // What lies before the first commit that is left is unknown; that commit itself has a time to be named by. A net range needs the
  // table as it was before its first commit.
  const isCut = request.net === true && since >= 0 ? first > since : first > request.fromVersion
  const start = isCut ? { since: first, missing: 'its log' } : { since, missing: undefined }
  const fromVersion = Math.max(request.fromVersion, first)
  const needed = await neededFiles(newest, { ...request, fromVersion })
  const gone = await findGone(store, new Set(needed.flatMap(({ places }) => places)))
  const last = needed.findLast(({ places }) => places.some((place) => gone.has(place)))
  const missing = last?.places.find((place) => gone.has(place))
  const found = last === undefined || last.version < start.since ? start : { since: last.version, missing }
  return { ...found, timestampMs: await commitTimeOf(store, found.since, timeOf(found.since)) }
}

async function commitTimeOf(
  store: Store,
  version: number,
  fileTimeMs: number | undefined,
): Promise<number | undefined> {
  if (fileTimeMs === undefined) return undefined
  for await (const { actions } of readCommits(store, { fromVersion: version, toVersion: version }))
    return commitInfoOf(actions)?.inCommitTimestamp ?? fileTimeMs
  return fileTimeMs
}

/** A file that a commit brought or took away. */
interface CommitFile {
  readonly version: number
  readonly places: readonly string[]
}

/** The files that have to be read, without those that are surely there. Most commits need none: theirs are live. */
async function neededFiles(newest: Snapshot, request: RangeRequest): Promise<readonly CommitFile[]> {
  if (request.fromVersion > request.toVersion) return []
  const live = new Set(newest.files.flatMap((file) => placesOfFile(newest.store, file)))
  const files =
    request.net === true ? await filesOfEnds(newest.store, request) : await filesOfEach(newest.store, request)
  return files
    .map(({ version, places }) => ({ version, places: places.filter((place) => !live.has(place)) }))
    .filter(({ places }) => places.length > 0)
    .toSorted((left, right) => left.version - right.version)
}

async function filesOfEach(store: Store, request: RangeRequest): Promise<readonly CommitFile[]> {
  const files: CommitFile[] = []
  for await (const { version, actions } of readCommits(store, request)) {
    const moved = actions.flatMap((action) => {
      const file = 'add' in action ? action.add : 'remove' in action ? action.remove : undefined
      return file?.dataChange === true ? placesOfFile(store, file) : []
    })
    files.push({ version, places: [...moved, ...(request.feed === true ? changeDataPlaces(store, actions) : [])] })
  }
  return files
}

/** The files as they were before the range, by the first commit that touched them, and at its end, by the last. */
async function filesOfEnds(store: Store, request: RangeRequest): Promise<readonly CommitFile[]> {
  const [before, after] = [new Map<string, CommitFile>(), new Map<string, CommitFile>()]
  for await (const { version, actions } of readCommits(store, request)) {
    const noteOf = (file: AddFile | RemoveFile): CommitFile => ({ version, places: placesOfFile(store, file) })
    for (const action of actions) {
      if (!('remove' in action)) continue
      const { path } = action.remove
      if (!before.has(path) && !after.has(path)) before.set(path, noteOf(action.remove))
      after.delete(path)
    }
    for (const action of actions) if ('add' in action) after.set(action.add.path, noteOf(action.add))
  }
  return [...before.values(), ...after.values()]
}

function changeDataPlaces(store: Store, actions: readonly Action[]): readonly string[] {
  return actions.flatMap((action) => {
    if (!('cdc' in action)) return []
    const place = placeOf(store, decodePath(action.cdc.path))
    return place.kind === 'inside' ? [place.path] : []
  })
}
