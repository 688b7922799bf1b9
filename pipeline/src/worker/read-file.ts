// From a landing file to staged rows: open, plan, let the schema grow, read.
import type { DataType, Engine, StructType } from '@tributary/delta'
import { parseColumnType } from '../config/table-settings.ts'
import { inferTypes } from '../dms/infer-types.ts'
import { type OpenedFile, openLandingFile } from '../dms/open-file.ts'
import { planRead, type ReadContext, type ReadPlan, type SourceColumn } from '../dms/plan-read.ts'
import { readRows } from '../dms/read-rows.ts'
import { beforeName } from '../dms/relation-sql.ts'
import { columnReserved, landingFileChanged, schemaMismatch } from '../errors.ts'
import type { LedgerEntry } from '../ledger/ledger.ts'
import type { QuarantinedRow } from '../ledger/quarantine.ts'
import type { StagedFile } from '../upsert/batch.ts'
import { type FilePattern, patternOf } from './file-pattern.ts'
import type { LandingFile } from './plan.ts'
import type { TableRun } from './run.ts'
import { type EvolvingSchema, widenedSchema } from './schema.ts'
import { warnOfLacks } from './warn-lacks.ts'

/** What a file held, by the independent counter and by the reader. */
export interface FileReading {
  readonly file: LandingFile
  readonly hash: string
  readonly sizeBytes: number
  readonly read: number
  readonly digitsCut: number
  readonly rejects: readonly Omit<QuarantinedRow, 'id' | 'batch' | 'generation'>[]
}

/** A file was read, or the table must take wider types before it can be. */
export type ReadOutcome =
  | {
      readonly kind: 'read'
      readonly reading: FileReading
      /** For the files that follow; undefined when this one had something of its own. */
      readonly pattern: FilePattern | undefined
    }
  | { readonly kind: 'widen'; readonly schema: StructType }

/** Names of the columns that batches and scans add on their way, and of the place that data files keep. */
export const RESERVED =
  /^__(op|row|file|n|place|seq|phase|unset|was_.*|path|position|sub|delete|live|dead|order|outcome|ordinal|reset)$/i

/** Reads one file, which may be open already, and disposes of it. `consume` takes its rows and tells how many they were; it may be called several times, and the last call counts. */
export async function readLandingFile(
  run: TableRun,
  engine: Engine,
  {
    file,
    schema,
    isOpen,
  }: { readonly file: LandingFile; readonly schema: EvolvingSchema; readonly isOpen?: OpenedFile },
  consume: (staged: StagedFile) => Promise<number>,
): Promise<ReadOutcome> {
  const opened = isOpen ?? (await openFile(run, engine, file))
  try {
    const plan = await planFile(run, engine, { file, opened, schema })
    for (const message of plan.warnings) warn(run, message)
    const table = plan.columns.map(({ name, type }) => ({ name, type }))
    const widened = widenedSchema(run.table.name, schema.current(), [
      ...plan.widened.map(({ name, to }) => ({ name, type: to })),
      ...configuredColumns(run),
    ])
    if (widened !== undefined) return { kind: 'widen', schema: widened }
    // A header alone tells no types: they wait for rows, or for the configuration.
    if (plan.rowCount > 0 || run.table.columns !== undefined || schema.current().fields.length > 0)
      schema.addColumns(table)
    for (const { name } of plan.columns) if (RESERVED.test(name)) throw columnReserved(file.key, run.table.name, name)
    if (plan.rowCount > 0) {
      if (opened.format === 'csv' && !plan.hasHeader && file.kind !== 'transactions')
        schema.pinWidth(file.kind, plan.fieldNames.length)
      schema.pinSource(
        mergedSource(
          schema.source(),
          plan.columns.map((column) => column.source),
        ),
      )
      warnOfLacks(run, file, { plan, schema, hasNames: plan.hasHeader || opened.format === 'parquet' })
    }
    const { key, place } = file
    const rows = await readRows(engine, opened, plan, (sql) => consume({ key, place, ...stagedRows(file, plan, sql) }))
    const rejects = rows.rejects.map((reject) => quarantined(file, opened, plan, reject))
    return {
      kind: 'read',
      reading: { ...readingOf(file, opened), read: rows.rowsRead, digitsCut: rows.digitsCut, rejects },
      pattern: rows.path === 'fast' ? await patternOf(file, opened, plan) : undefined,
    }
  } finally {
    await opened.dispose()
  }
}

