// Writes what a batch adds to the history table: data files beside that table, which the batch's own commit names (`note.ts`).
import assert from 'node:assert/strict'
import { type AddFile, parseStats, quoteName, type Snapshot, scanSql, writeDataFiles } from '@tributary/delta'
import { phaseOf, timeOfPlace } from '../dms/file-name.ts'
import { nameList, type TableShape } from '../upsert/batch.ts'
import type { PreparedUpsert } from '../upsert/upsert.ts'
import type { LandingFile } from '../worker/plan.ts'
import type { TableRun } from '../worker/run.ts'
import { configuredSettings } from '../worker/table-metadata.ts'
import type { HistorySession } from '../worker/table-session.ts'
import { baselineRowsSql, loadRowsSql, lostRowsSql, vanishedRowsSql } from './carried-rows.ts'
import { changeRows } from './change-rows.ts'
import { refreshHistory } from './complete-history.ts'
import { historySchemaOf } from './history-shape.ts'
import type { RowFrame } from './history-sql.ts'
import { type HistoryNote, hasGap, type PreparedHistory, parseHistoryNote } from './note.ts'

/** What a batch must know to write its history. */
interface Writing {
  readonly run: TableRun
  readonly history: HistorySession
  readonly note: HistoryNote | undefined
  readonly batch: number
  /** Batches before this one are missing in the history. */
  readonly isBehind: boolean
  readonly shape: TableShape
}

async function beginWriting(run: TableRun, shape: TableShape): Promise<Writing | undefined> {
  const { table, session } = run
  if (!table.history || session.history === undefined) return undefined
  const before = session.state?.batch ?? 0
  const note = parseHistoryNote(session.snapshot?.domains)
  const isBehind = hasGap(note, before)
  // What it has is read then, and others may have written it.
  if (isBehind) await refreshHistory(table.name, session.history)
  return { run, history: session.history, note, batch: before + 1, isBehind, shape }
}

/**
 * The staged changes of the upsert that was just prepared; where the history has a gap, after the state in which they found the table.
 * Undefined when the table keeps no history.
 */
export async function writeChangeHistory(
  run: TableRun,
  shape: TableShape,
  { isPartial, hasMoves }: Pick<PreparedUpsert, 'isPartial' | 'hasMoves'>,
  changes: {
    readonly files: readonly Pick<LandingFile, 'key' | 'place' | 'modifiedMs'>[]
    /** Rows that were staged, as the counter has them. */
    readonly rows: number
  },
): Promise<PreparedHistory | undefined> {
  const writing = await beginWriting(run, shape)
  if (writing === undefined) return undefined
  const { engine, session, table, lake } = run
  const { note, isBehind } = writing
  const baseline =
    isBehind && session.snapshot !== undefined ? await writeBaseline(writing, session.snapshot) : undefined
  const began = baseline ?? {
    ...beforeBatch(writing),
    files: [],
    rows: 0,
    generation: note?.generation ?? 1,
    startedAtUs: note?.startedAtUs ?? 0,
    newestAtUs: note?.newestAtUs ?? 0,
  }
  if (changes.rows === 0) return isBehind ? began : undefined
  const timestampColumn = lake.config.dms.TimestampColumnName
  const { sql, startedAtUs } = await changeRows(engine, shape, {
    ...frameOf(writing, began.generation),
    files: changes.files.map((file) => ({
      file: file.key,
      atUs: fileTimeUs(file),
      isLoad: phaseOf(file.place) === 0,
    })),
    startedAtUs: began.startedAtUs,
    timestampColumn: timestampColumn === undefined ? undefined : (table.rename.get(timestampColumn) ?? timestampColumn),
    isPartial,
    hasMoves,
  })
  await engine.run(`CREATE OR REPLACE TEMP TABLE history_rows AS ${sql}`)
  const [counts] = await engine.all(`SELECT count(*) AS rows, count(DISTINCT ("__file", "__row")) AS places,
    max(epoch_us("__source_at")) AS newest FROM history_rows`)
  assert.equal(
    Number(counts?.['places']),
    changes.rows,
    'each row that was read and not put into quarantine is in the history',
  )
  const files = await writeRows(writing, ['SELECT * FROM history_rows'], Number(counts?.['rows']))
  return {
    ...began,
    startedAtUs,
    files: [...began.files, ...files],
    rows: began.rows + Number(counts?.['rows']),
    newestAtUs: Math.max(began.newestAtUs, Number(counts?.['newest'])),
  }
}

