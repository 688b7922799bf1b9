import { writeChangeHistory } from '../history-table/write-history.ts'
import { openBatch } from '../upsert/batch.ts'
import type { BatchOutcome } from '../upsert/decide.ts'
import type { TombstoneAge } from '../upsert/target.ts'
import { prepareUpsert } from '../upsert/upsert.ts'
import { type EarlyLedger, earlyLedger, type NewEntry } from './batch-ledger.ts'
import type { PreparedBatch } from './commit-batch.ts'
import { type ChangesPlan, type LookingAhead, lookingAhead } from './looking-ahead.ts'
import type { LandingFile } from './plan.ts'
import { prepareWiden } from './prepare-widen.ts'
import { type FileReading, ledgerEntry } from './read-file.ts'
import type { TableRun } from './run.ts'
import { evolvingSchema } from './schema.ts'
import { type Staged, stageFiles } from './stage-files.ts'
import { configuredSettings } from './table-metadata.ts'

/** Stages the files of a batch in order and works out the upsert; undefined when they do not even tell the columns of a new table. */
export async function prepareChanges(run: TableRun, plan: ChangesPlan): Promise<PreparedBatch | undefined> {
  const { session, lake } = run
  const ahead = lookingAhead(run, plan)
  const ledger = earlyLedger({ store: session.store, clock: lake.clock, cache: session.segments }, session.state)
  try {
    return await prepareWith(run, plan, { ahead, ledger })
  } finally {
    await ahead.end()
    // Who discards what was written has to know all of it.
    await ledger.settle()
  }
}

async function prepareWith(
  run: TableRun,
  plan: ChangesPlan,
  { ahead, ledger }: { readonly ahead: LookingAhead; readonly ledger: EarlyLedger },
): Promise<PreparedBatch | undefined> {
  const { session, table, lake, engine } = run
  const startMs = lake.clock.now()
  const schema = evolvingSchema(run)
  const staged = await stageFiles(run, plan.files, { schema, meanwhile: ahead.begin })
  if (staged.widen !== undefined && staged.readings.length === 0) return prepareWiden(run, staged.widen)
  if (schema.current().fields.length === 0 && table.columns !== undefined)
    schema.addColumns(table.columns.map(({ name, type }) => ({ name: table.rename.get(name) ?? name, type })))
  const shape = { schema: schema.current(), key: table.key, sequence: table.sequence }
  // No file has told a column yet: the files wait for one that does.
  if (shape.schema.fields.length === 0) return undefined
  // No row came so far: there is nothing to stage.
  if (!staged.isOpen) await openBatch(engine, shape)
  const readMs = lake.clock.now() - startMs
  const { store, index } = session
  const onOutcome = ({ files }: BatchOutcome): void => ledger.begin(entriesOf(run, staged, files))
  const parts = { engine, store, clock: lake.clock, index, prefetched: ahead.prefetched(), onOutcome }
  const prepared = await prepareUpsert(parts, {
    snapshot: session.snapshot,
    shape,
    partitionColumns: table.partitionBy,
    write: table.write,
    settings: configuredSettings(table, session.snapshot),
    vectorFilesMax: run.options.vectorFilesMax,
    tombstones: session.state?.tombstones ?? [],
    horizon: session.state?.horizon,
    tombstoneAge: tombstoneAge(run, staged.readings),
    sequenceLength: session.state?.sequenceLength,
    timestampColumn: lake.config.dms.TimestampColumnName,
    guard: plan.guard,
  })
  const history = await writeChangeHistory(run, shape, prepared, stagedRows(staged))
  const { outcome, files, took } = prepared
  warnOfAbsent(run, outcome.updatesOfAbsent)
  const last = staged.readings.at(-1)?.file
  const isLater = last !== undefined && last.place > (session.state?.lastPlace ?? '')
  return {
    operation: 'UPSERT',
    schema: shape.schema,
    actions: prepared.actions,
    added: prepared.added,
    entries: entriesOf(run, staged, outcome.files),
    ledger: await ledger.written(),
    rejects: staged.readings.flatMap((reading) => reading.rejects),
    history,
    state: {
      tombstones: prepared.tombstones,
      horizon: prepared.horizon,
      ...(isLater ? { lastPlace: last.place, lastFile: last.key } : {}),
      ...(prepared.sequenceLength === undefined ? {} : { sequenceLength: prepared.sequenceLength }),
      ...(prepared.sourceAt === undefined ? {} : { sourceAt: prepared.sourceAt }),
      ...schema.state(),
    },
    metrics: {
      inserted: outcome.inserted,
      updated: outcome.updated,
      deleted: outcome.deleted,
      filesLive: files.live,
      filesLeft: files.left,
      filesScanned: files.scanned,
      readMs,
      ...took,
    },
  }
}

function entriesOf({ session }: TableRun, { readings }: Staged, outcomes: BatchOutcome['files']): readonly NewEntry[] {
  const byFile = new Map(outcomes.map((file) => [file.key, file]))
  return readings.map((reading) => ledgerEntry(reading, session.state?.generation ?? 1, byFile.get(reading.file.key)))
}

function stagedRows({ readings }: Staged): { readonly files: readonly LandingFile[]; readonly rows: number } {
  const rows = readings.reduce((sum, { read, rejects }) => sum + read - rejects.length, 0)
  return { files: readings.map(({ file }) => file), rows }
}

function warnOfAbsent({ options, table }: TableRun, updates: number): void {
  if (updates === 0) return
  const message = `${updates} updates of keys that the table did not hold: a key change without a before image leaves the old row behind`
  options.onEvent?.({ kind: 'warning', table: table.name, message })
}

function tombstoneAge({ table, session }: TableRun, readings: readonly FileReading[]): TombstoneAge | undefined {
  if (table.tombstonesMs === undefined) return undefined
  const places = [session.state?.lastPlace ?? '', ...readings.map(({ file }) => file.place)]
  return { keepMs: table.tombstonesMs, newestPlace: places.toSorted().at(-1) ?? '' }
}
