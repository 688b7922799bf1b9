import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { localStore, quoteName, quoteText, type Store, type StructType, TributaryError } from '@tributary/delta'
import { type Dialect, dialectOf } from '../dms/dialect.ts'
import { placeOf } from '../dms/file-name.ts'
import { hashLandingFile } from '../dms/open-file.ts'
import { writeChangeHistory } from '../history-table/write-history.ts'
import type { QuarantinedRow } from '../ledger/quarantine.ts'
import { openBatch, type StagedFile, stageFile, type TableShape, widenBatch } from '../upsert/batch.ts'
import { rowsBeyondHorizon } from '../upsert/decide.ts'
import { prepareUpsert } from '../upsert/upsert.ts'
import type { PreparedBatch } from './commit-batch.ts'
import type { LandingFile } from './plan.ts'
import { readLandingFile } from './read-file.ts'
import type { TableRun } from './run.ts'
import { type EvolvingSchema, evolvingSchema } from './schema.ts'
import { configuredSettings } from './table-metadata.ts'

/** A replay, worked out: what may be committed, and the rows that still cannot be read. */
export interface PreparedReplay {
  readonly batch: PreparedBatch
  readonly still: readonly QuarantinedRow[]
  readonly replayed: number
}

// Widening is a commit of its own, and it belongs to the order of files.
const WIDENS_FIRST = 'the table takes the wider type with its next file: ingest that, then replay again'

interface FileReplay {
  readonly rows: readonly QuarantinedRow[]
  readonly still: readonly QuarantinedRow[]
}

/**
 * Reads quarantined rows again and works out their upsert. A row that may be older than a delete which the table has forgotten
 * (`tombstones`) goes on waiting, and holds up no other.
 */
export async function prepareReplay(run: TableRun, rows: readonly QuarantinedRow[]): Promise<PreparedReplay> {
  const beyond: QuarantinedRow[] = []
  let open = rows
  // Bounded: each turn takes one row out at least.
  for (;;) {
    try {
      const { batch, still, replayed } = await prepareRows(run, open)
      const waiting = [...still, ...beyond]
      return { batch: { ...batch, stillQuarantined: waiting }, still: waiting, replayed }
    } catch (error) {
      const late = await findBeyond(run, open, error)
      if (late.length === 0) throw error
      const reason = error instanceof Error ? error.message : String(error)
      beyond.push(...late.map((row) => ({ ...row, reason })))
      open = open.filter((row) => !late.includes(row))
    }
  }
}

async function findBeyond(
  run: TableRun,
  rows: readonly QuarantinedRow[],
  error: unknown,
): Promise<readonly QuarantinedRow[]> {
  const horizon = run.session.state?.horizon
  const isBeyond = error instanceof TributaryError && error.code === 'CHANGE_BEYOND_HORIZON'
  if (!isBeyond || horizon === undefined) return []
  const places = await rowsBeyondHorizon(run.engine, shapeOf(run, evolvingSchema(run)), horizon)
  return rows.filter((row) => places.some(({ file, row: number }) => row.file === file && row.row === number))
}

