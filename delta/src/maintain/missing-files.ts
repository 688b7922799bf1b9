// Which files are not there. The log goes on naming files of older versions that VACUUM has deleted.
import { TributaryError } from '../errors.ts'
import type { DeletionVectorDescriptor } from '../protocol/actions.ts'
import { decodePath } from '../protocol/paths.ts'
import { type Place, placeName, placeOf, readRangeAt } from '../store/place.ts'
import type { Store } from '../store/store.ts'
import { vectorPath } from './file-places.ts'

const CHECKS_AT_ONCE = 16
/** From so many files on, one listing of the table takes less requests than a question for each. */
const LIST_MIN = 256

/** Which of these paths in the table's store are gone. Throws `STORE_FAILED`. */
export async function findGone(store: Store, paths: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const gone = new Set(paths)
  if (paths.size >= LIST_MIN) {
    for await (const { path } of store.list('')) gone.delete(path)
    return gone
  }
  const found = await filterAsync([...paths], async (path) => (await store.stat(path)) !== undefined)
  for (const path of found) gone.delete(path)
  return gone
}

/** Data files and files of deletion vectors that are gone, wherever they are, as messages name them. Throws `STORE_FAILED`. */
export async function findMissing(
  store: Store,
  files: readonly { readonly path: string; readonly deletionVector?: DeletionVectorDescriptor }[],
): Promise<readonly string[]> {
  const places = new Map<string, Place>()
  for (const file of files) {
    for (const path of [decodePath(file.path), ...vectorPath(file.deletionVector)]) {
      const place = placeOf(store, path)
      places.set(placeName(place), place)
    }
  }
  const inside = [...places.values()].flatMap((place) => (place.kind === 'inside' ? [place.path] : []))
  const gone = await findGone(store, new Set(inside))
  const outside = [...places].filter(([, { kind }]) => kind !== 'inside')
  const missing = await filterAsync(outside, async ([, place]) => !(await isThere(store, place)))
  const lost = new Set(missing.map(([name]) => name))
  return [...places.keys()].filter((name) => gone.has(name) || lost.has(name))
}

async function filterAsync<T>(all: readonly T[], holds: (item: T) => Promise<boolean>): Promise<readonly T[]> {
  const kept: T[] = []
  for (let start = 0; start < all.length; start += CHECKS_AT_ONCE) {
    const part = all.slice(start, start + CHECKS_AT_ONCE)
    const found = await Promise.all(part.map(holds))
    kept.push(...part.filter((_, index) => found[index] === true))
  }
  return kept
}

async function isThere(store: Store, place: Place): Promise<boolean> {
  try {
    await readRangeAt(store, place, { offset: 0, length: 1 })
    return true
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'FILE_NOT_FOUND') return false
    throw error
  }
}
