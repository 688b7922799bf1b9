import { mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  type AddFile,
  type Clock,
  type Engine,
  parseStats,
  readSnapshot,
  type Snapshot,
  TributaryError,
} from '@tributary/delta'
import { changedFiles, fingerprintOf, type Liveness, livenessOf } from './coverage.ts'
import { haveLiveTwins } from './find-rows.ts'
import { type IndexHolder, type OpenIndex, replaceOpen } from './index-folder.ts'
import { cleanIndex, createManifest, type IndexSubject, type Manifest } from './manifest.ts'
import { mergeRuns, planMerge } from './merge-runs.ts'
import { openRun, type Run } from './read-run.ts'
import { writeEntries } from './write-entries.ts'

/** What an index works with. */
export interface IndexParts {
  readonly engine: Engine
  readonly clock: Clock
}

/** A table at the version that its index is to cover. */
export interface IndexTarget {
  readonly snapshot: Snapshot
  readonly subject: IndexSubject
}

const RUN_ROWS_MAX = 4_000_000
// Where a file's writer did not count its rows.
const ROWS_UNKNOWN = 1_000_000
const FILES_A_RUN_MAX = 1000
const GRACE_MS = 600_000

/** Builds the index anew from all live rows. Undefined when another process was faster. */
export async function buildIndex(
  parts: IndexParts,
  holder: IndexHolder,
  target: IndexTarget,
): Promise<OpenIndex | undefined> {
  const salt = parts.clock.uuid()
  const base = { number: holder.open?.number ?? 0, runs: [], salt, isUnique: true }
  return extend(parts, holder, { ...target, base, files: target.snapshot.files })
}

/**
 * Brings an open index to a later snapshot by reading the files with rows that became live since. Undefined when it is of another table
 * or history, or when another process was faster.
 */
export async function extendIndex(
  parts: IndexParts,
  holder: IndexHolder,
  { open, ...target }: IndexTarget & { readonly open: OpenIndex },
): Promise<OpenIndex | undefined> {
  const { manifest, number, runs } = open
  const before = open.covered ?? (await readCovered(target.snapshot, manifest))
  if (before === undefined) return undefined
  const isUnique = isOwnWork(holder, before, target.snapshot)
  const files = await changedFiles(before, target.snapshot, { onlyLoses: isUnique })
  return extend(parts, holder, { ...target, base: { number, runs, salt: manifest.salt, isUnique }, files })
}

/** The snapshot that a manifest covers; undefined when the table has no such version, or another one of that number. */
export async function readCovered(
  { store, version, ...rest }: Snapshot,
  manifest: Manifest,
): Promise<Snapshot | undefined> {
  if (manifest.version > version) return undefined
  try {
    const covered =
      manifest.version === version
        ? { store, version, ...rest }
        : await readSnapshot(store, { version: manifest.version })
    return fingerprintOf(covered) === manifest.fingerprint ? covered : undefined
  } catch (error) {
    // The log was cleaned, or it never had that version, or cannot be read so far back: the index is built anew.
    if (error instanceof TributaryError && error.kind !== 'unavailable') return undefined
    throw error
  }
}

interface Extension extends IndexTarget {
  readonly base: Pick<OpenIndex, 'number' | 'runs'> & {
    readonly salt: string
    /** The new rows are known to have keys that no other row has. */
    readonly isUnique: boolean
  }
  readonly files: readonly AddFile[]
}

