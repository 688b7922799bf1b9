// PROTOCOL.md, "Action Reconciliation": the newest complete checkpoint at or below the wanted version, and the commits after it.

import { logGap, tableNotFound, versionExpired, versionNotFound } from '../errors.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import { beforeVersion, LAST_CHECKPOINT, LOG_FOLDER, parseLogFileName } from './file-names.ts'

/** A commit file of the listing. */
export interface CommitFile {
  readonly version: number
  readonly entry: StoreEntry
}

/** A checkpoint with all its parts, in order. */
export interface CheckpointFiles {
  readonly version: number
  readonly parts: readonly StoreEntry[]
  /** How many live files it holds by the word of `_last_checkpoint`, where that speaks of this version. */
  readonly filesHinted?: number
}

/** What has to be read to know the table at `version`. */
export interface LogSegment {
  readonly version: number
  readonly checkpoint: CheckpointFiles | undefined
  /** Without gaps, from the one after the checkpoint to `version`; a compaction stands for all of its commits. */
  readonly commits: readonly StoreEntry[]
  /** The file that tells the time of `version`: its commit, or its checkpoint where the commit was cleaned up. */
  readonly last: StoreEntry
}

/** Find what to read for a version, the latest if none is given. Throws `TABLE_NOT_FOUND`, `VERSION_NOT_FOUND`, `VERSION_EXPIRED`, `LOG_GAP`. */
export async function listSegment(store: Store, wanted?: number): Promise<LogSegment> {
  const hint = await readHint(store)
  if (hint !== undefined && hint.version > 0 && (wanted === undefined || hint.version <= wanted)) {
    const listing = await listLog(store, hint.version)
    // The hint may be stale, or name what is gone: then only the whole listing tells.
    if (newestCheckpoint(listing, wanted ?? Number.POSITIVE_INFINITY) !== undefined)
      return withHint(planSegment(store, listing, wanted), hint)
  }
  return planSegment(store, await listLog(store, 0), wanted)
}

function withHint(segment: LogSegment, { version, files }: Hint): LogSegment {
  const { checkpoint } = segment
  return checkpoint?.version === version && files !== undefined
    ? { ...segment, checkpoint: { ...checkpoint, filesHinted: files } }
    : segment
}

/** All commit files from a version on, in order. */
export async function listCommits(store: Store, fromVersion = 0): Promise<readonly CommitFile[]> {
  return (await listLog(store, fromVersion)).commits
}

interface Listing {
  readonly commits: readonly CommitFile[]
  readonly checkpoints: readonly CheckpointFiles[]
  readonly compactions: readonly Compaction[]
}

interface Compaction {
  readonly version: number
  readonly toVersion: number
  readonly entry: StoreEntry
}

async function listLog(store: Store, fromVersion: number): Promise<Listing> {
  const commits: CommitFile[] = []
  const compactions: Compaction[] = []
  const uuidCheckpoints: CheckpointFiles[] = []
  const sets = new Map<
    string,
    { readonly version: number; readonly parts: number; readonly found: Map<number, StoreEntry> }
  >()
  const after = fromVersion > 0 ? { after: beforeVersion(fromVersion) } : {}
  for await (const entry of store.list(LOG_FOLDER, after)) {
    const file = parseLogFileName(entry.path)
    if (file === undefined || file.version < fromVersion) continue
    if (file.kind === 'commit') commits.push({ version: file.version, entry })
    else if (file.kind === 'uuid-checkpoint') uuidCheckpoints.push({ version: file.version, parts: [entry] })
    else if (file.kind === 'compaction') compactions.push({ version: file.version, toVersion: file.toVersion, entry })
    else {
      const key = `${file.version}/${file.parts}`
      const set = sets.get(key) ?? { version: file.version, parts: file.parts, found: new Map<number, StoreEntry>() }
      set.found.set(file.part, entry)
      sets.set(key, set)
    }
  }
  const checkpoints = [...sets.values()].filter(isComplete).map(({ version, found }) => ({
    version,
    parts: [...found].sort(([left], [right]) => left - right).map(([, entry]) => entry),
  }))
  return { commits, checkpoints: [...checkpoints, ...uuidCheckpoints], compactions }
}

