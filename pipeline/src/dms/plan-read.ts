// What to read from a landing file: its layout, and a type for each column. Decided before a row is read, so that the
// table's schema can grow first.
import { type Engine, quoteFileName } from '@tributary/delta'
import type { TableConfig } from '../config/config.ts'
import type { S3Settings } from '../config/s3-settings.ts'
import type { ColumnType } from '../config/table-settings.ts'
import { landingFileCorrupt, schemaMismatch } from '../errors.ts'
import { readHeadRecords, readRecords } from './csv-records.ts'
import { detectCsvLayout, type Layout, namedLayout } from './detect-layout.ts'
import type { LayoutFacts } from './layout-facts.ts'
import type { OpenedFile } from './open-file.ts'
import { isWidening, typeOfParquet } from './parquet-types.ts'

/** A column of the source as the table knows it. */
export interface SourceColumn {
  readonly name: string
  readonly type: ColumnType
}

/** What the table brings to the reading of a file. */
export interface ReadContext {
  readonly table: Pick<
    TableConfig,
    'name' | 'schema' | 'table' | 'key' | 'columns' | 'sequence' | 'rename' | 'keepOnNull' | 'partitionBy'
  >
  readonly settings: S3Settings
  readonly kind: 'load' | 'cdc' | 'transactions'
  /** The source columns that the table has so far, in order; undefined before its first file. */
  readonly known: readonly SourceColumn[] | undefined
  /** The table's own columns by their names in lower case: what is stored decides how a column is spelled and read. */
  readonly stored?: ReadonlyMap<string, SourceColumn>
  /** Number of fields of the table's headerless files of this kind so far. */
  readonly seenWidth?: number | undefined
  /** A column that went while another came has been agreed to. */
  readonly isSchemaAccepted?: boolean
}

/** One column to read. */
export interface ReadColumn {
  readonly source: string
  /** Name in the table. */
  readonly name: string
  readonly type: ColumnType
  /** The record's field, from 0. */
  readonly field: number
  /** DuckDB's type of the column in a Parquet file; undefined for text. */
  readonly fileType: string | undefined
}

/** How a file will be read. */
export interface ReadPlan {
  readonly context: ReadContext
  readonly hasHeader: boolean
  /** Names of the record's fields in file order; a before image is `BI_x`. */
  readonly fieldNames: readonly string[]
  readonly opField: number | undefined
  readonly columns: readonly ReadColumn[]
  /** Before images of key columns; `name` is the key column's. */
  readonly before: readonly ReadColumn[]
  /** Source columns that are new to the table. */
  readonly added: readonly SourceColumn[]
  /** Source columns of the table that the file lacks. */
  readonly missing: readonly string[]
  /** Columns for which the Parquet file has a wider type than the table: widen, then plan again. */
  readonly widened: readonly { readonly name: string; readonly from: ColumnType; readonly to: ColumnType }[]
  /** Records of this table by the independent count, the header left out. */
  readonly rowCount: number
  /** A timestamp of the first records has more than six digits of fraction. */
  readonly hasLongFractions: boolean
  readonly warnings: readonly string[]
}

const SAMPLE_RECORDS = 200

/** Plans the reading of a file. Throws `SCHEMA_MISMATCH`, `COLUMNS_UNKNOWN`, `LAYOUT_AMBIGUOUS` and `LANDING_FILE_CORRUPT`. */
export async function planRead(engine: Engine, file: OpenedFile, context: ReadContext): Promise<ReadPlan> {
  assertWhole(file)
  const facts = factsOf(file.key, context)
  if (file.format === 'parquet') return planParquet(engine, file, context, facts)
  const isTransactions = context.kind === 'transactions'
  const sample = isTransactions ? await sampleTransactions(file, context) : await sampleRecords(file)
  const layout = detectCsvLayout(sample, facts)
  // In a transaction record the table and the schema follow the op.
  const shift = isTransactions ? 2 : 0
  const types = typesOf(context)
  const plan = assemble(
    context,
    layout,
    facts,
    (name) => ({ type: types(name) ?? 'string', fileType: undefined }),
    shift,
  )
  const counted = isTransactions ? (file.count.byTable.get(context.table.name) ?? 0) : file.count.records
  return {
    ...plan,
    rowCount: Math.max(0, counted - (layout.hasHeader ? 1 : 0)),
    hasLongFractions: sample.some((row) => row.some((text) => /:[0-9]{2}\.[0-9]{7,}$/.test(text))),
  }
}

function assertWhole(file: OpenedFile): void {
  if (file.count.hasUnclosedQuote) throw landingFileCorrupt(file.key, 'a quoted field has no end')
  if (!file.count.isTerminated)
    throw landingFileCorrupt(file.key, 'no row delimiter follows the last record, so the file may be cut')
  // Such a record belongs to no table, so no table could put it into quarantine.
  const stray = [...file.count.byTable.keys()].find((name) => name.startsWith('.'))
  if (stray !== undefined) throw landingFileCorrupt(file.key, 'a record has no table and schema')
}

function factsOf(key: string, context: ReadContext): LayoutFacts {
  const { table, settings, kind } = context
  const inSource = new Map([...table.rename].map(([source, name]) => [name, source]))
  const known = context.known ?? table.columns
  return {
    key,
    table: table.name,
    settings,
    isLoad: kind === 'load',
    known: known?.map((column) => column.name),
    listed: table.columns?.map((column) => column.name) ?? [],
    keyColumns: table.key.map((name) => inSource.get(name) ?? name),
    sequence: table.sequence === undefined ? undefined : (inSource.get(table.sequence) ?? table.sequence),
    looksLikeKey: (column, text) => looksLike(known?.find(({ name }) => name === column)?.type ?? 'string', text),
    seenWidth: context.seenWidth,
    isSchemaAccepted: context.isSchemaAccepted === true,
  }
}

