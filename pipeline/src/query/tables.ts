import { resolve } from 'node:path'
import { type Store, storeAt } from '@tributary/delta/log'
import { tableUnknown } from '../errors.ts'
import type { Lake } from '../worker/lake.ts'

/** A table that a person named: configured, or any Delta table at a path. */
export interface NamedTable {
  readonly name: string
  readonly store: Store
  /** Key columns from the configuration; a table at a path may still know its own. */
  readonly key: readonly string[]
}

/**
 * Finds a table by its name (`shop.orders`, or `orders` where that is unique) or by the path of its folder. A name with a
 * slash, or of a folder with a `_delta_log`, is a path; without a lake only paths are known. Throws `TABLE_UNKNOWN`, which names the closest tables.
 */
export async function findNamedTable(lake: Lake | undefined, name: string): Promise<NamedTable> {
  const tables = lake?.config.tables ?? []
  const wanted = name.toLowerCase()
  const exact = tables.filter((table) => table.name === name)
  const same = exact.length > 0 ? exact : tables.filter((table) => table.name.toLowerCase() === wanted)
  const bare =
    same.length > 0
      ? same
      : tables.filter((table) => table.name.slice(table.name.indexOf('.') + 1).toLowerCase() === wanted)
  const [only] = bare
  if (lake !== undefined && only !== undefined && bare.length === 1) {
    return { name: only.name, store: lake.tableStore(only.name), key: only.key }
  }
  const store = bare.length === 0 ? await tableAtPath(name) : undefined
  if (store !== undefined) return { name, store, key: [] }
  throw tableUnknown(
    name,
    bare.length > 1
      ? bare.map((table) => table.name)
      : closestNames(
          name,
          tables.map((table) => table.name),
        ),
  )
}

async function tableAtPath(path: string): Promise<Store | undefined> {
  if (path === '' || path.includes('\0')) return undefined
  const store = storeAt(/^s3a?:\/\//i.test(path) ? path : resolve(path))
  for await (const _ of store.list('_delta_log/')) return store
  return undefined
}

const CLOSEST_MAX = 3

/** The names most like a wrong one, best first. */
export function closestNames(wrong: string, names: readonly string[]): readonly string[] {
  const wanted = wrong.toLowerCase()
  const scored = names.map((name) => {
    const bare = name.slice(name.indexOf('.') + 1).toLowerCase()
    return { name, score: Math.min(editDistance(wanted, name.toLowerCase()), editDistance(wanted, bare)) }
  })
  return scored
    .filter(({ name, score }) => score <= Math.max(2, Math.floor(Math.min(name.length, wanted.length) / 2)))
    .sort((left, right) => left.score - right.score)
    .slice(0, CLOSEST_MAX)
    .map(({ name }) => name)
}

/** How many letters have to be added, dropped or replaced to make one text of the other. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let at = 1; at <= left.length; at++) {
    const next = [at]
    for (let to = 1; to <= right.length; to++) {
      const replaced = (row[to - 1] ?? 0) + (left[at - 1] === right[to - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[right.length] ?? 0
}
