import { type StructType, TributaryError } from '@tributary/delta'
import { openBatch, stageFile, type TableShape, unstageFile, widenBatch } from '../upsert/batch.ts'
import type { TombstoneAge } from '../upsert/target.ts'
import { prepareUpsert } from '../upsert/upsert.ts'
import type { PreparedBatch } from './commit-batch.ts'
import type { LandingFile } from './plan.ts'
import { prepareWiden } from './prepare-widen.ts'
import { type FileReading, ledgerEntry, readLandingFile } from './read-file.ts'
import type { TableRun } from './run.ts'
import { type EvolvingSchema, evolvingSchema } from './schema.ts'

/** Stages the files of a batch in order and works out the upsert; undefined when they do not even tell the columns of a new table. */
export async function prepareChanges(
  run: TableRun,
  plan: { readonly files: readonly LandingFile[]; readonly guard: boolean },
): Promise<PreparedBatch | undefined> {
  const { session, table, lake, engine } = run
  const schema = evolvingSchema(run)
  const staged = await stageFiles(run, plan.files, schema)
  if (staged.widen !== undefined && staged.readings.length === 0) return prepareWiden(run, staged.widen)
  if (schema.current().fields.length === 0 && table.columns !== undefined)
    schema.addColumns(table.columns.map(({ name, type }) => ({ name: table.rename.get(name) ?? name, type })))
  const shape = { schema: schema.current(), key: table.key, sequence: table.sequence }
  // No file has told a column yet: the files wait for one that does.
  if (shape.schema.fields.length === 0) return undefined
  // No row came so far: there is nothing to stage.
  if (!staged.isOpen) await openBatch(engine, shape)
  const parts = { engine, store: session.store, clock: lake.clock, index: session.index }
  const prepared = await prepareUpsert(parts, {
    snapshot: session.snapshot,
    shape,
    partitionColumns: table.partitionBy,
    write: table.write,
    vectorFilesMax: run.options.vectorFilesMax,
    tombstones: session.state?.tombstones ?? [],
    horizon: session.state?.horizon,
    tombstoneAge: tombstoneAge(run, staged.readings),
    sequenceLength: session.state?.sequenceLength,
    timestampColumn: lake.config.dms.TimestampColumnName,
    guard: plan.guard,
  })
  const { outcome } = prepared
  const byFile = new Map(outcome.files.map((file) => [file.key, file]))
  if (outcome.updatesOfAbsent > 0) {
    const message = `${outcome.updatesOfAbsent} updates of keys that the table did not hold: a key change without a before image leaves the old row behind`
    run.options.onEvent?.({ kind: 'warning', table: table.name, message })
  }
  const last = staged.readings.at(-1)?.file
  const isLater = last !== undefined && last.place > (session.state?.lastPlace ?? '')
  return {
    operation: 'UPSERT',
    schema: shape.schema,
    actions: prepared.actions,
    added: prepared.added,
    entries: staged.readings.map((reading) =>
      ledgerEntry(reading, session.state?.generation ?? 1, byFile.get(reading.file.key)),
    ),
    rejects: staged.readings.flatMap((reading) => reading.rejects),
    state: {
      tombstones: prepared.tombstones,
      horizon: prepared.horizon,
      ...(isLater ? { lastPlace: last.place, lastFile: last.key } : {}),
      ...(prepared.sequenceLength === undefined ? {} : { sequenceLength: prepared.sequenceLength }),
      ...(prepared.sourceAt === undefined ? {} : { sourceAt: prepared.sourceAt }),
      ...schema.state(),
    },
    metrics: { inserted: outcome.inserted, updated: outcome.updated, deleted: outcome.deleted },
  }
}

function tombstoneAge({ table, session }: TableRun, readings: readonly FileReading[]): TombstoneAge | undefined {
  if (table.tombstonesMs === undefined) return undefined
  const places = [session.state?.lastPlace ?? '', ...readings.map(({ file }) => file.place)]
  return { keepMs: table.tombstonesMs, newestPlace: places.toSorted().at(-1) ?? '' }
}

interface Staged {
  readonly readings: readonly FileReading[]
  /** Whether table `batch` was laid out. */
  readonly isOpen: boolean
  /** The next file needs this schema first: the batch ends before it. */
  readonly widen?: StructType
}

/** Reads the files one after another into table `batch`, which grows by the columns that they bring. */
async function stageFiles(run: TableRun, files: readonly LandingFile[], schema: EvolvingSchema): Promise<Staged> {
  const { engine, table } = run
  const readings: FileReading[] = []
  let opened: StructType | undefined
  let rows = 0
  for (const file of files) {
    let calls = 0
    const read = readLandingFile(run, engine, { file, schema }, async (staged) => {
      const shape: TableShape = { schema: schema.current(), key: table.key, sequence: table.sequence }
      if (opened === undefined) await openBatch(engine, shape)
      else if (opened !== shape.schema) await widenBatch(engine, { from: opened, to: shape.schema })
      opened = shape.schema
      // The strict path begins again: what the fast one staged does not count.
      if (calls > 0) await unstageFile(engine, file.key)
      calls += 1
      return stageFile(engine, shape, staged)
    })
    const outcome = await read.catch(async (error: unknown) => {
      // What stops the table stops it at this file: the ones before it are a batch of their own.
      if (readings.length === 0 || !(error instanceof TributaryError)) throw error
      if (calls > 0) await unstageFile(engine, file.key)
      return undefined
    })
    if (outcome === undefined) return { readings, isOpen: opened !== undefined }
    if (outcome.kind === 'widen') return { readings, isOpen: opened !== undefined, widen: outcome.schema }
    readings.push(outcome.reading)
    rows += outcome.reading.read
    run.options.onEvent?.({
      kind: 'progress',
      table: table.name,
      files: readings.length,
      filesTotal: files.length,
      rows,
    })
  }
  return { readings, isOpen: opened !== undefined }
}
