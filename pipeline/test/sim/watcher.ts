// Looks over the shoulder of everybody who writes into the bucket, as no process can: what a commit made, and when. Some invariants can
// only be seen at the moment when they break; those are checked here, the others at the end (invariants.ts).

import { crc32 } from 'node:zlib'

/** A version, as its commit made it. */
export interface WatchedVersion {
  readonly live: readonly string[]
  /** The text of the table's state. */
  readonly state: string
}

/** What is known of a table from its commits as they came. */
export interface WatchedTable {
  /** Number of the newest batch. */
  batch: number
  commits: number
  /** Paths of live data files. */
  readonly live: Set<string>
  readonly versions: WatchedVersion[]
  /** When each file that was live was removed. */
  readonly removedMs: Map<string, number>
}

/** Eyes on the bucket. */
export interface Watcher {
  readonly tables: ReadonlyMap<string, WatchedTable>
  readonly onWrite: (what: 'put' | 'delete', key: string, bytes: Uint8Array) => void
  /** Puts and deletes inside `work` are DMS's. */
  readonly bySource: (work: () => void) => void
  readonly violations: string[]
}

/** Data files and deletion vectors lie beside each other. */
const PART = /^lake\/[^/_]+\/[^/]+\/(?!_delta_log\/|_tributary\/)/
const COMMIT = /^lake\/([^/]+)\/([^/]+)\/_delta_log\/(\d{20})\.json$/

/** Files that were removed stay for a week; clocks may be off. */
export const KEPT_MS = 6 * 86_400_000

/** Starts with tables that have no commit. */
export function createWatcher(names: readonly string[], nowMs: () => number): Watcher {
  const tables = new Map<string, WatchedTable>(
    names.map((name) => [name, { batch: 0, commits: 0, live: new Set(), versions: [], removedMs: new Map() }]),
  )
  const written = new Set<string>()
  /** Checksums of all that lies in the lake, apart from logs and what is written again by design. */
  const present = new Map<string, number>()
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
        present.delete(key)
        violations.push(...checkDeletion(tables, key, nowMs()))
        return
      }
      if (PART.test(key)) {
        const sum = crc32(bytes)
        if (present.has(key) && present.get(key) !== sum)
          violations.push(`I5 ${key} was written again, with other bytes`)
        present.set(key, sum)
      }
      if (table === undefined) return
      if (written.has(key)) violations.push(`I4 a commit was written twice: ${key}`)
      written.add(key)
      if (Number(version) !== table.commits) violations.push(`I4 versions have a gap before ${key}`)
      table.commits = Math.max(table.commits, Number(version) + 1)
      violations.push(...followCommit(table, { key, bytes, nowMs: nowMs() }))
      for (const path of table.live)
        if (!present.has(`lake/${schema}/${name}/${path}`))
          violations.push(`I5 ${key} names ${path}, which is not there`)
    },
  }
}

/** I5 and I10: no file goes that a version names which can still be read. */
function checkDeletion(tables: Watcher['tables'], key: string, nowMs: number): readonly string[] {
  return [...tables].flatMap(([name, { live, removedMs }]) => {
    const folder = `lake/${name.replace('.', '/')}/`
    if (!key.startsWith(folder)) return []
    const path = key.slice(folder.length)
    if (live.has(path)) return [`I10 a live file of ${name} was deleted: ${key}`]
    return nowMs - (removedMs.get(path) ?? 0) < KEPT_MS
      ? [`I5 ${key} was deleted, and versions of ${name} name it`]
      : []
  })
}

/** I2, and what the next version is. */
function followCommit(
  table: WatchedTable,
  { key, bytes, nowMs }: { readonly key: string; readonly bytes: Uint8Array; readonly nowMs: number },
): readonly string[] {
  const found: string[] = []
  let state = table.versions.at(-1)?.state ?? ''
  for (const { add, remove, txn, domainMetadata } of parseActions(bytes)) {
    if (add !== undefined) table.live.add(add.path)
    if (remove !== undefined && table.live.delete(remove.path)) table.removedMs.set(remove.path, nowMs)
    if (domainMetadata !== undefined) state = domainMetadata.configuration
    if (txn === undefined) continue
    if (txn.version !== table.batch + 1) found.push(`I2 batch ${txn.version} follows batch ${table.batch} in ${key}`)
    table.batch = txn.version
  }
  table.versions.push({ live: [...table.live], state })
  return found
}

interface SeenAction {
  readonly add?: { readonly path: string }
  readonly remove?: { readonly path: string }
  readonly txn?: { readonly version: number }
  readonly domainMetadata?: { readonly configuration: string }
}

function parseActions(bytes: Uint8Array): readonly SeenAction[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  // Adds of deletion vectors come with a remove of the same path: whatever is added is alive after the commit.
  return lines
    .flatMap((line) => (line === '' ? [] : (JSON.parse(line) as SeenAction)))
    .toSorted((left, right) => Number(left.add !== undefined) - Number(right.add !== undefined))
}