/** A load's rows, and for a reload the end of the keys that it does not bring. `pending` is the table as the load alone would make it. */
export async function writeLoadHistory(
  run: TableRun,
  shape: TableShape,
  load: {
    readonly pending: Snapshot
    readonly files: readonly { readonly file: LandingFile; readonly rows: number; readonly added: readonly AddFile[] }[]
    /** When the first change after the load was made, if it is there already. */
    readonly firstChangeUs: number | undefined
  },
): Promise<PreparedHistory | undefined> {
  const writing = await beginWriting(run, shape)
  if (writing === undefined) return undefined
  const { engine } = run
  const { generation, earliestUs } = await nextGeneration(writing)
  // A load whose files look newer than the changes that follow it was copied: the first of these tells more.
  const timeOf = (ms: number): number =>
    Math.max(earliestUs, Math.min(Math.floor(ms * 1000), load.firstChangeUs ?? Number.MAX_SAFE_INTEGER))
  const relations: string[] = []
  for (const { file, added } of load.files) {
    if (added.length === 0) continue
    const request = { ...frameOf(writing, generation), atUs: timeOf(file.modifiedMs) }
    relations.push(await loadRowsSql(engine, { snapshot: load.pending, files: added }, shape, request))
  }
  const rows = load.files.reduce((sum, file) => sum + file.rows, 0)
  const files = await writeRows(writing, relations, rows)
  const startedAtUs = load.files.reduce((latest, { file }) => Math.max(latest, timeOf(file.modifiedMs)), earliestUs)
  // That a key is gone was known when the whole load was there, and not before.
  const ended = await writeEnds(writing, { atUs: startedAtUs, survivors: await liveKeysSql(writing, load.pending) })
  return {
    ...beforeBatch(writing),
    files: [...ended.files, ...files],
    rows: rows + ended.rows,
    generation,
    startedAtUs,
    newestAtUs: startedAtUs,
  }
}

/** The end of all keys. */
export async function writeTruncateHistory(run: TableRun, shape: TableShape): Promise<PreparedHistory | undefined> {
  const writing = await beginWriting(run, shape)
  if (writing === undefined) return undefined
  const { generation, earliestUs: atUs } = await nextGeneration(writing)
  const ended = await writeEnds(writing, { atUs, survivors: undefined })
  return { ...beforeBatch(writing), ...ended, generation, startedAtUs: atUs, newestAtUs: atUs }
}

interface Written {
  readonly files: readonly AddFile[]
  readonly rows: number
}

/** Deletes for the keys that vanish with their generation. */
async function writeEnds(
  writing: Writing,
  { atUs, survivors }: { readonly atUs: number; readonly survivors: string | undefined },
): Promise<Written> {
  const { run, note, isBehind, shape } = writing
  const { snapshot } = run.session
  if (snapshot === undefined || note === undefined) return { files: [], rows: 0 }
  if (isBehind)
    return writeLost(writing, { atUs, survivors: survivors ?? `SELECT * FROM (SELECT ${nullKeys(shape)}) WHERE false` })
  const request = { ...frameOf(writing, note.generation), atUs, survivors }
  return writeCounted(writing, await vanishedRowsSql(run.engine, snapshot, shape, request))
}

function nullKeys(shape: TableShape): string {
  return shape.key.map((name) => `NULL AS ${quoteName(name)}`).join(', ')
}