/** Reads quarantined rows again, file by file; always with the guard, since they come late. */
async function prepareRows(run: TableRun, rows: readonly QuarantinedRow[]): Promise<PreparedReplay> {
  const { engine, session, table, lake } = run
  const schema = evolvingSchema(run)
  await openBatch(engine, shapeOf(run, schema))
  // The generation goes before everything else in the order: what a reload or a truncate replaced stays replaced.
  const generation = session.state?.generation ?? 1
  const closed = rows.filter((row) => row.generation < generation)
  const open = rows.filter((row) => row.generation >= generation)
  const files: FileReplay[] = []
  for (const group of Map.groupBy(open, (row) => JSON.stringify([row.file, row.fields, row.batch])).values())
    files.push(await replayFile(run, schema, group))
  const shape = shapeOf(run, schema)
  const prepared = await prepareUpsert(
    { engine, store: session.store, clock: lake.clock, index: session.index },
    {
      snapshot: session.snapshot,
      shape,
      partitionColumns: table.partitionBy,
      write: table.write,
      settings: configuredSettings(table, session.snapshot),
      vectorFilesMax: run.options.vectorFilesMax,
      tombstones: session.state?.tombstones ?? [],
      horizon: session.state?.horizon,
      // Nothing newer came in: whatever is overdue goes with the next changes.
      tombstoneAge: undefined,
      sequenceLength: session.state?.sequenceLength,
      timestampColumn: undefined,
      guard: true,
    },
  )
  const still = files.flatMap((file) => file.still)
  const history = await writeChangeHistory(run, shape, prepared, {
    files: [...new Set(open.map(({ file }) => file))].map((key) => fileOfRows(run, key)),
    rows: open.length - still.length,
  })
  const { inserted, updated, deleted } = prepared.outcome
  const { sequenceLength } = prepared
  const batch: PreparedBatch = {
    operation: 'REPLAY',
    schema: shape.schema,
    actions: prepared.actions,
    added: prepared.added,
    entries: [
      ...prepared.outcome.files.map((file) => replayEntry(run, file)),
      ...[...Map.groupBy(closed, (row) => row.file)].map(([key, { length }]) =>
        replayEntry(run, { key, applied: 0, superseded: length, noop: 0 }),
      ),
    ],
    rejects: [],
    history,
    stillQuarantined: still,
    state: {
      tombstones: prepared.tombstones,
      horizon: prepared.horizon,
      ...(sequenceLength === undefined ? {} : { sequenceLength }),
      ...schema.state(),
    },
    metrics: { inserted, updated, deleted },
  }
  return { batch, still, replayed: rows.length - still.length }
}

/** The file that rows came from, which may be gone: what the ledger says of it. */
function fileOfRows(
  { session, lake }: TableRun,
  key: string,
): { readonly key: string; readonly place: string; readonly modifiedMs: number } {
  const entry = session.ledger.findLast((candidate) => candidate.key === key && candidate.kind !== 'replay')
  return { key, place: placeOf(key), modifiedMs: entry?.modifiedMs ?? lake.clock.now() }
}

function shapeOf({ table }: TableRun, schema: EvolvingSchema): TableShape {
  return { schema: schema.current(), key: table.key, sequence: table.sequence }
}

/** The counts move from quarantined to what became of the rows, so that law 3 still adds up. */
function replayEntry(
  { session }: TableRun,
  {
    key,
    applied,
    superseded,
    noop,
  }: { readonly key: string; readonly applied: number; readonly superseded: number; readonly noop: number },
): PreparedBatch['entries'][number] {
  const counts = { read: 0, applied, superseded, noop, quarantined: -(applied + superseded + noop), digitsCut: 0 }
  return {
    key,
    sizeBytes: 0,
    hash: '',
    modifiedMs: 0,
    generation: session.state?.generation ?? 1,
    kind: 'replay',
    place: placeOf(key),
    ...counts,
  }
}

