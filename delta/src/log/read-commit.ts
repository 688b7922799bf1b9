import { commitCorrupt, logGap } from '../errors.ts'
import type { Action, CommitInfo } from '../protocol/actions.ts'
import { parseActionLine } from '../protocol/parse-actions.ts'
import type { Store } from '../store/store.ts'
import { commitPath } from './file-names.ts'
import { listCommits } from './list.ts'

/** One commit, as the log has it. */
export interface Commit {
  readonly version: number
  /** In-commit timestamp where there is one, else the time of the file. */
  readonly timestampMs: number
  readonly actions: readonly Action[]
}

/** The actions of one commit file. Throws `COMMIT_CORRUPT` with file and line, or `FILE_NOT_FOUND`. */
export async function readActions(store: Store, version: number): Promise<readonly Action[]> {
  const path = commitPath(version)
  return parseCommit(path, await store.read(path))
}

/** The actions in the bytes of a commit file. Throws `COMMIT_CORRUPT`. */
export function parseCommit(path: string, bytes: Uint8Array): readonly Action[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw commitCorrupt(path, 1, 'its bytes are not UTF-8', { cause })
  }
  return text.split('\n').flatMap((line, index) => {
    const action = parseActionLine(line, (why, cause) => commitCorrupt(path, index + 1, why, { cause }))
    return action === undefined ? [] : [action]
  })
}

/**
 * The commits of a range of versions, both ends included, in order; one in memory at a time.
 * Throws `LOG_GAP` when one of them is not there, `COMMIT_CORRUPT`.
 */
export async function* readCommits(
  store: Store,
  range: { readonly fromVersion: number; readonly toVersion: number },
): AsyncGenerator<Commit> {
  const times = new Map((await listCommitTimes(store)).map(({ version, timestampMs }) => [version, timestampMs]))
  for (let version = range.fromVersion; version <= range.toVersion; version++) {
    const fileTimeMs = times.get(version)
    if (fileTimeMs === undefined) throw logGap(store.url, version)
    const actions = await readActions(store, version)
    yield { version, timestampMs: commitInfoOf(actions)?.inCommitTimestamp ?? fileTimeMs, actions }
  }
}

/** The commitInfo of a commit. */
export function commitInfoOf(actions: readonly Action[]): CommitInfo | undefined {
  for (const action of actions) if ('commitInfo' in action) return action.commitInfo
  return undefined
}

/** The file times of all commits that are there, made to rise: clocks go back, and a later commit must not look older. */
export async function listCommitTimes(
  store: Store,
): Promise<readonly { readonly version: number; readonly timestampMs: number }[]> {
  let previousMs = Number.NEGATIVE_INFINITY
  return (await listCommits(store)).map(({ version, entry }) => {
    previousMs = Math.max(entry.modifiedMs, previousMs + 1)
    return { version, timestampMs: previousMs }
  })
}
