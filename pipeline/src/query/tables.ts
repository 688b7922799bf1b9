import { resolve } from 'node:path'
import { type Store, storeAt } from '@tributary/delta/log'
import { tableUnknown } from '../errors.ts'
import { historyNameOf } from '../history-table/history-name.ts'
import type { Lake } from '../worker/lake.ts'

/** A table that a person named: configured, or any Delta table at a path. */
export interface NamedTable {
  readonly name: string
  readonly store: Store
  /** Key columns from the configuration; a table at a path may still know its own. */
  readonly key: readonly string[]
  /** Where its history is, for a configured table that keeps one. */
  readonly history?: Store
}

/**
 * Finds a table by its name (`shop.orders`, or `orders` where that is unique; also `features.daily`) or by the path of its folder. A name with a
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
    const { name: found, key, history } = only
    const store = lake.tableStore(found)
    return { name: found, store, key, ...(history ? { history: lake.tableStore(historyNameOf(found)) } : {}) }
  }
  const kept = lake === undefined ? undefined : await historyAt(lake, name)
  if (kept !== undefined) return kept
  const inLake = bare.length === 0 ? await tableOfLake(lake, name) : undefined
  if (inLake !== undefined) return { name, store: inLake, key: [] }
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

/** The history of a configured table, also of one that keeps it no longer. */
async function historyAt(lake: Lake, name: string): Promise<NamedTable | undefined> {
  const wanted = name.toLowerCase()
  const [only, ...others] = lake.config.tables.filter((table) =>
    [table.name, table.table].some((known) => historyNameOf(known).toLowerCase() === wanted),
  )
  if (only === undefined || others.length > 0) return undefined
  const found = historyNameOf(only.name)
  const store = lake.tableStore(found)
  if (!only.history && !(await hasLog(store))) return undefined
  return { name: found, store, key: [] }
}

async function hasLog(store: Store): Promise<boolean> {
  for await (const _ of store.list('_delta_log/')) return true
  return false
}

/** A table that nobody configured, because it is made of others: a feature. */
async function tableOfLake(lake: Lake | undefined, name: string): Promise<Store | undefined> {
  if (lake === undefined || !/^[^./\\]+\.[^./\\]+$/.test(name)) return undefined
  const store = lake.tableStore(name)
  return (await hasLog(store)) ? store : undefined
}

async function tableAtPath(path: string): Promise<Store | undefined> {
  if (path === '' || path.includes('\0')) return undefined
  const store = storeAt(/^s3a?:\/\//i.test(path) ? path : resolve(path))
  return (await hasLog(store)) ? store : undefined
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