/** Reads the rows of one file again. CSV rows come from the quarantine itself, Parquet rows from the landing file. */
async function replayFile(run: TableRun, schema: EvolvingSchema, rows: readonly QuarantinedRow[]): Promise<FileReplay> {
  const [first] = rows
  if (first === undefined) return { rows, still: [] }
  const isParquet = first.format === 'parquet'
  const folder = join(run.engine.tempFolder, `replay-${run.lake.clock.uuid()}`)
  try {
    const landing = isParquet ? run.lake.landing : await writeRecords(run, folder, rows)
    const lake = { ...run.lake, landing }
    // As it is now: whether these are the bytes that the row came from is asked below.
    const { sizeBytes, modifiedMs } = (await landing.stat(first.file)) ?? { sizeBytes: 0, modifiedMs: 0 }
    const file: LandingFile = {
      key: first.file,
      sizeBytes,
      modifiedMs,
      kind: first.kind,
      place: placeOf(first.file),
    }
    const numbers = rows.map((row, at) => [isParquet ? row.row : at + 1, row.row])
    await run.engine.run('CREATE OR REPLACE TEMP TABLE replay_rows (n BIGINT, row BIGINT)')
    await run.engine.append('replay_rows', ['n', 'row'], numbers)
    const before = schema.current()
    if (isParquet && (await hashOf(run, first)) !== writtenHash(run, first))
      return { rows, still: rows.map((row) => ({ ...row, reason: `${row.file} is gone or has other bytes now` })) }
    const outcome = await readLandingFile({ ...run, lake }, run.engine, { file, schema }, (staged) =>
      stageRows(run, schema, before, staged),
    )
    if (outcome.kind === 'widen') return { rows, still: rows.map((row) => ({ ...row, reason: WIDENS_FIRST })) }
    const rejected = new Map(outcome.reading.rejects.map((reject) => [reject.row, reject]))
    const still = rows.flatMap((row, at) => {
      const reject = rejected.get(isParquet ? row.row : at + 1)
      return reject === undefined ? [] : [{ ...row, reason: reject.reason }]
    })
    return { rows, still }
  } catch (error) {
    // One file that still cannot be read must not keep the others waiting.
    if (!(error instanceof TributaryError)) throw error
    await run.engine.run(
      `DELETE FROM batch WHERE "__file" = ${quoteText(first.file)} AND "__row" IN (SELECT row FROM replay_rows)`,
    )
    return { rows, still: rows.map((row) => ({ ...row, reason: error.message })) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The bytes of a Parquet file as they are now; undefined when it cannot be read. */
async function hashOf({ lake }: TableRun, { file }: QuarantinedRow): Promise<string | undefined> {
  try {
    return await hashLandingFile(lake.landing, file)
  } catch (error) {
    if (error instanceof TributaryError) return undefined
    throw error
  }
}

/** The bytes that the row came from, as the ledger keeps them. */
function writtenHash({ session }: TableRun, { file, batch }: QuarantinedRow): string | undefined {
  return session.ledger.find((entry) => entry.key === file && entry.batch === batch)?.hash
}

/** Stages the replayed rows under the numbers that they had; answers with all rows of the relation, as law 3 counts them. */
async function stageRows(
  run: TableRun,
  schema: EvolvingSchema,
  before: StructType,
  staged: StagedFile,
): Promise<number> {
  const { engine } = run
  if (schema.current() !== before) await widenBatch(engine, { from: before, to: schema.current() })
  const [row] = await engine.all(`SELECT count(*) AS n FROM (${staged.relation})`)
  await engine.run(
    `DELETE FROM batch WHERE "__file" = ${quoteText(staged.key)} AND "__row" IN (SELECT row FROM replay_rows)`,
  )
  const relation = `SELECT r.* REPLACE (m.row AS ${quoteName('__row')}) FROM (${staged.relation}) r JOIN replay_rows m ON m.n = r."__row"`
  await stageFile(engine, shapeOf(run, schema), { ...staged, relation })
  return Number(row?.['n'] ?? 0)
}

/** Writes the records below a header of their own, as a landing of one file with the old name. */
async function writeRecords({ lake }: TableRun, folder: string, rows: readonly QuarantinedRow[]): Promise<Store> {
  const [first] = rows
  if (first === undefined) return localStore(folder, lake.clock)
  const { dms } = lake.config
  const records = rows.map((row) => Buffer.from(row.raw, row.encoding === 'base64' ? 'base64' : 'utf8'))
  const dialect = dialectOf(dms, new Uint8Array())
  const header = first.kind === 'transactions' ? [] : [Buffer.from(headerOf(first.fields, dialect))]
  const end = Buffer.from(dialect.rowDelimiter)
  const path = join(folder, first.file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, Buffer.concat([...header, ...records].flatMap((record) => [record, end])))
  return localStore(folder, lake.clock)
}

function headerOf(fields: readonly string[], { delimiter, isQuoted }: Dialect): string {
  return fields
    .map((name) => (isQuoted && /["\n\r]|,/.test(name) ? `"${name.replaceAll('"', '""')}"` : name))
    .join(delimiter)
}
