import { type Clock, readSnapshot, type Snapshot, type Store } from '@tributary/delta'
import { cursorLeft, cursorNotStarted, cursorStarted } from '../errors.ts'
import { type Cursor, type CursorPlace, moveCursor, readCursor } from './cursor.ts'
import { type ChangesWish, type PlannedChanges, planChanges } from './plan-changes.ts'

/** Changes that a cursor hands out next. */
export interface CursorRead {
  readonly planned: PlannedChanges
  /** Where the cursor was when the changes were planned. */
  readonly from: Cursor | undefined
  /** Call it when all changes are where they should be: only then the cursor moves. Throws `CURSOR_LOST`. */
  readonly take: (clock: Clock) => Promise<void>
  /** Call it instead of `take` when somebody acknowledges later: the cursor stays, and remembers what it handed out. Throws `CURSOR_LOST`. */
  readonly offer: (clock: Clock) => Promise<void>
}

/** How a cursor is to be read. */
export interface CursorWish extends ChangesWish {
  /** Forget where the cursor was. */
  readonly reset?: boolean
}

/**
 * Plans what comes after a cursor's place, up to the table's newest version. A cursor without a place begins with the whole table
 * (`bootstrap`) or after `since`; `bootstrap` means nothing to one that has a place, so that every run can be the same command. Nothing is
 * written before `take` or `offer`: whatever ends the process before them, the next read hands out the same changes again, and more.
 * Throws `CURSOR_NOT_STARTED`, `CURSOR_STARTED`, `CURSOR_LEFT` (the table was replaced, or went back), and what `planChanges` throws.
 */
export async function readWithCursor(
  { store, place }: { readonly store: Store; readonly place: CursorPlace },
  { reset, ...wish }: CursorWish,
): Promise<CursorRead> {
  const from = await readCursor(place)
  const newest = await readSnapshot(store)
  const version = reset === true ? null : (from?.version ?? null)
  if (from !== undefined && version !== null) assertSameTable(place, newest, { tableId: from.tableId, version })
  const next = version === null ? firstWish(place, wish) : nextWish(place, wish, version)
  const planned = await planChanges(store, next, newest)
  const tableId = newest.metadata.id
  const start = planned.isSnapshot ? null : planned.since
  const moveTo = async (clock: Clock, to: Pick<Cursor, 'version' | 'offered'>): Promise<void> => {
    const isThere =
      from !== undefined && from.version === to.version && from.offered === to.offered && from.tableId === tableId
    if (!isThere) await moveCursor(clock, place, { from, tableId, ...to })
  }
  return {
    planned,
    from,
    take: (clock) => moveTo(clock, { version: planned.until, offered: null }),
    offer: (clock) => moveTo(clock, { version: start, offered: planned.until }),
  }
}

function firstWish({ name, table }: CursorPlace, wish: ChangesWish): ChangesWish {
  const isPlaced = wish.since !== undefined || wish.fromVersion !== undefined
  if (wish.bootstrap !== true && !isPlaced) throw cursorNotStarted(name, table)
  return wish
}

function nextWish({ name, table }: CursorPlace, { bootstrap: _, ...wish }: ChangesWish, version: number): ChangesWish {
  if (wish.since !== undefined || wish.fromVersion !== undefined) throw cursorStarted(name, table, version)
  return { ...wish, fromVersion: version + 1 }
}

function assertSameTable(
  { name, table }: CursorPlace,
  newest: Snapshot,
  { tableId, version }: { readonly tableId: string; readonly version: number },
): void {
  if (newest.metadata.id !== tableId) throw cursorLeft(name, table, 'the table was replaced by another one')
  if (newest.version < version)
    throw cursorLeft(name, table, `the cursor stands at version ${version} and the newest is ${newest.version}`)
}
