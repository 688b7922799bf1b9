// A table that Tributary feeds is restored together with its ledger: the rows of a version and the record of the files that made them
// are one thing (law 1). The files that were taken in since wait again, so they must still be there (decision 12).

import { type Clock, planRestore, type RestorePlan, restore, type Snapshot } from '@tributary/delta'
import { restoreFilesLeft, restoreLost, restoreNeedsProject, restoreSidecarsGone } from '../errors.ts'
import { appendLedger, type LedgerEntry, readLedger } from '../ledger/ledger.ts'
import { STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { findTable, type Lake } from '../worker/lake.ts'
import { listLanding } from '../worker/listing.ts'
import { lookUpFiles } from '../worker/look-up.ts'
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
  // A version from before the table was ours takes the ledger away: `adopt` then asks what the rows hold.
  if (now === undefined || then === undefined) return { plan, current, again: [], feed: undefined }
  if (project === undefined) throw restoreNeedsProject(current.store.url)
  await assertSidecars(target, then)
  const [taken, kept] = [await readLedger(current.store, now.ledger), await readLedger(current.store, then.ledger)]
  const known = new Set(kept.map(identityOf))
  const since = taken.filter((entry) => !known.has(identityOf(entry)))
  const again = await assertStillThere(project, since, now.generation)
  const { name } = findTable(project.lake.config, project.table)
  const skipped = since.filter(({ kind }) => kind === 'skipped')
  return { plan, current, again, feed: { now, then, skipped, appId: `tributary/${name}` } }
}

/** Commit a restore; returns the new version. Throws `RESTORE_LOST` when another writer was first, and what `restore` throws. */
export async function restoreTable(clock: Clock, { plan, current, feed }: TableRestore): Promise<number> {
  const outcome = await restore(clock, current, plan, feed === undefined ? [] : await feedActions(clock, current, feed))
  if (outcome.kind === 'conflicted') throw restoreLost(current.store.url, outcome)
  return outcome.version
}

async function feedActions(clock: Clock, { store }: Snapshot, { now, then, skipped, appId }: Feed) {
  // Batches only count on: a transaction identifier that went back would look like one already applied.
  const batch = now.batch + 1
  const entries = skipped.map((entry) => ({ ...entry, batch }))
  const state: TableState = { ...then, batch, ledger: await appendLedger({ store, clock }, then.ledger, entries) }
  return [
    { txn: { appId, version: batch, lastUpdated: clock.now() } },
    { domainMetadata: { domain: STATE_DOMAIN, configuration: JSON.stringify(state), removed: false } },
  ]
}

function identityOf({ generation, kind, key, hash, batch }: LedgerEntry): string {
  return JSON.stringify([generation, kind, key, hash, batch])
}

async function assertSidecars({ store, version }: Snapshot, state: TableState): Promise<void> {
  const gone: string[] = []
  for (const { path } of segmentsOf(state)) if ((await store.stat(path)) === undefined) gone.push(path)
  if (gone.length > 0) throw restoreSidecarsGone(version, gone)
}

/** The files to be read again. Those of earlier generations are not needed: a reload, which waits again too, replaces their rows. */
async function assertStillThere(
  { lake, table }: { readonly lake: Lake; readonly table: string },
  since: readonly LedgerEntry[],
  generation: number,
): Promise<readonly string[]> {
  const wanted = since.filter((entry) => entry.generation === generation && TAKEN.has(entry.kind))
  const { name } = findTable(lake.config, table)
  const listed = (await listLanding(lake)).tables.get(name) ?? []
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
