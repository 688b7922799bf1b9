import type { Clock } from '../clock.ts'
import { commitInvalid, tableAppendOnly } from '../errors.ts'
import { identify, isSameFile } from '../log/commit-identity.ts'
import { commitPath } from '../log/file-names.ts'
import { latestVersion } from '../log/snapshot.ts'
import type { Action, CommitInfo, Metadata } from '../protocol/actions.ts'
import { decodePath } from '../protocol/paths.ts'
import type { Store, StoreEntry } from '../store/store.ts'

/** What became of one attempt. Losing is no error: look at the winner and decide again. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: number }
  | { readonly kind: 'conflicted'; readonly winner: number }

/** What to commit: on top of which version (undefined creates the table), and who says so. */
export interface CommitAttempt {
  readonly readVersion: number | undefined
  /** The newest file of the log as it was read (`Snapshot.lastFile`): where another one is there now, nothing is committed. */
  readonly readFile?: StoreEntry | undefined
  /** The log was read so shortly ago that cleanup cannot have taken a commit that came since; else the store is asked once more. */
  readonly isFresh?: boolean
  readonly actions: readonly Action[]
  /** Its transaction id is given where it has none. */
  readonly info: CommitInfo
}

/**
 * Try once to write the version after `readVersion`. commitInfo goes first and gets time, version and a transaction id.
 * Throws `COMMIT_INVALID` when the actions break the protocol's rules for one commit, and what the store throws.
 */
export async function commit(store: Store, clock: Clock, attempt: CommitAttempt): Promise<CommitOutcome> {
  assertOneCommit(attempt.actions)
  const { readVersion, readFile, isFresh = false } = attempt
  const later =
    readVersion === undefined || isFresh ? undefined : await versionBeyondCleanup(store, { readVersion, readFile })
  if (later !== undefined) return { kind: 'conflicted', winner: later }
  const version = readVersion === undefined ? 0 : readVersion + 1
  const info: CommitInfo = {
    timestamp: clock.now(),
    ...attempt.info,
    ...(readVersion === undefined ? {} : { readVersion }),
    txnId: attempt.info.txnId ?? clock.uuid(),
  }
  const created = await store.create(commitPath(version), encodeCommit([{ commitInfo: info }, ...attempt.actions]))
  return created === 'created' ? { kind: 'committed', version } : { kind: 'conflicted', winner: version }
}

// Log cleanup takes commits from the front. Where it took the one that was read, a free next number proves nothing: a commit put
// there would lie below a checkpoint, seen by nobody.
async function versionBeyondCleanup(
  store: Store,
  { readVersion, readFile }: { readonly readVersion: number; readonly readFile: StoreEntry | undefined },
): Promise<number | undefined> {
  const found = await store.stat(commitPath(readVersion))
  if (found !== undefined) {
    const isTheOne = readFile === undefined || isSameFile(readFile, await identify(store, found))
    return isTheOne ? undefined : latestVersion(store)
  }
  // It may also be the newest one, of which only the checkpoint was left.
  const latest = await latestVersion(store)
  return latest === readVersion ? undefined : latest
}

/** Throws `TABLE_APPEND_ONLY` when the actions take rows out of a table that may only grow. Rearranging is allowed. */
export function assertAppendOnly(metadata: Metadata, actions: readonly Action[]): void {
  if (metadata.configuration['delta.appendOnly']?.toLowerCase() !== 'true') return
  for (const action of actions)
    if ('remove' in action && action.remove.dataChange) throw tableAppendOnly(action.remove.path)
}

/** The bytes of a commit file: one action a line. */
export function encodeCommit(actions: readonly Action[]): Uint8Array {
  return new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
}

// PROTOCOL.md, "Delta Log Entries": what one commit may hold at most once.
function assertOneCommit(actions: readonly Action[]): void {
  const seen = new Set<string>()
  for (const action of actions) {
    const what = describe(action)
    if (seen.has(what)) throw commitInvalid(`it holds ${what} twice`)
    seen.add(what)
  }
}

function describe(action: Action): string {
  if ('add' in action) return `an add of ${plainPath(action.add.path)}`
  if ('remove' in action) return `a remove of ${plainPath(action.remove.path)}`
  if ('cdc' in action) return `a cdc of ${plainPath(action.cdc.path)}`
  if ('txn' in action) return `a txn of ${JSON.stringify(action.txn.appId)}`
  if ('domainMetadata' in action) return `the domain ${JSON.stringify(action.domainMetadata.domain)}`
  if ('commitInfo' in action) throw commitInvalid('it brings a commitInfo of its own among the actions')
  return 'protocol' in action ? 'a protocol' : 'a metaData'
}

function plainPath(logPath: string): string {
  const place = decodePath(logPath)
  return place.kind === 'relative' ? place.path : place.url
}
