// A Delta table that somebody else wrote becomes one that Tributary feeds: one commit adds our metadata domain and the features that
// it needs. No data file is rewritten. What of the landing the rows hold already only a person knows, so it has to be said.

import {
  type Action,
  allowsDeletionVectors,
  assertPlainlyWritable,
  type Clock,
  commitTransaction,
  type Engine,
  quoteName,
  raiseProtocol,
  readSnapshot,
  type Snapshot,
  scanSql,
} from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import { hashLandingFile } from '../dms/open-file.ts'
import {
  adoptHoldsUnknown,
  adoptKeyInvalid,
  adoptLost,
  columnReserved,
  settingsChanged,
  tableIsOurs,
  tableNotFed,
} from '../errors.ts'
import { appendLedger, type LedgerEntry } from '../ledger/ledger.ts'
import { emptyState, NO_COUNTS, STATE_DOMAIN, type TableState } from '../ledger/table-state.ts'
import { findTable, type Lake } from '../worker/lake.ts'
import { listLanding } from '../worker/listing.ts'
import type { LandingFile } from '../worker/plan.ts'
import { RESERVED } from '../worker/read-file.ts'
import { stateOf } from './sidecars.ts'

/** Which files of the landing the table's rows hold already: all, none, or the load and the changes up to a file. */
export type Holds = { readonly kind: 'all' | 'none' } | { readonly kind: 'until'; readonly file: string }

/** What an adoption does. */
export interface Adoption {
  readonly table: TableConfig
  readonly snapshot: Snapshot
  readonly rows: number
  /** Length of the texts in the sequence column, where it holds texts. */
  readonly sequenceLength: number | undefined
  /** Files whose changes the rows hold: they are recorded and never applied. */
  readonly held: readonly LandingFile[]
  /** Files that the next ingest applies. */
  readonly waiting: readonly LandingFile[]
  /** Those of them that are a load none of which the rows hold: the next ingest replaces all rows by it. */
  readonly replacing: readonly LandingFile[]
  /** Features that the protocol gets. */
  readonly features: readonly string[]
  readonly actions: readonly Action[]
}

/**
 * Plan to take a table over. Checks that it can be written as ours, that the configured key is unique and never NULL, and that what lies
 * in the landing is accounted for. Throws `TABLE_NOT_FOUND`, `TABLE_IS_OURS`, `ADOPT_KEY_INVALID`, `ADOPT_HOLDS_UNKNOWN`,
 * `SETTINGS_CHANGED`, `COLUMN_NOT_FOUND` and `UNSUPPORTED_WRITER_FEATURE`.
 */
export async function planAdoption(
  { lake, engine }: { readonly lake: Lake; readonly engine: Engine },
  name: string,
  holds: Holds | undefined,
): Promise<Adoption> {
  const table = findTable(lake.config, name)
  const snapshot = await readSnapshot(lake.tableStore(table.name))
  if (stateOf(snapshot) !== undefined) throw tableIsOurs(table.name)
  const { protocol, metadata } = snapshot
  // Batches bring their own files and actions: no rule of the table may speak about rows or commits.
  assertPlainlyWritable(protocol, metadata)
  assertPartitions(table, metadata.partitionColumns)
  for (const { name: column } of snapshot.schema.fields)
    if (RESERVED.test(column)) throw columnReserved('The table', table.name, column)
  const { rows, sequenceLength } = await lookAtRows(engine, snapshot, table)
  const listed = (await listLanding(lake)).tables.get(table.name) ?? []
  const { held, waiting } = divide(table.name, listed, holds)
  const needed = ['domainMetadata', ...(table.write === 'merge-on-read' ? ['deletionVectors'] : [])]
  const raised = raiseProtocol(protocol, needed)
  const isMarked = table.write === 'copy-on-write' || allowsDeletionVectors(protocol, metadata)
  const configuration = { ...metadata.configuration, 'delta.enableDeletionVectors': 'true' }
  return {
    table,
    snapshot,
    rows,
    sequenceLength,
    held,
    waiting,
    replacing: held.some(isLoad) ? [] : waiting.filter(isLoad),
    features: (raised.writerFeatures ?? []).filter((feature) => !(protocol.writerFeatures ?? []).includes(feature)),
    actions: [
      ...(raised === protocol ? [] : [{ protocol: raised }]),
      ...(isMarked ? [] : [{ metaData: { ...metadata, configuration } }]),
    ],
  }
}

