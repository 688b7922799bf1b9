// The ways on for a table that stands still (law 7). Each is a decision of a person, recorded with its reason in the table.
import { type Engine, parseStats, removeOf, type Snapshot } from '@tributary/delta'
import { placeOf } from '../dms/file-name.ts'
import { hashLandingFile } from '../dms/open-file.ts'
import { nothingToResolve, resolveLost } from '../errors.ts'
import { completeHistory } from '../history-table/complete-history.ts'
import { writeTruncateHistory } from '../history-table/write-history.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { TableShape } from '../upsert/batch.ts'
import { assertFeedable } from './assert-settings.ts'
import { commitBatch, type PreparedBatch } from './commit-batch.ts'
import { ingest } from './ingest.ts'
import { findTable, type Lake } from './lake.ts'
import { listLanding } from './listing.ts'
import type { CommitEvent, IngestEvent, TableRun } from './run.ts'
import { forgetStop, readStop, type StopNote } from './stops.ts'
import { openTableSession, refreshSession, type TableSession } from './table-session.ts'
import { trackSession } from './track-writes.ts'

/** What a person decided. */
export type Resolution =
  /** Leave a file out for ever. */
  | { readonly kind: 'skip'; readonly file: string; readonly reason: string }
  /** Take columns that came and went as they are, not as a rename. */
  | { readonly kind: 'accept-schema' }
  /** The source table was truncated: empty the live table, and count on from here as a new generation. */
  | { readonly kind: 'truncate'; readonly reason: string }

/** A way on, with the command that takes it. */
export interface Choice {
  readonly command: string
  readonly effect: string
}

/** Why a table stopped and what can be done; undefined when it did not stop. */
export async function listChoices(
  lake: Lake,
  name: string,
): Promise<{ readonly stop: StopNote; readonly choices: readonly Choice[] } | undefined> {
  const table = findTable(lake.config, name)
  const stop = await readStop(lake.root, table.name)
  if (stop === undefined) return undefined
  const base = `tributary resolve ${table.name}`
  const choices: Choice[] = [
    { command: 'tributary ingest', effect: 'try again, once the cause that the message names is mended' },
    { command: `${base} --skip FILE --reason TEXT`, effect: 'never apply that file; the reason stays in the ledger' },
    { command: `${base} --accept-schema`, effect: 'take new and missing columns as they are, and go on' },
    {
      command: `${base} --truncate --reason TEXT`,
      effect: 'the source was truncated: empty the live table, whatever file its rows came from, and go on from here',
    },
  ]
  return { stop, choices }
}

/** Carries a decision out. Throws `NOTHING_TO_RESOLVE`, `RESOLVE_LOST`, and what an ingest throws. */
export async function resolveTable(
  lake: Lake,
  engine: Engine,
  name: string,
  resolution: Resolution,
  options: { readonly onEvent?: (event: IngestEvent) => void } = {},
): Promise<void> {
  const table = findTable(lake.config, name)
  if (resolution.kind === 'accept-schema') {
    await ingest(lake, engine, { ...options, tables: [table.name], acceptSchema: true })
    return
  }
  const session = openTableSession(lake, table)
  await refreshSession(session)
  if (session.snapshot !== undefined) assertFeedable(session.snapshot)
  await completeHistory({ lake, engine, table, session, options })
  const writes = trackSession(session)
  const run: TableRun = { lake, engine, table, session: writes.session, options }
  const batch =
    resolution.kind === 'skip'
      ? await skipFile(lake, session, { ...resolution, table: table.name })
      : await truncateTable(run, resolution.reason)
  const target = { table, snapshot: session.snapshot, state: session.state }
  const outcome = await commitBatch({ store: writes.session.store, clock: lake.clock }, target, batch)
  if (outcome.kind === 'conflicted') {
    await writes.discard()
    throw resolveLost(table.name)
  }
  if (table.history) {
    await refreshSession(session)
    await completeHistory({ ...run, session })
  }
  await forgetStop(lake.root, table.name)
  options.onEvent?.({ kind: 'committed', table: table.name, ...eventOf(batch, outcome.version) })
}

