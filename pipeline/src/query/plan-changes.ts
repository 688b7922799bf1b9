import { type ChangesRequest, readCommits, readSnapshot, type Snapshot, type Store } from '@tributary/delta'
import { changeFeedMissing, rangeEmpty } from '../errors.ts'
import { parseTableState, STATE_DOMAIN } from '../ledger/table-state.ts'
import { placeColumns } from '../upsert/locate.ts'
import { type PointOptions, resolveVersion } from './version-text.ts'

/** What a person asks of a table's changes: the interval (since, until], or two versions that both belong to it. */
export interface ChangesWish extends PointOptions {
  readonly since?: string
  readonly until?: string
  readonly fromVersion?: number
  readonly toVersion?: number
  readonly net?: boolean
  /** Derive the changes of a table that another program writes, pairing rows by this key. */
  readonly deriveKey?: readonly string[]
}

/** A request for `changesSql`; `isEmpty` when no commit lies in the interval, and the request then only tells the columns. */
export interface PlannedChanges {
  readonly request: ChangesRequest
  readonly isEmpty: boolean
}

const FEED_PROPERTY = 'delta.enableChangeDataFeed'

/**
 * Decides which commits are meant and how their changes are found. On a table that Tributary writes they are derived, by its key.
 * On any other the protocol holds: the change feed has to be on in the whole range, unless the caller gives a key to derive by.
 * Throws `CHANGE_FEED_MISSING`, `RANGE_EMPTY`, and what `resolveVersion` and `readSnapshot` throw.
 */
export async function planChanges(store: Store, wish: ChangesWish): Promise<PlannedChanges> {
  const newest = await readSnapshot(store)
  const after = wish.since === undefined ? undefined : await resolveVersion(store, wish.since, wish)
  const fromVersion = after === undefined ? (wish.fromVersion ?? 0) : after + 1
  const toVersion =
    wish.until === undefined ? (wish.toVersion ?? newest.version) : await resolveVersion(store, wish.until, wish)
  const isEmpty = fromVersion === toVersion + 1
  if (fromVersion > toVersion + 1) throw rangeEmpty(fromVersion, toVersion)
  // One past the newest version is an interval in which nothing has happened yet; beyond it there is nothing to ask about.
  const range = isEmpty
    ? { fromVersion: Math.max(toVersion, 0), toVersion: Math.max(toVersion, 0) }
    : { fromVersion, toVersion }
  const request = { ...range, ...(wish.net === undefined ? {} : { net: wish.net }) }
  const text = newest.domains.get(STATE_DOMAIN)
  if (text !== undefined)
    return { request: { ...request, key: parseTableState(text).key, origin: placeColumns }, isEmpty }
  if (wish.deriveKey !== undefined) return { request: { ...request, key: wish.deriveKey }, isEmpty }
  await assertFeed(store, range)
  return { request: { ...request, feed: true }, isEmpty }
}

async function assertFeed(
  store: Store,
  range: { readonly fromVersion: number; readonly toVersion: number },
): Promise<void> {
  const first = await readSnapshot(store, { version: range.fromVersion })
  if (!isFeedOn(first.metadata)) throw changeFeedMissing(store.url, range.fromVersion)
  for await (const { version, actions } of readCommits(store, range)) {
    const isOff = actions.some((action) => 'metaData' in action && !isFeedOn(action.metaData))
    if (isOff) throw changeFeedMissing(store.url, version)
  }
}

function isFeedOn({ configuration }: Snapshot['metadata']): boolean {
  return configuration[FEED_PROPERTY]?.toLowerCase() === 'true'
}