/** Counts a file's records without applying them. */
export async function countLandingFile(run: TableRun, file: LandingFile): Promise<FileReading> {
  const opened = await openFile(run, run.engine, file)
  try {
    const { session } = run
    const context = readContext(run, file, {
      schema: session.snapshot?.schema,
      source: session.state?.sourceColumns ?? [],
    })
    const plan = await planRead(run.engine, opened, { ...context, isSchemaAccepted: true })
    return { ...readingOf(file, opened), read: plan.rowCount, digitsCut: 0, rejects: [] }
  } finally {
    await opened.dispose()
  }
}

/** The ledger's entry for a file that was read. A file without an outcome had no row that came so far. */
export function ledgerEntry(
  { file, hash, sizeBytes, read, digitsCut, rejects }: FileReading,
  generation: number,
  outcome: { readonly applied: number; readonly superseded: number; readonly noop: number } | undefined,
): Omit<LedgerEntry, 'batch'> {
  const { key, modifiedMs, kind, place } = file
  const { applied, superseded, noop } = outcome ?? { applied: 0, superseded: 0, noop: 0 }
  return {
    key,
    sizeBytes,
    hash,
    modifiedMs,
    generation,
    kind,
    place,
    read,
    applied,
    superseded,
    noop,
    quarantined: rejects.length,
    digitsCut,
  }
}

/** Opens the file if it still is the one that was listed. Throws `LANDING_FILE_CHANGED`. */
export async function openFile({ lake, options }: TableRun, engine: Engine, file: LandingFile): Promise<OpenedFile> {
  const isTransactions = file.kind === 'transactions'
  const opened = await openLandingFile(lake.landing, file.key, {
    tempFolder: engine.tempFolder,
    settings: lake.config.dms,
    isTransactions,
    signal: options.cut,
  })
  if (isAsListed(file, opened)) return opened
  await opened.dispose()
  throw landingFileChanged(file.key)
}

/**
 * Whether what was opened is what the plan was made for. Else the ledger would name bytes that the listing does not know, and the same
 * LOAD object be a reload again with every look.
 */
export function isAsListed(
  file: Pick<LandingFile, 'sizeBytes' | 'modifiedMs'>,
  opened: { readonly sizeBytes: number; readonly modifiedMs: number },
): boolean {
  return opened.sizeBytes === file.sizeBytes && Math.floor(opened.modifiedMs) === Math.floor(file.modifiedMs)
}

export function readingOf(
  file: LandingFile,
  { hash, sizeBytes }: OpenedFile,
): Pick<FileReading, 'file' | 'hash' | 'sizeBytes'> {
  return { file, hash, sizeBytes }
}

/** Plans the reading; the first file of a table without `columns` also decides the types. */
async function planFile(
  run: TableRun,
  engine: Engine,
  {
    file,
    opened,
    schema,
  }: { readonly file: LandingFile; readonly opened: OpenedFile; readonly schema: EvolvingSchema },
): Promise<ReadPlan> {
  const seenWidth = file.kind === 'transactions' ? undefined : schema.width(file.kind)
  const context = { ...readContext(run, file, { schema: schema.current(), source: schema.source() }), seenWidth }
  const plan = await planRead(engine, opened, context)
  assertReadable(run, file, { plan, schema: schema.current() })
  const isFirst = schema.current().fields.length === 0 && run.table.columns === undefined
  if (!isFirst || opened.format === 'parquet' || plan.rowCount === 0) return plan
  // DMS writes these two as text, and a sequence is compared as text unless `columns` says otherwise (law 2).
  const asText = [run.lake.config.dms.TimestampColumnName, run.table.sequence]
  const known = (await inferTypes(engine, opened, plan)).map((column) =>
    asText.includes(column.name) ? { ...column, type: 'string' as const } : column,
  )
  warn(
    run,
    `types of ${run.table.name} inferred from ${file.key} and pinned: ${known.map(({ name, type }) => `${name} ${type}`).join(', ')}`,
  )
  return planRead(engine, opened, { ...context, known })
}

