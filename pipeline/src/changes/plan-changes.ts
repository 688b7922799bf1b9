import {
  type ChangesRequest,
  findReadableRange,
  readCommits,
  readSnapshot,
  type Snapshot,
  type Store,
  TributaryError,
} from '@tributary/delta'
import { changeFeedMissing, changesExpired, keyUnknown, rangeEmpty } from '../errors.ts'
import { parseTableState, STATE_DOMAIN } from '../ledger/table-state.ts'
import { type PointOptions, parsePoint, resolveVersion } from '../query/version-text.ts'
import { placeColumns } from '../upsert/locate.ts'

/** What a person asks of a table's changes: the interval (since, until], or two versions that both belong to it. */
export interface ChangesWish extends PointOptions {
  readonly since?: string
  readonly until?: string
  readonly fromVersion?: number
  readonly toVersion?: number
  readonly net?: boolean
  /** Only these columns and those of the key; an update that changed none of these is left out. */
  readonly columns?: readonly string[]
  /** Derive the changes of a table that another program writes, pairing rows by this key. */
  readonly deriveKey?: readonly string[]
  /** The whole table at the end of the interval, as inserts: how a consumer begins that has nothing yet. */
  readonly bootstrap?: boolean
}

/** Which commits are meant and how their changes are found. */
export interface PlannedChanges {
  /** For `changesSql`. When the interval is empty it only tells the columns. */
  readonly request: ChangesRequest
  /** No commit lies in the interval. */
  readonly isEmpty: boolean
  /** The rows of the table at `until` are to be given as inserts. */
  readonly isSnapshot: boolean
  /** The interval (since, until] as versions; -1 is before the first commit. Resolved once, so that all that is read belongs together. */
  readonly since: number
  readonly until: number
  /** Columns that tell rows apart; empty where nobody knows them. */
  readonly key: readonly string[]
  /** The table as it was when the plan was made. */
  readonly newest: Snapshot
}

const FEED_PROPERTY = 'delta.enableChangeDataFeed'

/**
 * Decides which commits are meant and how their changes are found. On a table that Tributary writes they are derived, by its key.
 * On any other the protocol holds: the change feed has to be on in the whole range, unless the caller gives a key to derive by.
 * Looks first whether all of it can still be read. `known` is the table's newest version where the caller has it. Throws `CHANGES_EXPIRED`, `CHANGE_FEED_MISSING`, `RANGE_EMPTY`, `KEY_UNKNOWN` (columns
 * were asked for, and nothing tells which rows belong together), and what `resolveVersion` and `readSnapshot` throw.
 */
export async function planChanges(store: Store, wish: ChangesWish, known?: Snapshot): Promise<PlannedChanges> {
  const newest = known ?? (await readSnapshot(store))
  const { since, until } = await resolveInterval(newest, wish)
  if (since > until) throw rangeEmpty(since + 1, until)
  // It says that there is no such version yet.
  if (until > newest.version) await readSnapshot(store, { version: until })
  const isSnapshot = wish.bootstrap === true
  const isEmpty = since === until && !isSnapshot
  // One past the newest version is an interval in which nothing has happened yet; beyond it there is nothing to ask about.
  const range = {
    fromVersion: isEmpty ? Math.max(until, 0) : since + 1,
    toVersion: Math.max(until, 0),
    ...(wish.net === undefined ? {} : { net: wish.net }),
  }
  const text = newest.domains.get(STATE_DOMAIN)
  const key = text === undefined ? wish.deriveKey : parseTableState(text).key
  if (wish.columns !== undefined && key === undefined) throw keyUnknown(store.url)
  const request: ChangesRequest = {
    ...range,
    ...(range.toVersion === newest.version ? { end: newest } : {}),
    ...(wish.columns === undefined ? {} : { columns: wish.columns }),
    ...(key === undefined ? { feed: true } : { key }),
    ...(text === undefined ? {} : { origin: placeColumns }),
  }
  if (!isEmpty && !isSnapshot) await assertReadable(newest, request)
  if (request.feed === true && !isSnapshot) await assertFeed(store, range)
  return { request, isEmpty, isSnapshot, since, until, key: key ?? [], newest }
}

async function resolveInterval(newest: Snapshot, wish: ChangesWish): Promise<Pick<PlannedChanges, 'since' | 'until'>> {
  const { since, until, fromVersion = 0, toVersion = newest.version } = wish
  return {
    since: since === undefined ? fromVersion - 1 : await resolveEnd(newest, since, wish),
    until: until === undefined ? toVersion : await resolveEnd(newest, until, wish),
  }
}

/** An end of the interval. The table at that version need not be readable: what counts are the commits after it. */
async function resolveEnd({ store, version: latest }: Snapshot, text: string, options: PointOptions): Promise<number> {
  const point = parsePoint(text)
  if (point.kind === 'version' && point.version <= latest) return point.version
  try {
    return await resolveVersion(store, text, options)
  } catch (error) {
    // Before all that is left of the log: that it is too far back is said with the oldest version that is not.
    if (error instanceof TributaryError && error.code === 'TIMESTAMP_TOO_EARLY') return -1
    throw error
  }
}

async function assertReadable(newest: Snapshot, request: ChangesRequest): Promise<void> {
  const oldest = await findReadableRange(newest, request)
  if (oldest.since < request.fromVersion) return
  throw changesExpired(newest.store.url, { since: request.fromVersion - 1, oldest })
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
