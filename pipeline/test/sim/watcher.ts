// Looks over the shoulder of everybody who writes into the bucket, as no process can: what a commit made, and when. Some invariants can
// only be seen at the moment when they break; those are checked here, the others at the end (invariants.ts).

/** What is known of a table from its commits as they came. */
export interface WatchedTable {
  /** Number of the newest batch. */
  batch: number
  commits: number
  /** Paths of live data files. */
  readonly live: Set<string>
}

/** Eyes on the bucket. */
export interface Watcher {
  readonly tables: ReadonlyMap<string, WatchedTable>
  readonly onWrite: (what: 'put' | 'delete', key: string, bytes: Uint8Array) => void
  /** Puts and deletes inside `work` are DMS's. */
  readonly bySource: (work: () => void) => void
  readonly violations: string[]
}

const COMMIT = /^lake\/([^/]+)\/([^/]+)\/_delta_log\/(\d{20})\.json$/

/** Starts with tables that have no commit. */
export function createWatcher(names: readonly string[]): Watcher {
  const tables = new Map<string, WatchedTable>(
    names.map((name) => [name, { batch: 0, commits: 0, live: new Set<string>() }]),
  )
  const written = new Set<string>()
  const violations: string[] = []
  let isSource = false
  return {
    tables,
    violations,
    bySource: (work) => {
      isSource = true
      work()
      isSource = false
    },
    onWrite: (what, key, bytes) => {
      const isInLake = key.startsWith('lake/')
      if (isSource === isInLake) violations.push(`I10 ${what} outside of the lake: ${key}`)
      const [, schema, name, version] = COMMIT.exec(key) ?? []
      const table = tables.get(`${schema}.${name}`)
      if (what === 'delete') {
        for (const [each, { live }] of tables)
          if (key.startsWith(`lake/${each.replace('.', '/')}/`) && live.has(key.slice(`lake/${each}/`.length)))
            violations.push(`I10 a live file of ${each} was deleted: ${key}`)
        return
      }
      if (table === undefined) return
      if (written.has(key)) violations.push(`I4 a commit was written twice: ${key}`)
      written.add(key)
      if (Number(version) !== table.commits) violations.push(`I4 versions have a gap before ${key}`)
      table.commits = Math.max(table.commits, Number(version) + 1)
      for (const action of parseActions(bytes)) {
        if (action.add !== undefined) table.live.add(action.add.path)
        if (action.remove !== undefined) table.live.delete(action.remove.path)
        if (action.txn === undefined) continue
        if (action.txn.version !== table.batch + 1)
          violations.push(`I2 batch ${action.txn.version} follows batch ${table.batch} in ${key}`)
        table.batch = action.txn.version
      }
    },
  }
}

interface SeenAction {
  readonly add?: { readonly path: string }
  readonly remove?: { readonly path: string }
  readonly txn?: { readonly version: number }
}

function parseActions(bytes: Uint8Array): readonly SeenAction[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  // Adds of deletion vectors come with a remove of the same path: whatever is added is alive after the commit.
  return lines
    .flatMap((line) => (line === '' ? [] : (JSON.parse(line) as SeenAction)))
    .toSorted((left, right) => Number(left.add !== undefined) - Number(right.add !== undefined))
}
