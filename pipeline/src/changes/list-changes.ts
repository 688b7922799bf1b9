import { type Engine, type ErrorKind, TributaryError } from '@tributary/delta'
import type { Lake } from '../worker/lake.ts'
import { type ChangesWish, planChanges } from './plan-changes.ts'
import { summarizeChanges } from './summarize-changes.ts'

/** What has changed in one table of a lake; an item of `changes --all --json`, whose schema is published. */
export interface TableChanges {
  readonly table: string
  /** The interval (since, until] as versions; null where the table cannot be read in it. */
  readonly since: number | null
  readonly until: number | null
  readonly commits: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Different keys among the changes; null where nobody knows the key. */
  readonly keys: number | null
  /** Why nothing can be said of the table. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

// Such a table has a problem of its own, of which the others are free.
const ITS_OWN: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['expired', 'unsupported', 'not-found', 'corrupt'])

/** Counts the changes of every configured table in an interval of time, one table after another. Throws what concerns all of them. */
export async function* listChanges(engine: Engine, lake: Lake, wish: ChangesWish): AsyncGenerator<TableChanges> {
  for (const { name } of lake.config.tables) yield await countTable(engine, lake, name, wish)
}

async function countTable(engine: Engine, lake: Lake, table: string, wish: ChangesWish): Promise<TableChanges> {
  try {
    const planned = await planChanges(lake.tableStore(table), wish)
    const { since, until, commits, inserted, updated, deleted, keys } = await summarizeChanges(engine, {
      table,
      planned,
    })
    return { table, since, until, commits, inserted, updated, deleted, keys: keys.touched, problem: null }
  } catch (error) {
    if (!(error instanceof TributaryError) || !ITS_OWN.has(error.kind)) throw error
    const none = { since: null, until: null, commits: 0, inserted: 0, updated: 0, deleted: 0, keys: null }
    return { table, ...none, problem: { code: error.code, message: error.message } }
  }
}