/** Commit an adoption; returns the new version. Throws `ADOPT_LOST` when another writer was first. */
export async function adoptTable({ lake }: { readonly lake: Lake }, adoption: Adoption): Promise<number> {
  const { table, snapshot, sequenceLength, held, replacing, actions } = adoption
  const { store } = snapshot
  const { clock } = lake
  const appId = `tributary/${table.name}`
  // A table that was ours before goes on counting: see decision 12.
  const batch = (snapshot.transactions.get(appId)?.version ?? 0) + 1
  const entries: LedgerEntry[] = []
  for (const file of held) entries.push(await heldEntry(lake, file, batch))
  for (const file of replacing) entries.push(replacedEntry(file, batch))
  const last = held.toSorted((a, b) => (a.place < b.place ? -1 : 1)).at(-1)
  const state: TableState = {
    ...emptyState(table),
    batch,
    sourceColumns: sourceColumnsOf(table, snapshot),
    ...(sequenceLength === undefined ? {} : { sequenceLength }),
    ...(last === undefined ? {} : { lastPlace: last.place, lastFile: last.key }),
    ledger: await appendLedger({ store, clock }, [], entries),
  }
  const outcome = await commitTransaction(clock, {
    snapshot,
    // Keys were checked on these rows: whatever came since was not.
    reads: { kind: 'table' },
    actions: [
      ...actions,
      { txn: { appId, version: batch, lastUpdated: clock.now() } },
      { domainMetadata: { domain: STATE_DOMAIN, configuration: JSON.stringify(state), removed: false } },
    ],
    info: { operation: 'ADOPT', operationParameters: { batch: String(batch), held: String(held.length) } },
  })
  if (outcome.kind === 'conflicted') throw adoptLost(table.name, outcome)
  return outcome.version
}

/** Throws `TABLE_NOT_FED` where there is nothing to release. */
export function assertFed(name: string, { domains }: Snapshot): void {
  if (!domains.has(STATE_DOMAIN)) throw tableNotFed(name)
}

/**
 * Take a table out again: the domain goes, rows and files stay, and `_tributary/` becomes garbage for vacuum. Returns the new version.
 * Throws `TABLE_NOT_FED`, `ADOPT_LOST`.
 */
export async function releaseTable(clock: Clock, name: string, snapshot: Snapshot): Promise<number> {
  const configuration = snapshot.domains.get(STATE_DOMAIN)
  if (configuration === undefined) throw tableNotFed(name)
  const outcome = await commitTransaction(clock, {
    snapshot,
    reads: { kind: 'nothing' },
    actions: [{ domainMetadata: { domain: STATE_DOMAIN, configuration, removed: true } }],
    info: { operation: 'RELEASE', isBlindAppend: false },
  })
  if (outcome.kind === 'conflicted') throw adoptLost(name, outcome)
  return outcome.version
}

function assertPartitions({ name, partitionBy }: TableConfig, found: readonly string[]): void {
  const [from, to] = [`[${found.join(', ')}]`, `[${partitionBy.join(', ')}]`]
  if (from !== to) throw settingsChanged(name, 'partitionBy', { from, to })
}

