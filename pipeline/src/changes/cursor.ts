// A cursor is how far a consumer of a table's changes has come. It lies in the lake, `_tributary/cursors/<name>/<table>/`, as numbered files
// that are only ever put if absent: the highest number counts, and of two processes that move the cursor from one place only one gets the
// next number. Old files are deleted; `KEPT` of them stay, which tells a process that slept for long from one that won.

import type { Clock } from '@tributary/delta'
import { z } from 'zod'
import { cursorCorrupt, cursorLost, cursorNameInvalid, cursorNotStarted } from '../errors.ts'
import type { PinPlace } from '../maintain/pins.ts'

const cursorFile = z
  .object({
    schema: z.literal('tributary.cursor/1'),
    name: z.string(),
    table: z.string(),
    /** The table's own id: another one means another table. */
    tableId: z.string(),
    /** Counts the places of the cursor. */
    number: z.number().int().positive(),
    /** All up to and with this version was taken in; null before the beginning is. */
    version: z.number().int().min(-1).nullable(),
    /** What a peek handed out last, up to and with this version, and nobody has acknowledged yet. */
    offered: z.number().int().min(-1).nullable(),
    /** When the cursor came here; ISO 8601 text. */
    at: z.string(),
  })
  .readonly()

/** How far a consumer of a table's changes has come. */
export type Cursor = z.infer<typeof cursorFile>

/** A cursor by its name, at the place of the table's lake. */
export interface CursorPlace extends PinPlace {
  readonly name: string
}

const KEPT = 16

/** The newest place of a cursor; undefined when it has none. Throws `CURSOR_NAME_INVALID`, `CURSOR_CORRUPT`. */
export async function readCursor(place: CursorPlace): Promise<Cursor | undefined> {
  const newest = (await listNumbers(place)).at(-1)
  if (newest === undefined) return undefined
  const path = pathOf(place, newest)
  return parseCursor(path, await place.root.read(path))
}

/** Where a cursor is to go. */
export interface CursorMove extends Pick<Cursor, 'tableId' | 'version' | 'offered'> {
  /** Where it was when reading began. */
  readonly from: Cursor | undefined
}

/** Moves a cursor on. Throws `CURSOR_LOST` when another process has moved it since `from`. */
export async function moveCursor(clock: Clock, place: CursorPlace, { from, ...move }: CursorMove): Promise<Cursor> {
  const number = (from?.number ?? 0) + 1
  const made: Cursor = {
    schema: 'tributary.cursor/1',
    name: place.name,
    table: place.table,
    ...move,
    number,
    at: new Date(clock.now()).toISOString(),
  }
  const path = pathOf(place, number)
  if ((await place.root.create(path, Buffer.from(`${JSON.stringify(made)}\n`))) === 'exists')
    throw cursorLost(place.name, place.table)
  const numbers = await listNumbers(place)
  const newest = numbers.at(-1) ?? number
  // The number was free because it had been used and cleaned up.
  if (newest >= number + KEPT) {
    await place.root.delete(path)
    throw cursorLost(place.name, place.table)
  }
  for (const old of numbers) if (old <= newest - KEPT) await place.root.delete(pathOf(place, old))
  return made
}

/**
 * Acknowledges what the last peek handed out; a cursor of which nothing is waiting stays where it is.
 * Throws `CURSOR_NOT_STARTED`, `CURSOR_LOST`.
 */
export async function acknowledgeCursor(clock: Clock, place: CursorPlace): Promise<Cursor> {
  const from = await readCursor(place)
  if (from === undefined) throw cursorNotStarted(place.name, place.table)
  if (from.offered === null) return from
  return moveCursor(clock, place, { from, tableId: from.tableId, version: from.offered, offered: null })
}

async function listNumbers(place: CursorPlace): Promise<readonly number[]> {
  const numbers: number[] = []
  for await (const { path } of place.root.list(folderOf(place))) {
    const number = /\/(\d{20})\.json$/.exec(path)?.[1]
    if (number !== undefined) numbers.push(Number(number))
  }
  return numbers
}

function parseCursor(path: string, bytes: Uint8Array): Cursor {
  try {
    return cursorFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw cursorCorrupt(path, cause)
  }
}

function pathOf(place: CursorPlace, number: number): string {
  return `${folderOf(place)}${String(number).padStart(20, '0')}.json`
}

function folderOf({ name, table }: CursorPlace): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) throw cursorNameInvalid(name)
  return `_tributary/cursors/${name}/${encodeURIComponent(table)}/`
}
