// `_tributary/` of a table: what the newest state names is alive, and so is what a version names that can still be read or restored. All
// else there is garbage once it is old enough not to belong to a batch at work.

import { listCommitTimes, readCommits, readSnapshot, type Snapshot, type StoreEntry } from '@tributary/delta'
import { parseTableState, type Segment, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'

const FOLDER = '_tributary/'

/** The state that a version of a table carries; undefined when it is not ours. Throws `LEDGER_FORMAT_UNKNOWN`, `TABLE_STATE_CORRUPT`. */
export function stateOf({ domains }: Pick<Snapshot, 'domains'>): TableState | undefined {
  const text = domains.get(STATE_DOMAIN)
  return text === undefined ? undefined : parseTableState(text)
}

/** The sidecar files that a state names. */
export function segmentsOf({ ledger, tombstones, quarantine }: TableState): readonly Segment[] {
  return [...ledger, ...tombstones, ...quarantine]
}

/** Sidecar files that no readable version names and that are older than the cutoff. */
export async function findDeadSidecars(
  snapshot: Snapshot,
  { cutoffMs, keepVersions }: { readonly cutoffMs: number; readonly keepVersions: readonly number[] },
): Promise<readonly StoreEntry[]> {
  const { store } = snapshot
  const old: StoreEntry[] = []
  for await (const entry of store.list(FOLDER)) if (entry.modifiedMs < cutoffMs) old.push(entry)
  if (old.length === 0) return []
  const named = await namedSidecars(snapshot, keepVersions)
  return old.filter(({ path }) => !named.has(path))
}

async function namedSidecars(snapshot: Snapshot, keepVersions: readonly number[]): Promise<ReadonlySet<string>> {
  const { store, version } = snapshot
  const named = new Set<string>()
  const note = (state: TableState | undefined): void => {
    for (const { path } of state === undefined ? [] : segmentsOf(state)) named.add(path)
  }
  note(stateOf(snapshot))
  for (const kept of keepVersions) note(stateOf(await readSnapshot(store, { version: kept })))
  const [first] = await listCommitTimes(store)
  if (first === undefined) return named
  // The commits say what changed; what the first of them found is in its checkpoint.
  if (first.version > 0) note(stateOf(await readSnapshot(store, { version: first.version })))
  for await (const { actions } of readCommits(store, { fromVersion: first.version, toVersion: version })) {
    for (const action of actions) {
      if (!('domainMetadata' in action)) continue
      const { domain, configuration, removed } = action.domainMetadata
      if (domain === STATE_DOMAIN && !removed) note(parseTableState(configuration))
    }
  }
  return named
}
