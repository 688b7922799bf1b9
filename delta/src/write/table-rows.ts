import type { Clock } from '../clock.ts'
import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteName } from '../duckdb/sql.ts'
import { columnNotFound, constraintViolated, rowInvalid, TributaryError } from '../errors.ts'
import type { AddFile, Metadata } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import { encodeSchema } from '../protocol/parse-schema.ts'
import type { StructField } from '../protocol/schema.ts'
import { parseStats } from '../protocol/stats.ts'
import type { ExtraColumn } from '../read/file-rows.ts'
import type { Store } from '../store/store.ts'
import { writeDataFiles } from './data-files.ts'
import { type FileSettings, tableFileSettings } from './file-settings.ts'
import { type Identity, missingColumn, type RowCheck, type RuledTable, rowChecks } from './row-rules.ts'

/** A table that rows are written to; a snapshot is one. */
export interface TargetTable extends RuledTable {
  readonly store: Store
  /** Domain to configuration text. */
  readonly domains: ReadonlyMap<string, string>
}

/** Rows to be written by the rules of a table. */
export interface TableRows {
  /** A SELECT of the table's columns by name, without regard to case; a column that is left out gets its default, or NULL. */
  readonly relation: string
  /** Columns of the relation that the schema does not know, to be written all the same. */
  readonly extraColumns?: readonly ExtraColumn[]
  readonly targetFileBytes?: number
}

/** Files that hold the rows, and the metadata that has to change with them: identity columns remember how far they counted. */
export interface WrittenRows {
  readonly adds: readonly AddFile[]
  /** How many rows they are. */
  readonly count: number
  readonly metadata: Metadata | undefined
}

/**
 * Write rows as data files of a table, by its rules: missing columns get defaults, generated values and identities, every row is checked.
 * Values are cast to the columns' types, as an INSERT does. Throws `CONSTRAINT_VIOLATED`, `EXPRESSION_UNSUPPORTED`, `COLUMN_NOT_FOUND`,
 * `ROW_INVALID`, and what `writeDataFiles` throws.
 */
export async function writeTableRows(
  engine: Engine,
  clock: Clock,
  table: TargetTable,
  rows: TableRows,
): Promise<WrittenRows> {
  const checks = rowChecks(table)
  const prepared = await prepareRows(engine, table, rows, checks)
  const adds = await checked(checks, () =>
    writeDataFiles(engine, table.store, clock, {
      ...dataFilesOf(table),
      relation: prepared.relation,
      ...(rows.extraColumns === undefined ? {} : { extraColumns: rows.extraColumns }),
      ...(rows.targetFileBytes === undefined ? {} : { targetFileBytes: rows.targetFileBytes }),
    }),
  )
  const count = adds.reduce((sum, add) => sum + (parseStats(add.stats)?.numRecords ?? 0), 0)
  return { adds, count, metadata: countedMetadata(table, prepared.identities, count) }
}

/** Rows in a temporary table of the engine, complete and checked, ready to be written as they are. */
export interface StagedRows {
  readonly relation: string
  readonly count: number
  readonly metadata: Metadata | undefined
}

/** As `writeTableRows`, but the rows stay in the engine: for those who have to look at them before they are written. */
export async function stageTableRows(engine: Engine, table: TargetTable, rows: TableRows): Promise<StagedRows> {
  const checks = rowChecks(table)
  const prepared = await prepareRows(engine, table, rows, checks)
  const name = nextTable()
  await checked(checks, () => engine.run(`CREATE TEMP TABLE ${name} AS ${prepared.relation}`))
  const [row] = await engine.all(`SELECT count(*) AS n FROM temp.${name}`)
  const count = Number(row?.['n'])
  return { relation: `SELECT * FROM temp.${name}`, count, metadata: countedMetadata(table, prepared.identities, count) }
}

let tables = 0

// Only the name has to be new: the table is private to its connection.
function nextTable(): string {
  tables += 1
  return `tributary_staged_${tables}`
}

/** How the data files of a table are written: its columns, names and statistics. */
export function dataFilesOf({ protocol, metadata, schema, domains }: TargetTable): {
  readonly schema: TargetTable['schema']
  readonly partitionColumns: readonly string[]
  readonly columnMapping: ReturnType<typeof columnMappingMode>
  readonly settings: FileSettings
} {
  return {
    schema,
    partitionColumns: metadata.partitionColumns,
    columnMapping: columnMappingMode({ protocol, metadata }),
    settings: tableFileSettings({ metadata, domains }),
  }
}

interface PreparedRows {
  readonly relation: string
  /** Columns that got identities, each row the next one. */
  readonly identities: readonly { readonly field: StructField; readonly identity: Identity }[]
}

