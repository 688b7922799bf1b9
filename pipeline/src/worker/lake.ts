import { type Clock, cachedStore, type ObjectCache, type Store, storeAt, systemClock } from '@tributary/delta/log'
import type { Config, TableConfig } from '../config/config.ts'
import { tableNotConfigured } from '../errors.ts'
import type { IndexPlace } from '../key-index/index-folder.ts'

/** A landing, the lake that it flows into, and the configuration that joins them. */
export interface Lake {
  readonly config: Config
  readonly clock: Clock
  /** Read only for us. */
  readonly landing: Store
  /** Root of the lake: pins, cursors and notes under `_tributary/`. */
  readonly root: Store
  /** Store of one table's folder, `<lake>/<schema>/<table>`. */
  readonly tableStore: (table: string) => Store
  /** Where the key index of a table is kept; undefined: none are kept. */
  readonly index?: IndexPlace | undefined
}

export interface LakeOptions {
  /** Where key indexes are kept. Without it each batch scans the keys of the table. */
  readonly index?: IndexPlace
  readonly clock?: Clock
  /** How to reach buckets. Lakes that are given the same object share connections and credentials; a new one begins anew. */
  readonly s3?: Parameters<typeof storeAt>[2]
  /** Where objects of tables in a bucket that never change are kept between runs. */
  readonly cache?: ObjectCache
  /** Put something between us and the stores: a cache, a meter, a fault. */
  readonly wrapStore?: (store: Store, what: 'landing' | 'table' | 'root') => Store
}

/** Opens the folders that a configuration names; nothing is read or written yet. */
export function openLake(config: Config, options: LakeOptions = {}): Lake {
  const clock = options.clock ?? systemClock
  const wrap = options.wrapStore ?? ((store) => store)
  const open = (url: string): Store => storeAt(url, clock, options.s3)
  return {
    config,
    clock,
    landing: wrap(open(config.landing), 'landing'),
    root: wrap(open(config.lake), 'root'),
    index: options.index,
    tableStore: (table) => {
      const store = wrap(open(`${config.lake}/${tableFolder(table)}`), 'table')
      return options.cache === undefined || store.remote === undefined
        ? store
        : cachedStore(store, options.cache, clock)
    },
  }
}

/** `shop.orders` lives in `shop/orders`. */
function tableFolder(table: string): string {
  const dot = table.indexOf('.')
  return `${table.slice(0, dot)}/${table.slice(dot + 1)}`
}

/** The configured table of that name; a bare name is accepted when it is unique. Throws `TABLE_NOT_CONFIGURED`. */
export function findTable(config: Config, name: string): TableConfig {
  const exact = config.tables.find((table) => table.name === name)
  if (exact !== undefined) return exact
  const bare = config.tables.filter((table) => table.name.endsWith(`.${name}`))
  const [only] = bare
  if (only === undefined || bare.length > 1)
    throw tableNotConfigured(
      name,
      config.tables.map((table) => table.name),
    )
  return only
}