async function extend(parts: IndexParts, holder: IndexHolder, extension: Extension): Promise<OpenIndex | undefined> {
  const { snapshot, subject, base } = extension
  const { folder } = holder
  mkdirSync(folder, { recursive: true })
  const ours: Run[] = []
  let next: OpenIndex | undefined
  try {
    const added = await writeRuns(parts, folder, extension)
    ours.push(...added.runs)
    const liveness = livenessOf(snapshot)
    const hasTwins =
      added.unusable === null &&
      !base.isUnique &&
      base.runs.length > 0 &&
      (await haveLiveTwins(added.runs, base.runs, liveness))
    const merged = await mergeSome(parts.clock, folder, { added: added.runs, older: base.runs, liveness })
    ours.push(...merged.runs.filter((run) => !ours.includes(run) && !base.runs.includes(run)))
    const unusable = added.unusable ?? (hasTwins || merged.hasTwins ? 'duplicate keys' : null)
    const runs = unusable === null ? merged.runs : []
    const manifest: Manifest = {
      format: 1,
      subject,
      salt: base.salt,
      version: snapshot.version,
      fingerprint: fingerprintOf(snapshot),
      unusable,
      runs: runs.map(({ path, entries }) => ({ name: basename(path), entries })),
    }
    if (!createManifest(folder, base.number + 1, manifest)) return undefined
    next = { number: base.number + 1, manifest, runs, covered: snapshot }
    replaceOpen(holder, next)
    for (const version of holder.batches) if (version <= snapshot.version) holder.batches.delete(version)
    cleanIndex(folder, { nowMs: parts.clock.now(), graceMs: GRACE_MS })
    return next
  } finally {
    for (const run of ours) if (next?.runs.includes(run) !== true) dropRun(run)
  }
}

/** Writes the live rows of files as runs, newest first. */
async function writeRuns(
  { engine, clock }: IndexParts,
  folder: string,
  { snapshot, subject, base, files }: Extension,
): Promise<{ readonly runs: readonly Run[]; readonly unusable: Manifest['unusable'] }> {
  const runs: Run[] = []
  try {
    for (const group of groupFiles(files)) {
      const path = join(folder, `${clock.uuid()}.run`)
      const written = await writeEntries(engine, { snapshot, files: group, subject, salt: base.salt }, path)
      if (written.kind === 'unusable') {
        rmSync(path, { force: true })
        return { runs, unusable: written.why }
      }
      runs.unshift(openRun(path))
    }
    return { runs, unusable: null }
  } catch (error) {
    for (const run of runs) dropRun(run)
    throw error
  }
}

/** Files in groups whose keys can be sorted in little memory. */
function groupFiles(files: readonly AddFile[]): readonly (readonly AddFile[])[] {
  const groups: AddFile[][] = []
  let rows = 0
  for (const file of files) {
    const group = groups.at(-1)
    const size = parseStats(file.stats)?.numRecords ?? ROWS_UNKNOWN
    rows += size
    if (group === undefined || rows > RUN_ROWS_MAX || group.length >= FILES_A_RUN_MAX) {
      groups.push([file])
      rows = size
    } else group.push(file)
  }
  return groups
}

/** Merges what has become too many; a new index becomes one run, which also shows whether two rows have one key. */
async function mergeSome(
  clock: Clock,
  folder: string,
  {
    added,
    older,
    liveness,
  }: { readonly added: readonly Run[]; readonly older: readonly Run[]; readonly liveness: Liveness },
): Promise<{ readonly runs: readonly Run[]; readonly hasTwins: boolean }> {
  const runs = [...added, ...older]
  const isNew = older.length === 0
  const count = isNew ? (added.length > 1 ? added.length : 0) : planMerge(runs.map(({ entries }) => entries))
  if (count === 0) return { runs, hasTwins: false }
  const path = join(folder, `${clock.uuid()}.run`)
  const twins = await mergeRuns(runs.slice(0, count), { path, clock, isLive: liveness.hasFile })
  return { runs: [openRun(path), ...runs.slice(count)], hasTwins: isNew && twins > 0 }
}

/** Every commit in between is a batch of this process: none leaves two rows of one key, or brings a deleted row back. */
function isOwnWork({ batches }: IndexHolder, before: Snapshot, after: Snapshot): boolean {
  for (let version = before.version + 1; version <= after.version; version++) if (!batches.has(version)) return false
  return true
}

function dropRun(run: Run): void {
  run.close()
  rmSync(run.path, { force: true })
}
