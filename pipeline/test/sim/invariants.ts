// What must hold after every run, whoever died and whatever was lost: I1 to I10 (I4, I10 and the batches of I2 as it happens, in
// watcher.ts; I9 in run-seed.ts). They are checked from what lies in the bucket and from what the source wrote, by the readers that
// everybody uses; no worker's memory is asked.
import { readSnapshot, type Snapshot, type Store, TributaryError } from '@tributary/delta'
import { s3StoreOver } from '@tributary/delta/s3'
import { type LedgerEntry, readLedger } from '../../src/ledger/ledger.ts'
import { readQuarantine } from '../../src/ledger/quarantine.ts'
import { parseTableState, STATE_DOMAIN, type TableState } from '../../src/ledger/table-state.ts'
import { PLACE } from './events.ts'
import type { SimFile } from './landing-files.ts'
import { type LiveRow, rowsOfFiles } from './oracle.ts'
import { directConnection } from './s3-client.ts'
import type { SourceTable } from './source.ts'
import { KEPT_MS } from './watcher.ts'
import type { World } from './world.ts'

/** How rows are read from a table. */
export type ReadRows = (snapshot: Snapshot) => Promise<readonly LiveRow[]>

/** How the rows that the change feed leaves are read at a time: a vacuum leaves so much of history. */
export type ReadFeed = (snapshot: Snapshot, nowMs: number) => Promise<readonly LiveRow[]>

/** How rows are read. */
export interface Reading {
  readonly readRows: ReadRows
  /** Absent where nobody can read the change feed. */
  readonly readFeed?: ReadFeed
  /** The rows of a data file, where its bytes are all that it takes. */
  readonly parseRows?: (bytes: Uint8Array) => readonly LiveRow[]
}

/** A table as it lies in the bucket. */
export interface SeenTable {
  readonly snapshot: Snapshot
  readonly state: TableState
  readonly ledger: readonly LedgerEntry[]
}

/** Every broken invariant, by its name. Empty is good. */
export async function findViolations(
  world: World,
  { readRows, readFeed, parseRows }: Reading,
): Promise<readonly string[]> {
  const found = [...world.watcher.violations]
  for (const table of world.tables) {
    const latest = await seeTable(world, table.name)
    found.push(...checkCompleteness(world, table, latest?.ledger ?? []))
    if (latest === undefined) continue
    found.push(
      ...checkOnce(table, latest),
      ...checkCounts(world, table, latest),
      ...(await checkQuarantine(table, latest)),
      ...(await checkVersions(world, table, latest, readRows)),
      ...checkSource(table, await readRows(latest.snapshot)),
      ...checkAcknowledged(world, table, latest.ledger),
      ...(parseRows === undefined ? [] : checkEveryVersion(world, table, { ledger: latest.ledger, parseRows })),
    )
    if (readFeed !== undefined)
      found.push(...checkFeed(table, await readFeed(latest.snapshot, world.scheduler.nowMs())))
  }
  return found
}

/** Whether all that lies in the landing is in the tables. */
export async function isDrained(world: World): Promise<boolean> {
  if (world.queue.size() > 0 || world.errands.size > 0 || world.tables.some(({ isResting }) => isResting)) return false
  for (const table of world.tables) if (!(await isTakenIn(world, table))) return false
  return true
}

/** Whether all files of a table that lie in the landing are in it. */
export async function isTakenIn(world: World, table: SourceTable): Promise<boolean> {
  const latest = await seeTable(world, table.name)
  return checkCompleteness(world, table, latest?.ledger ?? []).length === 0
}

/** The store of a table, without a network in between. */
export function directStore({ bucket, scheduler, onDisk }: World, table: string): Store {
  const connection = Promise.resolve(directConnection(bucket))
  const clock = scheduler.clockOf({ name: 'checker', skewMs: 0, isAlive: true })
  const prefix = `lake/${table.replace('.', '/')}`
  return onDisk(
    s3StoreOver(`s3://${PLACE.bucket}/${prefix}`, () => connection, clock),
    prefix,
  )
}

