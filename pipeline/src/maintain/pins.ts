// A pin keeps one version of a table readable: VACUUM leaves its files, and the cleanup of the log the commits that lead to it. Pins lie in
// the lake, `_tributary/pins/<table>/<name>.json`, so that whoever cleans a table finds them without a project file.

import { fileURLToPath } from 'node:url'
import { assertNotVacuumed, type Clock, readSnapshot, type Store, storeAt } from '@tributary/delta'
import { z } from 'zod'
import { pinCorrupt, pinExists, pinNameInvalid, pinNotFound } from '../errors.ts'

const pin = z
  .object({
    schema: z.literal('tributary.pin/1'),
    table: z.string(),
    name: z.string(),
    version: z.number().int().nonnegative(),
    /** When it was pinned; ISO 8601 text. */
    at: z.string(),
  })
  .readonly()

/** A version of a table that stays readable. */
export type Pin = z.infer<typeof pin>

/** Where the pins of a table lie: the lake, and the table's name in it. */
export interface PinPlace {
  readonly root: Store
  readonly table: string
}

/** The place of the pins of a table, from where the table itself lies: `<lake>/<schema>/<table>`. */
export function pinPlaceOf(table: Store): PinPlace {
  const isOnDisk = table.url.startsWith('file:')
  const parts = (isOnDisk ? fileURLToPath(table.url) : table.url).replace(/\/+$/, '').split('/')
  // A table at the root of a disk or bucket has its pins there.
  const [root, name] = [parts.slice(0, isOnDisk ? 1 : 3), parts.slice(isOnDisk ? 1 : 3)]
  return { root: storeAt([...root, ...name.slice(0, -2)].join('/') || '/'), table: name.slice(-2).join('.') }
}

/**
 * Pin a version under a name. Throws `PIN_NAME_INVALID`, `PIN_EXISTS`, `VERSION_VACUUMED` when files of it are gone, and what `readSnapshot`
 * throws when the version cannot be read.
 */
export async function pinVersion(
  clock: Clock,
  { store, place }: { readonly store: Store; readonly place: PinPlace },
  { version, name }: { readonly version: number; readonly name: string },
): Promise<Pin> {
  const path = pathOf(place, name)
  await assertNotVacuumed(await readSnapshot(store, { version }))
  const made: Pin = {
    schema: 'tributary.pin/1',
    table: place.table,
    name,
    version,
    at: new Date(clock.now()).toISOString(),
  }
  const outcome = await place.root.create(path, Buffer.from(`${JSON.stringify(made)}\n`))
  if (outcome === 'exists') throw pinExists(name, place.table)
  return made
}

/** Remove a pin; `version`, where it is given, must be the pinned one. Throws `PIN_NOT_FOUND`, `PIN_NAME_INVALID`. */
export async function unpin(
  place: PinPlace,
  { version, name }: { readonly version?: number; readonly name: string },
): Promise<Pin> {
  const path = pathOf(place, name)
  const found = (await readPins(place)).find((candidate) => candidate.name === name)
  if (found === undefined || (version !== undefined && found.version !== version))
    throw pinNotFound(name, version, place.table)
  await place.root.delete(path)
  return found
}

/** The pins of a table, by name. Throws `PIN_CORRUPT`: one that cannot be read might keep anything. */
export async function readPins({ root, table }: PinPlace): Promise<readonly Pin[]> {
  const pins: Pin[] = []
  for await (const { path } of root.list(folderOf(table))) {
    if (!path.endsWith('.json')) continue
    pins.push(parsePin(path, await root.read(path)))
  }
  return pins
}

function parsePin(path: string, bytes: Uint8Array): Pin {
  try {
    return pin.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw pinCorrupt(path, cause)
  }
}

function pathOf({ table }: PinPlace, name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) throw pinNameInvalid(name)
  return `${folderOf(table)}${name}.json`
}

function folderOf(table: string): string {
  return `_tributary/pins/${encodeURIComponent(table)}/`
}