/** The table as it is before the batch, with which its history begins (again). */
async function writeBaseline(writing: Writing, snapshot: Snapshot): Promise<PreparedHistory> {
  const { run, shape } = writing
  const { generation, earliestUs } = await nextGeneration(writing)
  const atUs = Math.max(snapshot.timestampMs * 1000, earliestUs)
  const request = { ...frameOf(writing, generation), atUs }
  const rows = await writeCounted(writing, await baselineRowsSql(run.engine, snapshot, shape, request))
  const lost = await writeLost(writing, { atUs, survivors: await liveKeysSql(writing, snapshot) })
  return {
    ...beforeBatch(writing),
    files: [...rows.files, ...lost.files],
    rows: rows.rows + lost.rows,
    generation,
    startedAtUs: atUs,
    newestAtUs: atUs,
  }
}

/** Deletes for keys that went while no history was kept. */
async function writeLost(
  writing: Writing,
  { atUs, survivors }: { readonly atUs: number; readonly survivors: string },
): Promise<Written> {
  const { run, history, shape } = writing
  if (history.snapshot === undefined) return { files: [], rows: 0 }
  const { generation } = await nextGeneration(writing)
  const request = { ...frameOf(writing, generation), atUs, survivors }
  return writeCounted(writing, await lostRowsSql(run.engine, history.snapshot, shape, request))
}

/**
 * What begins now is newer than all that the history has. Where it has a gap the note may be of an older version of the table, and the
 * history itself is asked.
 */
async function nextGeneration({
  run,
  history,
  note,
  isBehind,
}: Writing): Promise<{ readonly generation: number; readonly earliestUs: number }> {
  const noted = { generation: (note?.generation ?? 0) + 1, earliestUs: note === undefined ? 0 : note.newestAtUs + 1 }
  if (!isBehind || history.snapshot === undefined) return noted
  const scan = await scanSql(run.engine, history.snapshot, { columns: ['__generation', '__source_at'] })
  const [row] = await run.engine.all(
    `SELECT max("__generation") AS generation, max(epoch_us("__source_at")) AS newest FROM (${scan})`,
  )
  return {
    generation: Math.max(noted.generation, Number(row?.['generation'] ?? 0) + 1),
    earliestUs: Math.max(noted.earliestUs, Number(row?.['newest'] ?? 0) + 1),
  }
}

/** Where the history stands before the batch. */
function beforeBatch({ history, note }: Writing): Pick<PreparedHistory, 'follows' | 'rowsBefore'> {
  const follows = history.batch ?? 0
  return { follows, rowsBefore: follows === note?.batch ? note.rows : countRows(history.snapshot?.files ?? []) }
}

async function liveKeysSql({ run, shape }: Writing, snapshot: Snapshot): Promise<string> {
  return `SELECT ${nameList(shape.key)} FROM (${await scanSql(run.engine, { ...snapshot, schema: shape.schema }, { columns: shape.key })})`
}

async function writeCounted(writing: Writing, relation: string): Promise<Written> {
  const files = await writeRows(writing, [relation])
  return { files, rows: countRows(files) }
}

/** One data file a relation, sorted so that the changes of a key lie together. */
async function writeRows(
  { run, history, shape }: Writing,
  relations: readonly string[],
  expected?: number,
): Promise<readonly AddFile[]> {
  const { engine, lake, table } = run
  const files: AddFile[] = []
  for (const relation of relations) {
    const written = await writeDataFiles(engine, history.store, lake.clock, {
      relation: `SELECT * FROM (${relation}) ORDER BY ${nameList(shape.key)}, "__source_at"`,
      schema: historySchemaOf(table.name, shape.schema),
      partitionColumns: [],
      settings: configuredSettings(table, history.snapshot),
    })
    files.push(...written)
  }
  if (expected !== undefined) assert.equal(countRows(files), expected, 'each history row is in a file')
  return files
}

function countRows(files: readonly AddFile[]): number {
  return files.reduce((sum, { stats }) => sum + (parseStats(stats)?.numRecords ?? 0), 0)
}

function frameOf({ run, batch }: Writing, generation: number): RowFrame {
  return { generation, batch, committedAtUs: run.lake.clock.now() * 1000 }
}

/** When the changes of a landing file were made, as the file tells: a CDC file's name, a load file's write time. */
function fileTimeUs({ place, modifiedMs }: Pick<LandingFile, 'place' | 'modifiedMs'>): number {
  return timeOfPlace(place) ?? Math.floor(modifiedMs * 1000)
}