async function seeTable(world: World, table: string, version?: number): Promise<SeenTable | undefined> {
  const store = directStore(world, table)
  try {
    const snapshot = await readSnapshot(store, version === undefined ? {} : { version })
    const state = parseTableState(snapshot.domains.get(STATE_DOMAIN) ?? '')
    return { snapshot, state, ledger: await readLedger(store, state.ledger) }
  } catch (error) {
    if (error instanceof TributaryError && /^(TABLE_NOT_FOUND|VERSION_EXPIRED)$/.test(error.code)) return undefined
    throw error
  }
}

/** I9, and that nothing is lost: each object of the landing, as it is now, is in the ledger. */
function checkCompleteness(
  { bucket, files }: World,
  { name }: SourceTable,
  ledger: readonly LedgerEntry[],
): readonly string[] {
  const taken = new Set(ledger.map(({ key, hash }) => `${key} ${hash}`))
  return [...files.values()].flatMap((states) => {
    const newest = states.at(-1)
    if (newest === undefined || newest.table !== name || !bucket.objects.has(`landing/${newest.key}`)) return []
    return taken.has(`${newest.key} ${newest.hash}`) ? [] : [`I9 ${newest.key} was never taken in by ${name}`]
  })
}

/** I2: within a generation a file takes effect once. */
function checkOnce({ name }: SourceTable, { ledger }: SeenTable): readonly string[] {
  const counts = new Map<string, number>()
  for (const { kind, key, hash, generation } of ledger) {
    const what = `${kind} ${key} ${hash.slice(0, 8)} in generation ${generation}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return [...counts].flatMap(([what, count]) => (count === 1 ? [] : [`I2 ${name} took ${what} in ${count} times`]))
}

/** I8: what a file held is what became of its rows. */
function checkCounts({ files }: World, { name }: SourceTable, { state, ledger }: SeenTable): readonly string[] {
  const found: string[] = []
  for (const { kind, key, hash, read, applied, superseded, noop, quarantined } of ledger) {
    if (kind === 'truncate') continue
    const file = files.get(key)?.find((each) => each.hash === hash)
    const bad = file?.rows.filter((row) => 'bad' in row).length ?? 0
    if (file === undefined) found.push(`I8 ${name} took in ${key}, of bytes that nobody wrote`)
    else if (read !== file.rows.length) found.push(`I8 ${key} holds ${file.rows.length} rows and ${read} were read`)
    if (read !== applied + superseded + noop + quarantined) found.push(`I8 the counts of ${key} do not add up`)
    if (quarantined !== bad && superseded !== read)
      found.push(`I8 ${key} has ${bad} bad rows, ${quarantined} in quarantine`)
  }
  const total = ledger.reduce((sum, { read }) => sum + read, 0)
  if (total !== state.totals.read) found.push(`I8 ${name} counts ${state.totals.read} rows, its ledger ${total}`)
  return found
}

async function checkQuarantine(
  { name }: SourceTable,
  { snapshot, state, ledger }: SeenTable,
): Promise<readonly string[]> {
  const waiting = await readQuarantine(snapshot.store, state.quarantine)
  const told = ledger.reduce((sum, { quarantined }) => sum + quarantined, 0)
  return waiting.length === told
    ? []
    : [`I8 ${told} rows of ${name} were put into quarantine, ${waiting.length} are there`]
}

/** Of a longer history some are looked at, always the latest. */
const VERSIONS_MAX = 4

/** I1 and I5 for versions that can be read. */
async function checkVersions(
  world: World,
  { name }: SourceTable,
  { snapshot: latest }: SeenTable,
  readRows: ReadRows,
): Promise<readonly string[]> {
  const found: string[] = []
  const sizes = new Map<string, number>()
  for await (const entry of latest.store.list('')) sizes.set(entry.path, entry.sizeBytes)
  const step = Math.ceil((latest.version + 1) / VERSIONS_MAX)
  for (let version = latest.version; version >= 0; version -= step) {
    const seen = await seeTable(world, name, version)
    // Files that were removed a week ago may be gone, and with them the rows of versions before.
    const isOld = version < latest.version && (seen?.snapshot.timestampMs ?? 0) < world.scheduler.nowMs() - KEPT_MS
    if (seen === undefined || isOld) continue
    for (const { path, size } of seen.snapshot.files)
      if (sizes.get(path) !== size) found.push(`I5 ${name} v${version} names ${path}, which is not there as it was`)
    if (found.length > 0) continue
    const expected = textOf(rowsOfFiles(filesOf(world, seen)))
    const rows = textOf(await readRows(seen.snapshot))
    if (rows !== expected) found.push(`I1 ${name} v${version} holds ${rows} and its files say ${expected}`)
  }
  return found
}

/** The files whose rows a version stands for. */
function filesOf({ files }: World, { ledger, state }: Pick<SeenTable, 'ledger' | 'state'>): readonly SimFile[] {
  return ledger
    .filter(({ kind, generation }) => generation === state.generation && (kind === 'load' || kind === 'cdc'))
    .flatMap(({ key, hash }) => files.get(key)?.find((file) => file.hash === hash) ?? [])
}

/** I1 of each version as its commit was written, whoever may read it: its files, and what the ledger held then. */
function checkEveryVersion(
  world: World,
  { name }: SourceTable,
  { ledger, parseRows }: Pick<SeenTable, 'ledger'> & { readonly parseRows: NonNullable<Reading['parseRows']> },
): readonly string[] {
  const rowsOf = new Map<string, readonly LiveRow[] | undefined>()
  const parse = (path: string): readonly LiveRow[] | undefined => {
    const object = world.bucket.objects.get(`lake/${name.replace('.', '/')}/${path}`)
    if (!rowsOf.has(path)) rowsOf.set(path, object && parseRows(object.bytes))
    return rowsOf.get(path)
  }
  return (world.watcher.tables.get(name)?.versions ?? []).flatMap(({ live, state: text }, version) => {
    const parts = live.map(parse)
    // A vacuum may take the files of old versions, and the watcher knows of which.
    if (parts.includes(undefined)) return []
    const state = parseTableState(text)
    const known = ledger.filter(({ batch }) => batch <= state.batch)
    const expected = textOf(rowsOfFiles(filesOf(world, { ledger: known, state })))
    const rows = textOf(parts.flatMap((part) => part ?? []))
    return rows === expected ? [] : [`I1 ${name} v${version} was to hold ${expected} and holds ${rows}`]
  })
}

/** I1 at the end: the table is the source. */
function checkSource({ name, rows }: SourceTable, stored: readonly LiveRow[]): readonly string[] {
  const expected = textOf([...rows].map(([id, v]) => ({ id, v })))
  return textOf(stored) === expected ? [] : [`I1 ${name} holds ${textOf(stored)} and the source ${expected}`]
}

/** I7: the change feed, followed from the first version, leads to the table. */
function checkFeed({ name, rows }: SourceTable, followed: readonly LiveRow[]): readonly string[] {
  const expected = textOf([...rows].map(([id, v]) => ({ id, v })))
  return textOf(followed) === expected ? [] : [`I7 the feed of ${name} leads to ${textOf(followed)}, not ${expected}`]
}

/** I3: when a message was deleted, its file was in a commit. */
function checkAcknowledged(
  { events }: World,
  { name }: SourceTable,
  ledger: readonly LedgerEntry[],
): readonly string[] {
  return [...events.values()].flat().flatMap(({ file, deletions }) => {
    if (file.table !== name || deletions.length === 0) return []
    const batches = ledger.flatMap(({ key, hash, batch }) => (key === file.key && hash === file.hash ? [batch] : []))
    return Math.min(...batches) <= Math.min(...deletions)
      ? []
      : [`I3 the message of ${file.key} was deleted before it was taken in`]
  })
}

function textOf(rows: readonly LiveRow[]): string {
  return rows
    .map(({ id, v }) => `${id}=${v}`)
    .toSorted()
    .join(' ')
}

/** What each table has become: its version, its data files and its ledger. */
export async function describeTables(world: World): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { name } of world.tables) {
    const latest = await seeTable(world, name)
    const files = latest?.snapshot.files.map(({ path }) => path)
    lines.push(`${name} ${latest?.snapshot.version} ${files} ${JSON.stringify(latest?.ledger)}`)
  }
  return lines
}
