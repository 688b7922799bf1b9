// Which rows left and came with which commit, by the log and the deletion vectors alone: no data file is opened.
//
//   file before | file after | left                 | came
//   vector A    | vector B   | positions in B not A | positions in A not B
//   vector A    | gone       | all but A            |
//   not there   | vector B   |                      | all but B

import { readDeletionVector } from '../deletion-vectors/read.ts'
import { commitInfoOf, readCommits } from '../log/read-commit.ts'
import { deletionVectorId } from '../log/replay.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import type { Action, AddCdcFile, AddFile, RemoveFile } from '../protocol/actions.ts'
import { parseStats } from '../protocol/stats.ts'
import type { Store } from '../store/store.ts'
import type { FileRows } from './file-rows.ts'
import { liveRows } from './scan.ts'

/** A commit and its time. */
export interface CommitTime {
  readonly version: number
  readonly timestampMs: number
}

/** Rows of one file that left or came with one commit. */
export interface Move {
  readonly sign: -1 | 1
  readonly at: CommitTime
  readonly rows: FileRows
}

/** What happened to the rows of a table in a range of commits. */
export interface Events {
  readonly moved: readonly Move[]
  readonly recorded: readonly { readonly at: CommitTime; readonly cdc: AddCdcFile }[]
  /** Versions in which everything was written anew, so equal pairs are no change. */
  readonly reloads: readonly number[]
  /** Versions in which files were removed whole: their other rows came again in new files. */
  readonly rewrites: readonly number[]
}

/** The events of each commit by itself, both ends of the range included. */
export async function commitEvents(end: Snapshot, request: EventsRequest): Promise<Events> {
  const moved: Move[] = []
  const recorded: { readonly at: CommitTime; readonly cdc: AddCdcFile }[] = []
  const [reloads, rewrites]: [number[], number[]] = [[], []]
  for await (const { version, timestampMs, actions } of readCommits(end.store, request)) {
    const at = { version, timestampMs }
    const cdcs = request.feed === true ? actions.flatMap((action) => ('cdc' in action ? [action.cdc] : [])) : []
    if (cdcs.length > 0) recorded.push(...cdcs.map((cdc) => ({ at, cdc })))
    else {
      const pairs = await changedFiles(end, version, actions)
      moved.push(...(await movesOf(end.store, at, pairs)))
      if (pairs.some(({ before, after }) => before !== undefined && after === undefined)) rewrites.push(version)
    }
    if (commitInfoOf(actions)?.operation === 'RELOAD') reloads.push(version)
  }
  return { moved, recorded, reloads, rewrites }
}

/** What differs between the table before the range and at its end, as if one commit had done it. */
export async function netEvents(
  end: Snapshot,
  request: Pick<EventsRequest, 'fromVersion'> & { readonly start?: Snapshot },
): Promise<Events> {
  const start =
    request.start ??
    (request.fromVersion > 0 ? await readSnapshot(end.store, { version: request.fromVersion - 1 }) : undefined)
  const pairs = pairByPath(start?.files ?? [], end.files)
  return { moved: await movesOf(end.store, end, pairs), recorded: [], reloads: [end.version], rewrites: [] }
}

interface EventsRequest {
  readonly fromVersion: number
  readonly toVersion: number
  readonly feed?: boolean
}

/** One file before and after. */
interface FilePair {
  readonly before: FileVersion | undefined
  readonly after: FileVersion | undefined
}

type FileVersion = Pick<AddFile, 'path' | 'deletionVector'> & Partial<Pick<AddFile, 'partitionValues' | 'stats'>>

async function changedFiles(end: Snapshot, version: number, actions: readonly Action[]): Promise<readonly FilePair[]> {
  const adds = actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []))
  const removes = actions.flatMap((action) => ('remove' in action && action.remove.dataChange ? [action.remove] : []))
  return pairByPath(await withPartitions(end, version, removes), adds)
}

// Old writers left partition values out of removes; the version before still knows them.
async function withPartitions(
  end: Snapshot,
  version: number,
  removes: readonly RemoveFile[],
): Promise<readonly FileVersion[]> {
  const isComplete =
    end.metadata.partitionColumns.length === 0 || removes.every((remove) => remove.partitionValues !== undefined)
  if (isComplete || version === 0) return removes
  const before = await readSnapshot(end.store, { version: version - 1 })
  const known = new Map(before.files.map((file) => [file.path, file.partitionValues]))
  return removes.map((remove) => ({
    ...remove,
    partitionValues: remove.partitionValues ?? known.get(remove.path) ?? {},
  }))
}

function pairByPath(before: readonly FileVersion[], after: readonly FileVersion[]): readonly FilePair[] {
  const [olds, news] = [
    new Map(before.map((file) => [file.path, file])),
    new Map(after.map((file) => [file.path, file])),
  ]
  const paths = [...new Set([...olds.keys(), ...news.keys()])].sort()
  return paths.map((path) => ({ before: olds.get(path), after: news.get(path) }))
}

async function movesOf(
  store: Store,
  { version, timestampMs }: CommitTime,
  pairs: readonly FilePair[],
): Promise<readonly Move[]> {
  const at = { version, timestampMs }
  const moves: Move[] = []
  for (const { before, after } of pairs) {
    if (before !== undefined && after !== undefined) moves.push(...(await vectorMoves(store, at, { before, after })))
    else if (before !== undefined) moves.push({ sign: -1, at, rows: await liveRows(store, before) })
    else if (after !== undefined) moves.push({ sign: 1, at, rows: await liveRows(store, after) })
  }
  return moves
}

async function vectorMoves(
  store: Store,
  at: CommitTime,
  { before, after }: { readonly before: FileVersion; readonly after: FileVersion },
): Promise<readonly Move[]> {
  if (vectorId(before) === vectorId(after)) return []
  const [olds, news] = [await positionsOf(store, before), await positionsOf(store, after)]
  const { path, partitionValues = {}, stats } = after
  const records = parseStats(stats)?.numRecords
  const left = [...news].filter((position) => !olds.has(position))
  const came = [...olds].filter((position) => !news.has(position))
  const move = (sign: -1 | 1, positions: readonly number[]): readonly Move[] =>
    positions.length === 0
      ? []
      : [{ sign, at, rows: { path, partitionValues, records, rows: { kind: 'only', positions } } }]
  return [...move(-1, left), ...move(1, came)]
}

function vectorId(file: FileVersion): string {
  return file.deletionVector === undefined ? '' : deletionVectorId(file.deletionVector)
}

async function positionsOf(store: Store, file: FileVersion): Promise<ReadonlySet<number>> {
  return new Set(file.deletionVector === undefined ? [] : await readDeletionVector(store, file.deletionVector))
}
