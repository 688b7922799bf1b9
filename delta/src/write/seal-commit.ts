// What a commit may only know when it is about to be written, because it depends on the version before it: its own time, the
// ids of new rows, and the metadata that a rewrite repeats. After a lost race all are given anew.

import type { Clock } from '../clock.ts'
import { recordCountUnknown } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { hasInCommitTimestamps } from '../log/time-travel.ts'
import type { Action, AddFile, CommitInfo, Metadata, Protocol } from '../protocol/actions.ts'
import { supportsWriterFeature } from '../protocol/features.ts'
import { parseStats } from '../protocol/stats.ts'

/** Actions and commitInfo on their way into the log. */
export interface UnsealedCommit {
  readonly actions: readonly Action[]
  readonly info: CommitInfo
}

/** The version that a commit follows; undefined creates the table. */
export type CommitBase =
  | Pick<Snapshot, 'version' | 'timestampMs' | 'protocol' | 'metadata' | 'files' | 'domains'>
  | undefined

/**
 * Give a commit its in-commit timestamp and its new rows their ids, where the table has them, and a rewrite the word that stops
 * writers who would not notice it. Throws `RECORD_COUNT_UNKNOWN`.
 */
export function sealCommit(clock: Clock, base: CommitBase, commit: UnsealedCommit): UnsealedCommit {
  const state = stateAfter(base, commit.actions)
  if (state === undefined) return commit
  return withCommitTime(clock, base, withRowIds(base, withRepeatedMetadata(base, commit), state), state.metadata)
}

// Since its change #3982 delta-rs overlooks the removes of a winner that changed no data: its MERGE or compaction that comes second
// removes the same files once more and adds their rows once more. Metadata in the winner's commit, even unchanged, makes it (and
// Spark) give up and read again; our own writers see that nothing changed.
function withRepeatedMetadata(base: CommitBase, commit: UnsealedCommit): UnsealedCommit {
  const isRewrite = commit.actions.some((action) => 'remove' in action && !action.remove.dataChange)
  if (base === undefined || !isRewrite || commit.actions.some((action) => 'metaData' in action)) return commit
  return { ...commit, actions: [{ metaData: base.metadata }, ...commit.actions] }
}

interface NextState {
  readonly protocol: Protocol
  readonly metadata: Metadata
}

function stateAfter(base: CommitBase, actions: readonly Action[]): NextState | undefined {
  const protocol = actions.reduce((last, action) => ('protocol' in action ? action.protocol : last), base?.protocol)
  const metadata = actions.reduce((last, action) => ('metaData' in action ? action.metaData : last), base?.metadata)
  return protocol === undefined || metadata === undefined ? undefined : { protocol, metadata }
}

// PROTOCOL.md, "In-Commit Timestamps": later than the commit before, whatever the clock says.
function withCommitTime(clock: Clock, base: CommitBase, commit: UnsealedCommit, metadata: Metadata): UnsealedCommit {
  if (!hasInCommitTimestamps(metadata)) return commit
  const nowMs = clock.now()
  const inCommitTimestamp = base === undefined ? nowMs : Math.max(nowMs, Math.floor(base.timestampMs) + 1)
  const info = { ...commit.info, timestamp: nowMs, inCommitTimestamp }
  if (base === undefined || hasInCommitTimestamps(base.metadata)) return { ...commit, info }
  // From here on, and not before, times are in the commits.
  const actions = commit.actions.map((action) =>
    'metaData' in action
      ? { metaData: withEnablement(action.metaData, { version: base.version + 1, inCommitTimestamp }) }
      : action,
  )
  return { actions, info }
}

function withEnablement(
  metadata: Metadata,
  { version, inCommitTimestamp }: { readonly version: number; readonly inCommitTimestamp: number },
): Metadata {
  return {
    ...metadata,
    configuration: {
      ...metadata.configuration,
      'delta.inCommitTimestampEnablementVersion': String(version),
      'delta.inCommitTimestampEnablementTimestamp': String(inCommitTimestamp),
    },
  }
}

const ROW_TRACKING_DOMAIN = 'delta.rowTracking'

// PROTOCOL.md, "Row Tracking": a file's rows have the ids from its base on, and no id is given twice.
function withRowIds(base: CommitBase, commit: UnsealedCommit, { protocol, metadata }: NextState): UnsealedCommit {
  const isSuspended = metadata.configuration['delta.rowTrackingSuspended']?.toLowerCase() === 'true'
  if (!supportsWriterFeature(protocol, 'rowTracking') || isSuspended) return commit
  const version = base === undefined ? 0 : base.version + 1
  const start = highWaterMark(base?.domains.get(ROW_TRACKING_DOMAIN))
  let mark = start
  const tracked = commit.actions.map((action): Action => {
    if (!('add' in action)) return action
    const { add } = action
    const baseRowId = add.baseRowId ?? mark + 1
    if (add.baseRowId === undefined) mark += recordCount(add)
    return { add: { ...add, baseRowId, defaultRowCommitVersion: add.defaultRowCommitVersion ?? version } }
  })
  if (mark === start) return { ...commit, actions: tracked }
  const configuration = JSON.stringify({ rowIdHighWaterMark: mark })
  const others = tracked.filter(
    (action) => !('domainMetadata' in action && action.domainMetadata.domain === ROW_TRACKING_DOMAIN),
  )
  return {
    ...commit,
    actions: [...others, { domainMetadata: { domain: ROW_TRACKING_DOMAIN, configuration, removed: false } }],
  }
}

function recordCount(add: AddFile): number {
  const count = parseStats(add.stats)?.numRecords
  if (count === undefined) throw recordCountUnknown(add.path)
  return count
}

function highWaterMark(configuration: string | undefined): number {
  const found = /"rowIdHighWaterMark"\s*:\s*(-?\d+)/.exec(configuration ?? '')
  return found === null ? -1 : Number(found[1])
}