// A writer of a multi-part checkpoint may have died half-way: such a set must be ignored.
function isComplete(set: { readonly parts: number; readonly found: ReadonlyMap<number, StoreEntry> }): boolean {
  return set.found.size === set.parts && [...set.found.keys()].every((part) => part >= 1 && part <= set.parts)
}

function newestCheckpoint(listing: Listing, atMost: number): CheckpointFiles | undefined {
  return listing.checkpoints
    .filter(({ version }) => version <= atMost)
    .reduce<CheckpointFiles | undefined>(
      (best, next) => (best && best.version >= next.version ? best : next),
      undefined,
    )
}

function planSegment(store: Store, listing: Listing, wanted: number | undefined): LogSegment {
  const latest = Math.max(
    -1,
    listing.commits.at(-1)?.version ?? -1,
    ...listing.checkpoints.map(({ version }) => version),
  )
  if (latest < 0) throw tableNotFound(store.url)
  const version = wanted ?? latest
  if (version > latest || version < 0 || !Number.isInteger(version)) throw versionNotFound(version, latest)

  const checkpoint = newestCheckpoint(listing, version)
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1
  const commits = chainCommits(listing, first, version)
  if (typeof commits === 'number') throw whyMissing(store, listing, version, commits)

  const own = listing.commits.find((commit) => commit.version === version)?.entry ?? checkpoint?.parts[0]
  if (own === undefined) throw logGap(store.url, version)
  return { version, checkpoint, commits, last: own }
}

/** The files that lead from one version to another, the fewest there are; the first missing version where there is a gap. */
function chainCommits(listing: Listing, first: number, last: number): readonly StoreEntry[] | number {
  const commits = new Map(listing.commits.map(({ version, entry }) => [version, entry]))
  const compactions = new Map<number, Compaction>()
  for (const compaction of listing.compactions) {
    const known = compactions.get(compaction.version)
    const isLonger = known === undefined || known.toVersion < compaction.toVersion
    if (compaction.toVersion <= last && isLonger) compactions.set(compaction.version, compaction)
  }
  const chain: StoreEntry[] = []
  for (let version = first; version <= last; ) {
    const compaction = compactions.get(version)
    const entry = compaction?.entry ?? commits.get(version)
    if (entry === undefined) return version
    chain.push(entry)
    version = (compaction?.toVersion ?? version) + 1
  }
  return chain
}

function whyMissing(store: Store, listing: Listing, version: number, missing: number): Error {
  // Log cleanup deletes from the start and leaves a checkpoint: what lies before that is gone on purpose.
  const earliest = Math.min(...listing.checkpoints.map((checkpoint) => checkpoint.version))
  const isCleanedUp = missing === 0 && version < earliest && Number.isFinite(earliest)
  return isCleanedUp ? versionExpired(version, earliest) : logGap(store.url, missing)
}

// PROTOCOL.md, "Last Checkpoint File": only a hint. Whatever is wrong with it, the listing is the truth.
async function readHint(store: Store): Promise<Hint | undefined> {
  if ((await store.stat(LAST_CHECKPOINT)) === undefined) return undefined
  try {
    return parseHint(JSON.parse(new TextDecoder().decode(await store.read(LAST_CHECKPOINT))))
  } catch {
    return undefined
  }
}

interface Hint {
  readonly version: number
  readonly files: number | undefined
}

function parseHint(value: unknown): Hint | undefined {
  if (typeof value !== 'object' || value === null || !('version' in value) || !isCount(value.version)) return undefined
  const files = 'numOfAddFiles' in value && isCount(value.numOfAddFiles) ? value.numOfAddFiles : undefined
  return { version: value.version, files }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
