// A table that Tributary feeds is restored together with its ledger: the rows of a version and the record of the files that made them
// are one thing (law 1). The files that were taken in since wait again, so they must still be there (decision 12).

import { type Action, type Clock, planRestore, type RestorePlan, restore, type Snapshot } from '@tributary/delta'
import { restoreFilesLeft, restoreLost, restoreNeedsProject, restoreSidecarsGone } from '../errors.ts'
import { appendLedger, type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { findTable, type Lake } from '../worker/lake.ts'
import { listLanding } from '../worker/listing.ts'
import { lookUpFiles } from '../worker/look-up.ts'
import { type LandingFile, nextGeneration } from '../worker/plan.ts'
import { segmentsOf, stateOf } from './sidecars.ts'

/** What a restore of a table changes. */
export interface TableRestore {
  readonly plan: RestorePlan
  readonly current: Snapshot
  /** Landing files that were taken in since and will be read again by the next ingest. */
  readonly again: readonly string[]
  readonly feed: Feed | undefined
}

/** What has to be written so that the ledger fits the rows. */
interface Feed {
  readonly now: TableState
  readonly then: TableState
  /** The newest file that a reload which waits again had replaced: it must not come after that reload. */
  readonly closing: LedgerEntry | undefined
  /** Decisions to leave a file out are about the file, not about rows: they stay. */
  readonly skipped: readonly LedgerEntry[]
  readonly appId: string
}

/**
 * Plan to make a table what it was; `lake` is the project that feeds it, needed for tables of ours only. Throws `RESTORE_FILES_MISSING`,
 * `RESTORE_SIDECARS_GONE`, `RESTORE_FILES_LEFT`, `RESTORE_NEEDS_PROJECT`.
 */
export async function planTableRestore(
  clock: Clock,
  { current, target }: { readonly current: Snapshot; readonly target: Snapshot },
  project: { readonly lake: Lake; readonly table: string } | undefined,
): Promise<TableRestore> {
  const plan = await planRestore(clock, current, target)
  const [now, then] = [stateOf(current), stateOf(target)]
  // A version from before the table was ours takes the ledger away: `adopt` then asks what the rows hold. So it does for a table
  // that was released: its old ledger knows nothing of what came between.
  if (now === undefined || then === undefined)
    return { plan: { ...plan, actions: withoutState(plan.actions, then) }, current, again: [], feed: undefined }
  if (project === undefined) throw restoreNeedsProject(current.store.url)
  await assertSidecars(target, then)
  const [taken, kept] = [await readLedger(current.store, now.ledger), await readLedger(current.store, then.ledger)]
  const known = new Set(kept.map(identityOf))
  const since = taken.filter((entry) => !known.has(identityOf(entry)))
  const { name } = findTable(project.lake.config, project.table)
  const listed = (await listLanding(project.lake)).tables.get(name) ?? []
  const loads = await lookUpFiles(
    project.lake.landing,
    listed.filter(({ kind }) => kind === 'load'),
    kept,
  )
  // Files of the generations before a reload that waits again are not needed: it replaces their rows. A truncate does not wait.
  const reloaded = nextGeneration(loads, then) === undefined ? 0 : newestLoad(since)
  const again = await assertStillThere(
    { ...project, name, listed },
    since.filter(({ generation }) => generation >= reloaded),
  )
  const closing = since
    .filter(({ generation, kind }) => generation < reloaded && TAKEN.has(kind))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .at(-1)
  const skipped = since.filter(({ kind }) => kind === 'skipped')
  return { plan, current, again, feed: { now, then, closing, skipped, appId: `tributary/${name}` } }
}

/** Commit a restore; returns the new version. Throws `RESTORE_LOST` when another writer was first, and what `restore` throws. */
export async function restoreTable(clock: Clock, { plan, current, feed }: TableRestore): Promise<number> {
  const outcome = await restore(clock, current, plan, feed === undefined ? [] : await feedActions(clock, current, feed))
  if (outcome.kind === 'conflicted') throw restoreLost(current.store.url, outcome)
  return outcome.version
}

async function feedActions(clock: Clock, { store }: Snapshot, { now, then, closing, skipped, appId }: Feed) {
  // Batches only count on: a transaction identifier that went back would look like one already applied.
  const batch = now.batch + 1
  const entries = skipped.map((entry) => ({ ...entry, batch }))
  const state: TableState = {
    ...then,
    ...(closing !== undefined && closing.place > then.lastPlace
      ? { lastPlace: closing.place, lastFile: closing.key }
      : {}),
    batch,
    ledger: await appendLedger({ store, clock }, then.ledger, entries),
  }
  return [
    { txn: { appId, version: batch, lastUpdated: clock.now() } },
    { domainMetadata: { domain: STATE_DOMAIN, configuration: JSON.stringify(state), removed: false } },
  ]
}

function withoutState(actions: readonly Action[], then: TableState | undefined): readonly Action[] {
  if (then === undefined) return actions
  return actions.filter((action) => !('domainMetadata' in action && action.domainMetadata.domain === STATE_DOMAIN))
}

/** The same file, also when it was taken in again after another restore. */
function identityOf({ generation, kind, key, hash }: LedgerEntry): string {
  return JSON.stringify([generation, kind, key, hash])
}

function newestLoad(entries: readonly LedgerEntry[]): number {
  return Math.max(0, ...entries.flatMap(({ kind, generation }) => (kind === 'load' ? [generation] : [])))
}

async function assertSidecars({ store, version }: Snapshot, state: TableState): Promise<void> {
  const gone: string[] = []
  for (const { path } of segmentsOf(state)) if ((await store.stat(path)) === undefined) gone.push(path)
  if (gone.length > 0) throw restoreSidecarsGone(version, gone)
}

/** The files to be read again. Throws `RESTORE_FILES_LEFT` when one is gone or has other bytes. */
async function assertStillThere(
  { lake, name, listed }: { readonly lake: Lake; readonly name: string; readonly listed: readonly LandingFile[] },
  since: readonly LedgerEntry[],
): Promise<readonly string[]> {
  const wanted = since.filter(({ kind }) => TAKEN.has(kind))
  const keys = new Set(wanted.map(({ key }) => key))
  const seen = await lookUpFiles(
    lake.landing,
    listed.filter(({ key }) => keys.has(key)),
    wanted,
  )
  const there = new Set(seen.flatMap((file) => (file.seen === 'known' ? [file.file.key] : [])))
  const gone = [...keys].filter((key) => !there.has(key))
  if (gone.length > 0) throw restoreFilesLeft(name, gone)
  return [...keys]
}

const TAKEN: ReadonlySet<LedgerEntry['kind']> = new Set(['load', 'cdc', 'transactions'])