async function skipFile(
  lake: Lake,
  session: TableSession,
  { file, reason, table }: { readonly file: string; readonly reason: string; readonly table: string },
): Promise<PreparedBatch> {
  const entry = await lake.landing.stat(file)
  if (session.snapshot === undefined)
    throw nothingToResolve(
      file,
      'the table does not exist yet, so no commit can record it. Move the file out of the landing instead',
    )
  const listed = (await listLanding(lake)).tables.get(table)?.some(({ key }) => key === file) ?? false
  if (entry === undefined || !listed)
    throw nothingToResolve(
      file,
      `there is no such file of ${table} in the landing. Give its key as \`ingest\` prints it`,
    )
  const place = placeOf(file)
  const state = session.state
  return {
    ...emptyBatch(session, 'SKIP'),
    entries: [
      {
        ...noCounts(file, place, state?.generation ?? 1),
        kind: 'skipped',
        sizeBytes: entry.sizeBytes,
        hash: await hashLandingFile(lake.landing, file),
        modifiedMs: entry.modifiedMs,
        reason,
      },
    ],
  }
}

async function truncateTable(run: TableRun, reason: string): Promise<PreparedBatch> {
  const { lake, session, table } = run
  const { snapshot, state } = session
  if (snapshot === undefined || state === undefined)
    throw nothingToResolve(
      table.name,
      'the table does not exist yet, so there is nothing to empty. Run `tributary ingest` first',
    )
  const generation = state.generation + 1
  return {
    ...emptyBatch(session, 'TRUNCATE'),
    history: await truncateHistory(run, { schema: snapshot.schema, key: state.key, sequence: state.sequence }),
    actions: snapshot.files.map((file) => ({ remove: removeOf(file, lake.clock.now()) })),
    entries: [{ ...noCounts('', state.lastPlace, generation), kind: 'truncate', reason }],
    state: { generation, closedPlace: state.lastPlace, tombstones: [], horizon: undefined },
    metrics: { inserted: 0, updated: 0, ...deletedRows(snapshot) },
  }
}

/** The rows that go, by the log alone: untold where another program left out how many rows a file has. */
function deletedRows({ files }: Snapshot): { readonly deleted?: number } {
  let deleted = 0
  for (const { stats, deletionVector } of files) {
    const rows = parseStats(stats)?.numRecords
    if (rows === undefined) return {}
    deleted += rows - (deletionVector?.cardinality ?? 0)
  }
  return { deleted }
}

async function truncateHistory(run: TableRun, shape: TableShape): Promise<PreparedBatch['history']> {
  if (!run.table.history) return undefined
  // Temporary tables go with the connection.
  const engine = await run.engine.fork()
  try {
    return await writeTruncateHistory({ ...run, engine }, shape)
  } finally {
    await engine.close()
  }
}

function noCounts(key: string, place: string, generation: number): Omit<LedgerEntry, 'batch'> {
  const counts = { read: 0, applied: 0, superseded: 0, noop: 0, quarantined: 0, digitsCut: 0 }
  return { key, sizeBytes: 0, hash: '', modifiedMs: 0, generation, kind: 'skipped', place, ...counts }
}

function emptyBatch(session: TableSession, operation: PreparedBatch['operation']): PreparedBatch {
  const metrics = { inserted: 0, updated: 0, deleted: 0 }
  const schema = session.snapshot?.schema ?? { type: 'struct', fields: [] }
  return { operation, schema, actions: [], added: [], entries: [], rejects: [], state: {}, metrics }
}

function eventOf(batch: PreparedBatch, version: number): CommitEvent {
  const counts = { read: 0, applied: 0, superseded: 0, noop: 0, quarantined: 0 }
  return {
    version,
    operation: batch.operation,
    files: batch.entries.length,
    ...counts,
    inserted: 0,
    updated: 0,
    deleted: batch.metrics['deleted'] ?? 0,
    bytesAdded: 0,
    ms: 0,
  }
}
