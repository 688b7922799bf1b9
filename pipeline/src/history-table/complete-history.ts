// Commits to the history what the live table's log says that it lacks: at most one batch, whoever left it so.
import {
  type CommitOutcome,
  commit,
  createTableActions,
  followSnapshot,
  isCheckpointDue,
  parseSchema,
  readSnapshot,
  removeOf,
  type Snapshot,
  type StructType,
  scanSql,
  TributaryError,
  writeDataFiles,
} from '@tributary/delta'
import { commitContended, historyFileLost, historyLost, historyNotOurs } from '../errors.ts'
import { keepLog } from '../maintain/log-upkeep.ts'
import { assertFeedable } from '../worker/assert-settings.ts'
import { isLogFresh } from '../worker/commit-batch.ts'
import type { TableRun } from '../worker/run.ts'
import { configuredProperties, configuredSettings, metadataActions } from '../worker/table-metadata.ts'
import type { HistorySession } from '../worker/table-session.ts'
import { historyNameOf } from './history-name.ts'
import { historySchemaOf } from './history-shape.ts'
import { widenedSequenceSql } from './history-sql.ts'
import { type HistoryNote, hasGap, parseHistoryNote } from './note.ts'

const ATTEMPTS_MAX = 20

/**
 * Brings the history to the batch that the live table's log names, and `session.history` to that version. The next batch is not begun
 * before: its note takes the place of this one. Throws `HISTORY_LOST`, `HISTORY_NOT_OURS`, `HISTORY_FILE_LOST`, `COMMIT_CONTENDED`.
 */
export async function completeHistory(run: TableRun): Promise<void> {
  const { table, session, lake } = run
  const { history } = session
  if (!table.history || history === undefined) return
  const note = parseHistoryNote(session.snapshot?.domains)
  const before = session.state?.batch ?? 0
  if (note === undefined || hasGap(note, before)) await lookFirst(run, history, before)
  if (note === undefined || (history.batch ?? 0) >= note.batch) return
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const readAtMs = lake.clock.now()
    await refreshHistory(table.name, history)
    if ((history.batch ?? 0) >= note.batch) return
    const lost = await findLoss(table.name, history, note)
    // The state of the table comes next, and closes the gap.
    if (lost !== undefined && hasGap(note, before)) return
    if (lost !== undefined) throw lost
    const outcome = await commitNext(run, { history, note, readAtMs })
    if (outcome.kind === 'committed') {
      history.batch = note.batch
      await keepHistoryLog(run, history, outcome.version)
      return
    }
    await lake.clock.sleep(10 * 2 ** Math.min(attempt, 6))
  }
  throw commitContended(historyNameOf(table.name), ATTEMPTS_MAX)
}

function appIdOf(table: string): string {
  return `tributary/${historyNameOf(table)}`
}

/** Before a history begins, or begins again: what lies there must be of this table, and not of one that had its name before. */
async function lookFirst({ table }: TableRun, history: HistorySession, before: number): Promise<void> {
  if (history.batch === undefined) await refreshHistory(table.name, history)
  if (history.snapshot !== undefined && (history.batch === 0 || (history.batch ?? 0) > before))
    throw historyNotOurs(historyNameOf(table.name), history.store.url)
}

/** Reads the newest version of the history; none before the first commit. */
export async function refreshHistory(table: string, history: HistorySession): Promise<void> {
  history.snapshot = await newestVersion(history)
  history.ownCommit = undefined
  history.batch = Number(history.snapshot?.transactions.get(appIdOf(table))?.version ?? 0)
}