async function lookAtRows(
  engine: Engine,
  snapshot: Snapshot,
  table: TableConfig,
): Promise<Pick<Adoption, 'rows' | 'sequenceLength'>> {
  const columns = [...table.key, ...(table.sequence === undefined ? [] : [table.sequence])]
  const fork = await engine.fork()
  try {
    const scan = await scanSql(fork, snapshot, { columns })
    const key = table.key.map(quoteName).join(', ')
    const isNull = table.key.map((name) => `${quoteName(name)} IS NULL`).join(' OR ')
    const sequence = snapshot.schema.fields.find(({ name, type }) => name === table.sequence && type === 'string')
    // Law 2: texts of different lengths do not compare; an empty one is a load's.
    const length = sequence === undefined ? 'NULL' : `nullif(strlen(${quoteName(sequence.name)}), 0)`
    const [totals] = await fork.all(
      `SELECT count(*) AS n, count(*) FILTER (${isNull}) AS nulls, min(${length}) AS shortest, max(${length}) AS longest FROM (${scan})`,
    )
    const [repeated] = await fork.all(
      `SELECT count(*) AS n FROM (SELECT 1 FROM (${scan}) GROUP BY ${key} HAVING count(*) > 1)`,
    )
    const [nulls, twice] = [Number(totals?.['nulls'] ?? 0), Number(repeated?.['n'] ?? 0)]
    if (nulls > 0) throw adoptKeyInvalid(table.name, table.key, `${nulls} rows have no key`)
    if (twice > 0) throw adoptKeyInvalid(table.name, table.key, `${twice} keys occur more than once`)
    const [shortest, longest] = [totals?.['shortest'] ?? null, totals?.['longest'] ?? null]
    if (shortest !== longest)
      throw adoptKeyInvalid(
        table.name,
        table.key,
        `the texts in the sequence column ${table.sequence} have ${shortest} to ${longest} bytes, and those of different lengths do not compare`,
      )
    return { rows: Number(totals?.['n'] ?? 0), sequenceLength: shortest === null ? undefined : Number(shortest) }
  } finally {
    await fork.close()
  }
}

function divide(
  table: string,
  listed: readonly LandingFile[],
  holds: Holds | undefined,
): { readonly held: readonly LandingFile[]; readonly waiting: readonly LandingFile[] } {
  if (listed.length === 0) return { held: [], waiting: [] }
  if (holds === undefined) throw adoptHoldsUnknown(table, listed.length)
  if (holds.kind !== 'until')
    return holds.kind === 'all' ? { held: listed, waiting: [] } : { held: [], waiting: listed }
  const last = listed.find(({ key }) => key === holds.file)
  if (last === undefined) throw adoptHoldsUnknown(table, listed.length, holds.file)
  return {
    held: listed.filter(({ place }) => place <= last.place),
    waiting: listed.filter(({ place }) => place > last.place),
  }
}

function isLoad({ kind }: LandingFile): boolean {
  return kind === 'load'
}

/** The columns as files without a header have them: nothing but the settings or the table can tell. */
function sourceColumnsOf({ columns, rename }: TableConfig, { schema }: Snapshot): readonly string[] {
  if (columns !== undefined) return columns.map(({ name }) => name)
  const inSource = new Map([...rename].map(([source, name]) => [name, source]))
  return schema.fields.map(({ name }) => inSource.get(name) ?? name)
}

/** The rows come from a load of other bytes, as far as the ledger goes: so the one that waits is a reload (design §3.1). */
function replacedEntry({ key, kind, place }: LandingFile, batch: number): LedgerEntry {
  const reason = 'adopted: replaced by the load that waits'
  const unknown = { sizeBytes: 0, modifiedMs: 0, hash: '' }
  return { key, kind, place, ...unknown, generation: 1, ...NO_COUNTS, digitsCut: 0, batch, reason }
}

async function heldEntry({ landing }: Lake, file: LandingFile, batch: number): Promise<LedgerEntry> {
  const { key, sizeBytes, modifiedMs, kind, place } = file
  const hash = await hashLandingFile(landing, key)
  const reason = 'adopted: the rows hold it'
  return { key, sizeBytes, modifiedMs, kind, place, hash, generation: 1, ...NO_COUNTS, digitsCut: 0, batch, reason }
}