// Another program may have made columns that no file of DMS has values for; a cast of text would take what looks like one.
function assertReadable(
  { table }: TableRun,
  { key }: LandingFile,
  { plan, schema }: { readonly plan: ReadPlan; readonly schema: StructType },
): void {
  const brought = new Set(plan.columns.map(({ name }) => name.toLowerCase()))
  const foreign = schema.fields.find(
    ({ name, type }) => brought.has(name.toLowerCase()) && readType(type) === undefined,
  )
  if (foreign === undefined) return
  const type = typeof foreign.type === 'string' ? foreign.type : foreign.type.type
  throw schemaMismatch(
    key,
    table.name,
    `it brings ${foreign.name}, which is a ${type} in the table, and files of DMS hold no such values`,
  )
}

/** `source`: the names that the files have had so far, in their order; none before the first file with rows. */
export function readContext(
  { table, lake, options }: TableRun,
  { kind }: LandingFile,
  { schema, source }: { readonly schema: StructType | undefined; readonly source: readonly string[] },
): ReadContext {
  const stored = storedColumns(schema)
  const known = source.flatMap((name): readonly SourceColumn[] => {
    const column = stored.get((table.rename.get(name) ?? name).toLowerCase())
    return column === undefined ? [] : [{ name, type: column.type }]
  })
  return {
    table,
    settings: lake.config.dms,
    kind,
    known: source.length === 0 || stored.size === 0 ? undefined : known,
    stored,
    isSchemaAccepted: options.acceptSchema === true,
  }
}

/** The table's columns by their names in lower case. Nested ones, which another program made, are in no file of DMS. */
function storedColumns(schema: StructType | undefined): ReadonlyMap<string, SourceColumn> {
  return new Map(
    (schema?.fields ?? []).flatMap(({ name, type }): readonly [string, SourceColumn][] => {
      const known = readType(type)
      return known === undefined ? [] : [[name.toLowerCase(), { name, type: known }]]
    }),
  )
}

function readType(type: DataType): SourceColumn['type'] | undefined {
  return typeof type === 'string' ? parseColumnType(type) : undefined
}

/** The configured types under the table's names: a wider one there widens the table. */
function configuredColumns({
  table,
}: TableRun): readonly { readonly name: string; readonly type: SourceColumn['type'] }[] {
  return (table.columns ?? []).map(({ name, type }) => ({ name: table.rename.get(name) ?? name, type }))
}

/** New columns of a file come after those that were known. */
function mergedSource(known: readonly string[], columns: readonly string[]): readonly string[] {
  const added = columns.filter((name) => !known.includes(name))
  return added.length === 0 ? known : [...known, ...added]
}

/** What is staged of a file, or of several that are read by one plan. */
export function stagedRows(
  { kind }: Pick<LandingFile, 'kind'>,
  plan: ReadPlan,
  relation: string,
): Omit<StagedFile, 'key' | 'place'> {
  return {
    kind: kind === 'load' ? 'load' : 'cdc',
    relation,
    columns: plan.columns.map((column) => column.name),
    rows: plan.rowCount,
    beforeKey: new Map(plan.before.map(({ name }) => [name, beforeName(name)])),
  }
}

function quarantined(
  file: LandingFile,
  opened: OpenedFile,
  plan: ReadPlan,
  reject: Awaited<ReturnType<typeof readRows>>['rejects'][number],
): Omit<QuarantinedRow, 'id' | 'batch' | 'generation'> {
  const { row, line, column, text, reason, raw, encoding } = reject
  return {
    file: file.key,
    row,
    reason,
    raw,
    encoding,
    fields: plan.fieldNames,
    kind: file.kind,
    format: opened.format,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(text === undefined ? {} : { text }),
  }
}

function warn({ options, table }: TableRun, message: string): void {
  options.onEvent?.({ kind: 'warning', table: table.name, message })
}