async function newestVersion({ store, snapshot, ownCommit }: HistorySession): Promise<Snapshot | undefined> {
  try {
    const next = snapshot === undefined ? undefined : await followSnapshot(snapshot, { ownCommit })
    return next ?? (await readSnapshot(store))
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

/** What stands in the way: a history that lacks what it had is no history, and going on would hide that. */
async function findLoss(
  table: string,
  history: HistorySession,
  note: HistoryNote,
): Promise<TributaryError | undefined> {
  const { snapshot, store, batch = 0, written } = history
  const name = historyNameOf(table)
  if (snapshot !== undefined && batch === 0) return historyNotOurs(name, store.url)
  if (batch !== note.previous) return historyLost(name, { has: batch, had: note.previous })
  for (const { path } of written === note.batch ? [] : note.files)
    if ((await store.stat(decodeURIComponent(path))) === undefined) return historyFileLost(name, path)
  return undefined
}

async function commitNext(
  run: TableRun,
  {
    history,
    note,
    readAtMs,
  }: { readonly history: HistorySession; readonly note: HistoryNote; readonly readAtMs: number },
): Promise<CommitOutcome> {
  const { table, lake } = run
  const { snapshot, store } = history
  const name = historyNameOf(table.name)
  const schema = historySchemaOf(table.name, parseSchema(note.schema))
  if (snapshot !== undefined) assertFeedable(snapshot)
  if (snapshot !== undefined && hasWiderTypes(snapshot.schema, schema)) return widen(run, { snapshot, schema })
  const txnId = lake.clock.uuid()
  const outcome = await commit(store, lake.clock, {
    readVersion: snapshot?.version,
    readFile: snapshot?.lastFile,
    isFresh: isLogFresh(lake.clock, { snapshot, readAtMs }),
    actions: [
      ...(snapshot === undefined
        ? createTableActions(lake.clock, {
            name,
            schema,
            description: `Every change of ${table.name}`,
            configuration: configuredProperties(table, undefined),
          })
        : metadataActions(table, snapshot, schema)),
      { txn: { appId: appIdOf(table.name), version: note.batch, lastUpdated: lake.clock.now() } },
      ...note.files.map((add) => ({ add })),
    ],
    info: {
      operation: 'HISTORY',
      operationParameters: { batch: String(note.batch), table: table.name },
      operationMetrics: { filesAdded: String(note.files.length), rows: String(note.rows) },
      isBlindAppend: true,
      txnId,
    },
  })
  if (outcome.kind === 'committed') history.ownCommit = txnId
  return outcome
}

function hasWiderTypes(old: StructType, next: StructType): boolean {
  const types = new Map(next.fields.map(({ name, type }) => [name, JSON.stringify(type)]))
  return old.fields.some(({ name, type }) => types.has(name) && types.get(name) !== JSON.stringify(type))
}

/** Writes the history again in the wider types of the live table, in a commit of its own that adds no row. It is a step: the batch follows. */
async function widen(
  { engine, table, lake, session }: TableRun,
  { snapshot, schema }: { readonly snapshot: Snapshot; readonly schema: StructType },
): Promise<CommitOutcome> {
  const was = snapshot.schema.fields.find(({ name }) => name === table.sequence)
  const seq = was === undefined ? '"__seq"' : widenedSequenceSql({ ...table, schema }, was.type)
  const fork = await engine.fork()
  try {
    const added = await writeDataFiles(fork, snapshot.store, lake.clock, {
      relation: `SELECT * REPLACE (${seq} AS "__seq") FROM (${await scanSql(fork, { ...snapshot, schema })})`,
      schema,
      partitionColumns: [],
      settings: configuredSettings(table, snapshot),
    })
    const actions = [
      ...metadataActions(table, snapshot, schema),
      ...snapshot.files.map((file) => ({ remove: { ...removeOf(file, lake.clock.now()), dataChange: false } })),
      ...added.map((file) => ({ add: { ...file, dataChange: false } })),
    ]
    const info = { operation: 'WIDEN', operationParameters: { table: table.name }, isBlindAppend: false }
    const { version: readVersion, lastFile: readFile } = snapshot
    const outcome = await commit(snapshot.store, lake.clock, { readVersion, readFile, actions, info })
    if (outcome.kind === 'conflicted') {
      for (const { path } of added) await snapshot.store.delete(path)
      return outcome
    }
    if (session.history !== undefined) await refreshHistory(table.name, session.history)
    return { kind: 'conflicted', winner: outcome.version }
  } finally {
    await fork.close()
  }
}

async function keepHistoryLog(
  { engine, lake, table }: TableRun,
  history: HistorySession,
  version: number,
): Promise<void> {
  const { metadata } = history.snapshot ?? {}
  if (metadata === undefined || !isCheckpointDue({ version, metadata })) return
  await refreshHistory(table.name, history)
  if (history.snapshot?.version !== version) return
  await keepLog(engine, lake.clock, history.snapshot, { root: lake.root, table: historyNameOf(table.name) })
}