async function prepareRows(
  engine: Engine,
  table: TargetTable,
  { relation, extraColumns = [] }: TableRows,
  checks: readonly RowCheck[],
): Promise<PreparedRows> {
  const given = await describeColumns(engine, relation)
  const extra = new Set(extraColumns.map(({ name }) => name))
  assertKnown(
    table,
    [...given.values()].filter((name) => !extra.has(name)),
  )
  const identities: { readonly field: StructField; readonly identity: Identity }[] = []
  const [columns, generated]: [string[], string[]] = [[], []]
  for (const field of table.schema.fields) {
    const name = given.get(field.name.toLowerCase())
    const missing = missingColumn(table, field)
    if (name !== undefined) {
      if (missing.kind === 'identity' && !missing.identity.allowsExplicit)
        throw rowInvalid(`the rows bring values for ${field.name}, which the table counts by itself`)
      columns.push(`CAST(s.${quoteName(name)} AS ${duckdbType(field.type)}) AS ${quoteName(field.name)}`)
    } else if (missing.kind === 'identity') {
      identities.push({ field, identity: missing.identity })
      columns.push(`${identitySql(missing.identity)} AS ${quoteName(field.name)}`)
    } else if (missing.kind === 'generated') generated.push(`${missing.sql} AS ${quoteName(field.name)}`)
    else columns.push(`${missing.sql} AS ${quoteName(field.name)}`)
  }
  const items = [...columns, ...extraColumns.map(({ name }) => `s.${quoteName(name)}`)]
  const base = `SELECT ${items.join(', ')} FROM (${relation}) s`
  const complete = generated.length === 0 ? base : `SELECT t.*, ${generated.join(', ')} FROM (${base}) t`
  return { relation: checks.length === 0 ? complete : checkedSql(complete, checks), identities }
}

/** The columns of a relation, by lower-case name. */
async function describeColumns(engine: Engine, relation: string): Promise<ReadonlyMap<string, string>> {
  const columns = await engine.all(`DESCRIBE SELECT * FROM (${relation}) s`)
  const found = new Map<string, string>()
  for (const column of columns) {
    const name = String(column['column_name'])
    if (found.has(name.toLowerCase())) throw rowInvalid(`the rows bring the column ${JSON.stringify(name)} twice`)
    found.set(name.toLowerCase(), name)
  }
  return found
}

function assertKnown({ schema }: TargetTable, names: readonly string[]): void {
  const known = new Set(schema.fields.map(({ name }) => name.toLowerCase()))
  const unknown = names.find((name) => !known.has(name.toLowerCase()))
  if (unknown !== undefined)
    throw columnNotFound(
      unknown,
      schema.fields.map(({ name }) => name),
    )
}

function identitySql({ start, step, highWaterMark }: Identity): string {
  const first = highWaterMark === undefined ? start : highWaterMark + step
  // A sum that leaves 64 bits is an error of the engine, so an overflow writes nothing.
  return `CAST(${first} + ${step} * (row_number() OVER () - 1) AS BIGINT)`
}

function countedMetadata(
  { metadata, schema }: TargetTable,
  identities: PreparedRows['identities'],
  count: number,
): Metadata | undefined {
  if (identities.length === 0 || count === 0) return undefined
  const marks = new Map(identities.map(({ field, identity }) => [field.name, lastIdentity(identity, count)]))
  const fields = schema.fields.map((field) => {
    const mark = marks.get(field.name)
    return mark === undefined
      ? field
      : { ...field, metadata: { ...field.metadata, 'delta.identity.highWaterMark': mark } }
  })
  return { ...metadata, schemaString: encodeSchema({ type: 'struct', fields }) }
}

// Beyond 2^53 a JSON number of ours would be rounded, and the mark would lie.
function lastIdentity({ start, step, highWaterMark }: Identity, count: number): number {
  const last = (highWaterMark ?? start - step) + step * BigInt(count)
  if (last > BigInt(Number.MAX_SAFE_INTEGER) || last < BigInt(Number.MIN_SAFE_INTEGER))
    throw rowInvalid(`an identity column has reached ${last}, beyond what can be counted on`)
  return Number(last)
}

const MARKER = 'tributary broken rule '

function checkedSql(relation: string, checks: readonly RowCheck[]): string {
  const conditions = checks.map(
    ({ sql }, index) =>
      `CASE WHEN (${sql}) IS TRUE THEN true ELSE error('${MARKER}${index}: ' || CAST(t AS VARCHAR)) END`,
  )
  return `SELECT t.* FROM (${relation}) t WHERE ${conditions.join(' AND ')}`
}

async function checked<T>(checks: readonly RowCheck[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const text = cause instanceof TributaryError && cause.cause instanceof Error ? cause.cause.message : ''
    const [, index, row = ''] = new RegExp(`${MARKER}(\\d+): ([^]*)$`).exec(text) ?? []
    const rule = index === undefined ? undefined : checks[Number(index)]?.rule
    throw rule === undefined ? cause : constraintViolated(rule, row.slice(0, ROW_TEXT_MAX), { cause })
  }
}

const ROW_TEXT_MAX = 500
