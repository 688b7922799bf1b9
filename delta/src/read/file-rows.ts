// Rows of Parquet files as one SELECT: some whole, some without their deleted rows, some only at given positions.

import { attachStore } from '../duckdb/attach-store.ts'
import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteFileName, quoteName, quoteText } from '../duckdb/sql.ts'
import { type ColumnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { usesType } from '../protocol/parse-schema.ts'
import { parsePartitionValue } from '../protocol/partition-values.ts'
import type { DataType, StructField } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'
import type { DeadBits } from './dead-bits.ts'
import { planColumns, type WantedColumn } from './file-columns.ts'
import { type FileShape, readFileShapes } from './file-shapes.ts'
import { readableName } from './inflate-file.ts'
import { locateFile } from './locate-file.ts'
import { assertNamesFree } from './reserved-names.ts'
import { bitsOfScan, type RowChoice, rowFilter } from './row-filter.ts'

export interface FileRows {
  /** As the log spells it. */
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly rows: RowChoice
  /** How many rows it has, where that is known. */
  readonly records?: number | undefined
  /** Values of the request's `constants` for this file, as SQL. */
  readonly constants?: readonly string[]
}

export interface FileRowsRequest {
  readonly files: readonly FileRows[]
  /** The columns to give out, in order. */
  readonly fields: readonly StructField[]
  /** By the names in the schema. */
  readonly partitionColumns: readonly string[]
  /** How files and partition values name the columns. */
  readonly mapping: ColumnMappingMode
  /** Parquet columns that the schema does not know; NULL where a file has none. */
  readonly extraColumns?: readonly ExtraColumn[]
  /** Further columns that are the same for all rows of a file: `{ name, type }` with DuckDB's type. */
  readonly constants?: readonly { readonly name: string; readonly type: string }[]
  /** Add `__path` (the log's spelling) and `__position` (the physical row, BIGINT). */
  readonly withPlace?: boolean
  /** Of a file alone: its rows come in their order. */
  readonly keepsOrder?: boolean
}

export interface ExtraColumn {
  readonly name: string
  readonly type: DataType
}

/** A SELECT over files of a table. Puts temporary tables on the engine; they go when it is closed. Throws `COLUMN_NAME_RESERVED`. */
export async function fileRowsSql(engine: Engine, store: Store, request: FileRowsRequest): Promise<string> {
  const { extraColumns = [], constants = [], withPlace } = request
  const ours = [...extraColumns, ...constants].map(({ name }) => name)
  assertNamesFree(request.fields, withPlace === true ? [...ours, '__path', '__position'] : ours)
  if (request.files.length === 0) return emptySql(request)
  await attachStore(engine, store)
  const names = await Promise.all(
    request.files.map(async ({ path }) =>
      readableName(engine, store, { logPath: path, name: await locateFile(store, path) }),
    ),
  )
  const shapes = await readFileShapes(engine, names, {
    fieldIds: request.mapping === 'id',
    variants: request.fields.some((field) => usesType(field.type, 'variant')),
  })
  const data = dataColumns(request)
  const bits = bitsOfScan(engine)
  const branches: string[] = []
  for (const shape of shapes) {
    const plan = planColumns(shape, data, request.files[shape.members[0] ?? 0]?.path ?? '')
    const byKind = Map.groupBy(shape.members, (member) => request.files[member]?.rows.kind)
    for (const members of [...byKind.values()].flatMap((each) => largeAlone(each, request.files))) {
      const files = members.flatMap((member) => request.files[member] ?? [])
      const list = members.map((member) => quoteFileName(names[member] ?? '')).join(', ')
      const source = `read_parquet([${list}], hive_partitioning = false${plan.options})`
      const pathSql =
        request.withPlace === true
          ? pathSqlOf(
              shape,
              files,
              members.map((member) => names[member] ?? ''),
            )
          : undefined
      branches.push(await branchSql(engine, request, { files, source, expressions: plan.expressions, pathSql, bits }))
    }
  }
  await bits.handOver()
  return branches.join('\nUNION ALL ')
}

// Up to so many large files are scanned each by itself, where leaving rows out costs least; of more the plan would cost more.
const ALONE_MAX = 32
const ALONE_RECORDS_MIN = 200_000

function largeAlone(members: readonly number[], files: readonly FileRows[]): readonly (readonly number[])[] {
  const recordsOf = (member: number): number => {
    const file = files[member]
    return file === undefined || file.rows.kind === 'all' ? 0 : (file.records ?? 0)
  }
  const large = members.filter((member) => recordsOf(member) >= ALONE_RECORDS_MIN)
  const alone = new Set(large.toSorted((left, right) => recordsOf(right) - recordsOf(left)).slice(0, ALONE_MAX))
  const rest = members.filter((member) => !alone.has(member))
  return [...[...alone].map((member) => [member]), ...(rest.length === 0 ? [] : [rest])]
}

function isInFile(request: FileRowsRequest, field: StructField): boolean {
  return field.type !== 'void' && !request.partitionColumns.includes(field.name)
}

function dataColumns(request: FileRowsRequest): readonly WantedColumn[] {
  const fields = request.fields.filter((field) => isInFile(request, field))
  return [
    ...fields.map((field) => ({ field, mode: request.mapping })),
    ...(request.extraColumns ?? []).map(({ name, type }) => ({
      field: { name, type, nullable: true, metadata: {} },
      mode: 'none' as const,
    })),
  ]
}

interface Branch {
  readonly files: readonly FileRows[]
  readonly source: string
  /** SQL of each data field over `r`, in the order of `dataColumns`. */
  readonly expressions: readonly string[]
  /** SQL of the file's path over `r`, where its name tells it. */
  readonly pathSql: string | undefined
  readonly bits: DeadBits
}

async function branchSql(
  engine: Engine,
  request: FileRowsRequest,
  { files, source, expressions, pathSql, bits }: Branch,
): Promise<string> {
  const constants = fileConstants(request, pathSql === undefined)
  const literals = files.map((file) => constants.map((constant) => constant.valueOf(file)))
  const isShared = constants.map((_, index) => literals.every((row) => row[index] === literals[0]?.[index]))
  const join = isShared.includes(false) ? joinSql(constants, literals) : ''
  const constantSql = constants.map(({ type }, index) =>
    isShared[index] === true ? `CAST(${literals[0]?.[index] ?? 'NULL'} AS ${type})` : `f.k${index}`,
  )
  const data = expressions.values()
  const place = constantSql.values()
  const items = [
    ...request.fields.map((field) => [
      isInFile(request, field) ? data.next().value : field.type === 'void' ? 'NULL::INTEGER' : place.next().value,
      field.name,
    ]),
    ...(request.extraColumns ?? []).map(({ name }) => [data.next().value, name]),
    ...(request.constants ?? []).map(({ name }) => [place.next().value, name]),
    ...(request.withPlace === true
      ? [
          [pathSql ?? place.next().value, '__path'],
          ['r.file_row_number', '__position'],
        ]
      : []),
  ]
  const select = items.map(([sql, name]) => `${sql} AS ${quoteName(name ?? '')}`).join(', ')
  return `SELECT ${select} FROM ${source} AS r${join}${await rowFilter(
    engine,
    files.map(({ rows }) => rows),
    { bits, keepsOrder: request.keepsOrder === true },
  )}`
}

interface FileConstant {
  readonly type: string
  readonly valueOf: (file: FileRows) => string
}

function fileConstants(request: FileRowsRequest, withPath: boolean): readonly FileConstant[] {
  const partitions = request.fields.filter(
    (field) => field.type !== 'void' && request.partitionColumns.includes(field.name),
  )
  return [
    ...partitions.map((field) => {
      const name = physicalName(field, request.mapping)
      const literalOf = (file: FileRows): string => partitionLiteral(field.type, partitionText(file, name))
      return { type: duckdbType(field.type), valueOf: literalOf }
    }),
    ...(request.constants ?? []).map(({ type }, index) => ({
      type,
      valueOf: (file: FileRows) => file.constants?.[index] ?? 'NULL',
    })),
    ...(request.withPlace === true && withPath
      ? [{ type: 'VARCHAR', valueOf: (file: FileRows) => quoteText(file.path) }]
      : []),
  ]
}

function partitionText(file: FileRows, name: string): string | null {
  return Object.hasOwn(file.partitionValues, name) ? (file.partitionValues[name] ?? null) : null
}

function partitionLiteral(type: DataType, text: string | null): string {
  const value = parsePartitionValue(type, text)
  if (value === null || text === null) return 'NULL'
  return value instanceof Uint8Array ? `encode(${quoteText(text)})` : quoteText(String(value))
}

/** The end of the file's name, when all names are the paths behind one prefix: DuckDB cuts it once a batch, where a join costs each row. */
function pathSqlOf(shape: FileShape, files: readonly FileRows[], names: readonly string[]): string | undefined {
  const prefix = names[0]?.slice(0, -(files[0]?.path.length ?? 0)) ?? ''
  const isPlain = files.every(({ path }, index) => names[index] === `${prefix}${path}`)
  // A column of that name would hide DuckDB's own.
  const isHidden = shape.columns.some(({ name }) => name.toLowerCase() === 'filename')
  return isPlain && !isHidden ? `substr(r.filename, ${[...prefix].length + 1})` : undefined
}

function joinSql(constants: readonly FileConstant[], literals: readonly (readonly string[])[]): string {
  const rows = literals.map((row, index) => `(${[index, ...row].join(', ')})`).join(', ')
  const columns = constants.map(({ type }, index) => `CAST(k${index} AS ${type}) AS k${index}`)
  const names = constants.map((_, index) => `k${index}`)
  return ` JOIN (SELECT CAST(i AS UBIGINT) AS i, ${columns.join(', ')} FROM (VALUES ${rows}) v(i, ${names.join(', ')})) AS f ON f.i = r.file_index`
}

function emptySql(request: FileRowsRequest): string {
  const columns = [
    ...request.fields.map(({ name, type }) => [duckdbType(type), name]),
    ...(request.extraColumns ?? []).map(({ name, type }) => [duckdbType(type), name]),
    ...(request.constants ?? []).map(({ name, type }) => [type, name]),
    ...(request.withPlace === true
      ? [
          ['VARCHAR', '__path'],
          ['BIGINT', '__position'],
        ]
      : []),
  ]
  return `SELECT ${columns.map(([type, name]) => `CAST(NULL AS ${type}) AS ${quoteName(name ?? '')}`).join(', ')} WHERE false`
}
