// PROTOCOL.md, "In-Commit Timestamps": from the version that enabled them on, the time of a commit is in its commitInfo; before
// that, and without them, it is the time of its file.

import { tableNotFound, timestampTooEarly } from '../errors.ts'
import type { Metadata } from '../protocol/actions.ts'
import type { Store } from '../store/store.ts'
import { commitInfoOf, listCommitTimes, readActions } from './read-commit.ts'

/** The newest version that is not younger than a time. Throws `TIMESTAMP_TOO_EARLY`, `TABLE_NOT_FOUND`. */
export async function resolveTimestamp(
  store: Store,
  metadata: Metadata | undefined,
  timestampMs: number,
): Promise<number> {
  const commits = await listCommitTimes(store)
  const timed = metadata !== undefined && hasInCommitTimestamps(metadata) ? enablement(metadata) : undefined
  if (timed === undefined) return newestNotAfter(store, commits, timestampMs, fileTime)
  if (timestampMs < timed.timestampMs) {
    return newestNotAfter(
      store,
      commits.filter(({ version }) => version < timed.version),
      timestampMs,
      fileTime,
    )
  }
  return newestNotAfter(
    store,
    commits.filter(({ version }) => version >= timed.version),
    timestampMs,
    inCommitTime,
  )
}

/** Whether the commits of a table carry their own times. */
export function hasInCommitTimestamps(metadata: Metadata): boolean {
  return metadata.configuration['delta.enableInCommitTimestamps']?.toLowerCase() === 'true'
}

interface TimedCommit {
  readonly version: number
  readonly timestampMs: number
}

function enablement(metadata: Metadata): TimedCommit {
  // Both are absent when the table was made with the feature on.
  const version = Number(metadata.configuration['delta.inCommitTimestampEnablementVersion'] ?? 0)
  const timestampMs = Number(
    metadata.configuration['delta.inCommitTimestampEnablementTimestamp'] ?? Number.NEGATIVE_INFINITY,
  )
  return { version, timestampMs }
}

async function fileTime(_: Store, commit: TimedCommit): Promise<number> {
  return commit.timestampMs
}

async function inCommitTime(store: Store, commit: TimedCommit): Promise<number> {
  return commitInfoOf(await readActions(store, commit.version))?.inCommitTimestamp ?? commit.timestampMs
}

// Times rise with the version, so halving finds the place and reads few commits.
async function newestNotAfter(
  store: Store,
  commits: readonly TimedCommit[],
  timestampMs: number,
  timeOf: (store: Store, commit: TimedCommit) => Promise<number>,
): Promise<number> {
  let low = 0
  let high = commits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const commit = commits[middle]
    if (commit !== undefined && (await timeOf(store, commit)) <= timestampMs) low = middle + 1
    else high = middle
  }
  const found = commits[low - 1]
  if (found !== undefined) return found.version
  const first = commits[0]
  throw first === undefined ? tableNotFound(store.url) : timestampTooEarly(timestampMs, await timeOf(store, first))
}