function looksLike(type: ColumnType, text: string): boolean {
  switch (type) {
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return /^[+-]?[0-9]+$/.test(text)
    case 'string':
    case 'binary':
    case 'boolean':
      return true
    case 'date':
    case 'timestamp':
    case 'timestamp_ntz':
      return /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text)
    default:
      return /^[+-]?[0-9]/.test(text)
  }
}

async function sampleRecords(file: OpenedFile): Promise<readonly (readonly string[])[]> {
  const head = await readHeadRecords(file, SAMPLE_RECORDS)
  if (head !== undefined) return head
  const sample: string[][] = []
  for await (const { fields } of readRecords(file.path, file.dialect, { recordsMax: SAMPLE_RECORDS }))
    sample.push(fields.map(({ bytes }) => bytes.toString('utf8')))
  return sample
}

async function sampleTransactions(file: OpenedFile, { table }: ReadContext): Promise<readonly (readonly string[])[]> {
  const sample: string[][] = []
  for await (const { fields } of readRecords(file.path, file.dialect)) {
    const [op = '', name, schema, ...values] = fields.map(({ bytes }) => bytes.toString('utf8'))
    if (name === table.table && schema === table.schema) sample.push([op, ...values])
    if (sample.length === SAMPLE_RECORDS) break
  }
  return sample
}

async function planParquet(
  engine: Engine,
  file: OpenedFile,
  context: ReadContext,
  facts: LayoutFacts,
): Promise<ReadPlan> {
  const described = await engine
    .all(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(${quoteFileName(file.path)}))`)
    .catch((cause: unknown) => {
      throw landingFileCorrupt(file.key, 'DuckDB cannot open the Parquet file', { cause })
    })
  const fileTypes = new Map(described.map((row) => [String(row['column_name']), String(row['column_type'])]))
  const layout = namedLayout([...fileTypes.keys()], facts)
  const types = typesOf(context)
  const plan = assemble(context, layout, facts, (name, field) => {
    const fileType = fileTypes.get(field)
    const type = typeOfParquet(fileType ?? '')
    if (type === undefined)
      throw schemaMismatch(
        file.key,
        context.table.name,
        `column ${name} has the Parquet type ${fileType}, which has no place in a table of DMS rows`,
      )
    return { type: types(name) ?? type, fileType }
  })
  const widened = plan.columns.flatMap((column) => {
    const to = typeOfParquet(column.fileType ?? '')
    const from = types(column.source)
    return from !== undefined && to !== undefined && isWidening(from, to) ? [{ name: column.name, from, to }] : []
  })
  return { ...plan, widened, rowCount: file.count.records, hasLongFractions: false }
}

/** The type that a column of the source has already: in the table, else in what is known of it, else by the settings. */
function typesOf(context: ReadContext): (source: string) => ColumnType | undefined {
  const types = new Map(
    [...(context.table.columns ?? []), ...(context.known ?? [])].map(({ name, type }) => [name, type]),
  )
  return (source) => storedColumn(context, source)?.type ?? types.get(source)
}

function storedColumn({ table, stored }: ReadContext, source: string): SourceColumn | undefined {
  return stored?.get((table.rename.get(source) ?? source).toLowerCase())
}

type TypeOf = (name: string, field: string) => { readonly type: ColumnType; readonly fileType: string | undefined }

function assemble(
  context: ReadContext,
  layout: Layout,
  facts: LayoutFacts,
  typeOf: TypeOf,
  shift = 0,
): Omit<ReadPlan, 'rowCount' | 'hasLongFractions'> {
  const { table } = context
  const fieldNames = layout.fields.map(({ name, role }) => (role === 'before-image' ? `BI_${name}` : name))
  const column = (source: string, at: number): ReadColumn => ({
    source,
    name: storedColumn(context, source)?.name ?? table.rename.get(source) ?? source,
    field: at === 0 ? 0 : at + shift,
    ...typeOf(source, fieldNames[at] ?? source),
  })
  const ofRole = (role: 'column' | 'before-image'): readonly ReadColumn[] =>
    layout.fields.flatMap((field, at) => (field.role === role ? [column(field.name, at)] : []))
  const columns = ofRole('column')
  const opField = layout.fields.findIndex((field) => field.role === 'op')
  const { sequence } = facts
  if (
    layout.fields.length > 0 &&
    context.kind !== 'load' &&
    sequence !== undefined &&
    columns.every((candidate) => candidate.source !== sequence)
  ) {
    throw schemaMismatch(
      facts.key,
      facts.table,
      `it lacks the sequence column ${sequence}, so its changes have no order`,
    )
  }
  return {
    context,
    hasHeader: layout.hasHeader,
    fieldNames: shift === 0 ? fieldNames : [fieldNames[0] ?? 'Op', 'table', 'schema', ...fieldNames.slice(1)],
    opField: opField === -1 ? undefined : opField,
    columns,
    before: ofRole('before-image').filter((image) => table.key.includes(image.name)),
    added: columns
      .filter(({ source }) => layout.added.includes(source))
      .map(({ source, type }) => ({ name: source, type })),
    // One that came back in other letters is not missing.
    missing: layout.missing.filter(
      (source) => !columns.some(({ name }) => name === (storedColumn(context, source)?.name ?? source)),
    ),
    widened: [],
    warnings: layout.warnings,
  }
}
