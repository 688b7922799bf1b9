// Rows become Parquet files: DuckDB's COPY, with encodings that the readers of Delta tables know.

import assert from 'node:assert/strict'
import type { Engine } from '../duckdb/engine.ts'
import { bloomFilterOptions } from '../duckdb/misjudged.ts'
import { duckdbType, quoteFileName, quoteName, quoteText } from '../duckdb/sql.ts'
import type { Row } from '../duckdb/values.ts'
import type { ColumnMappingMode } from '../protocol/column-mapping.ts'
import type { StructField, StructType } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'
import { type FileSettings, type ParquetCodec, USUAL_SETTINGS } from './file-settings.ts'
import { fieldIdsSql } from './physical-columns.ts'
import { type ExpectedRows, filesWithSplitFloats, hasFloats, isLikelyToSplit, rememberSplit } from './split-floats.ts'

// The codec is a part of the name by custom. Who sees LZ4 in it expects Hadoop's frame, which we never write.
export const FILE_WORDS: Readonly<Record<ParquetCodec, string>> = {
  gzip: 'gz.',
  lz4_raw: '',
  snappy: 'snappy.',
  uncompressed: '',
  zstd: 'zstd.',
}

/** A partition column on its way through DuckDB, which tells its text of each file. In the file's name it might be too long. */
export interface Partition {
  readonly field: StructField
  /** In files, statistics and partition values. */
  readonly physical: string
  /** In DuckDB's relation. */
  readonly alias: string
}

/** What is asked for. */
export interface CopyRequest {
  readonly relation: string
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly rows?: ExpectedRows
  readonly rowGroupRows?: number
  readonly targetFileBytes?: number
  readonly settings?: FileSettings
  readonly columnMapping?: ColumnMappingMode
}

/** How it is laid out. */
export interface CopyPlan {
  /** SQL of the columns that the files hold. */
  readonly columns: readonly string[]
  readonly partitions: readonly Partition[]
  /** A file, or a folder where several may come: a path of the store, and what DuckDB calls it. */
  readonly target: string
  readonly location: string
}

interface Place {
  readonly engine: Engine
  readonly store: Store
}

/** A path of the store: that of a file which DuckDB says it wrote. */
export function pathOf(row: Row, { target, location }: Pick<CopyPlan, 'target' | 'location'>): string {
  // Both end in the same name; what stands before it is the same for all that is written.
  const last = target.length - target.lastIndexOf('/') - 1
  return target.slice(0, target.length - last) + nameOf(row).slice(location.length - last)
}

function nameOf(row: Row): string {
  return String(row['filename'])
}

/**
 * What DuckDB tells of the files that it wrote, a row each. A file that got an encoding which Spark refuses is written once more, as
 * Parquet 1 has it.
 */
export async function copyRows(
  { engine, store }: Place,
  request: CopyRequest,
  plan: CopyPlan,
): Promise<readonly Row[]> {
  const { parquetVersion } = request.settings ?? USUAL_SETTINGS
  if (parquetVersion === 1 || !hasFloats(request.schema)) return engine.all(copySql(request, plan, parquetVersion))
  if (isLikelyToSplit(engine, store, request.rows)) return engine.all(copySql(request, plan, 1))
  const copied = await engine.all(copySql(request, plan, parquetVersion))
  const split = await filesWithSplitFloats(engine, copied.map(nameOf))
  const rows: Row[] = []
  for (const row of copied)
    rows.push(split.has(nameOf(row)) ? await copyAgain({ engine, store }, request, { row, plan }) : row)
  return rows
}

async function copyAgain(
  { engine, store }: Place,
  request: CopyRequest,
  { row, plan }: { readonly row: Row; readonly plan: CopyPlan },
): Promise<Row> {
  const again = { ...row, filename: secondName(nameOf(row)) }
  const [copied] = await engine.all(
    `COPY (FROM read_parquet(${quoteFileName(nameOf(row))}, hive_partitioning = false)) TO ${quoteText(nameOf(again))} (${fileOptions(request, 1).join(', ')})`,
  )
  assert.equal(copied?.['count'], row['count'], 'a copy has the rows of its file')
  rememberSplit(engine, store, Number(row['count']))
  await store.delete(pathOf(row, plan))
  return { ...again, ...copied, partition_keys: row['partition_keys'] ?? null }
}

/** The file that is written instead of one. */
export function secondName(name: string): string {
  return name.replace(/\.parquet$/, '-1.parquet')
}

function copySql(
  request: CopyRequest,
  { columns, partitions, location }: CopyPlan,
  parquetVersion: FileSettings['parquetVersion'],
): string {
  const { settings: { codec } = USUAL_SETTINGS } = request
  const items = [...columns, ...partitions.map(({ field, alias }) => `${partitionText(field)} AS ${quoteName(alias)}`)]
  const options = [
    ...fileOptions(request, parquetVersion),
    ...(request.targetFileBytes === undefined ? [] : [`FILE_SIZE_BYTES ${request.targetFileBytes}`]),
    ...(partitions.length === 0
      ? []
      : [`PARTITION_BY (${partitions.map(({ alias }) => quoteName(alias)).join(', ')}), HIVE_FILE_PATTERN false`]),
    ...(partitions.length === 0 && request.targetFileBytes === undefined
      ? []
      : [`FILENAME_PATTERN 'part-{i}${FILE_WORDS[codec].replace(/^(.+)\.$/, '.$1')}'`]),
  ]
  return `COPY (SELECT ${items.join(', ')} FROM (${request.relation}) t) TO ${quoteText(location)} (${options.join(', ')})`
}

/** How each file is written, whatever goes into it. */
function fileOptions(request: CopyRequest, parquetVersion: FileSettings['parquetVersion']): readonly string[] {
  const { columnMapping: mode = 'none', partitionColumns, settings: { codec } = USUAL_SETTINGS } = request
  const stored = request.schema.fields.filter(
    (field) => field.type !== 'void' && !partitionColumns.includes(field.name),
  )
  return [
    'FORMAT parquet',
    `COMPRESSION ${codec}`,
    // Level 1 takes two thirds of the time of the default 3 and packs as well (tried on orders and flights).
    ...(codec === 'zstd' ? ['COMPRESSION_LEVEL 1'] : []),
    ...(parquetVersion === 2 ? ['PARQUET_VERSION v2'] : []),
    // No DICTIONARY_SIZE_LIMIT: a third of the default saves a load 6 % of its time, and columns of ten thousand texts take three times the room.
    'RETURN_STATS',
    ...bloomFilterOptions(stored),
    ...(mode === 'none' ? [] : [`FIELD_IDS ${fieldIdsSql(stored, mode)}`]),
    ...(request.rowGroupRows === undefined ? [] : [`ROW_GROUP_SIZE ${request.rowGroupRows}`]),
  ]
}

// NULL has no spelling of its own in what DuckDB tells, so every value says by its first letter whether it is one.
function partitionText({ name, type }: StructField): string {
  const value = `CAST(t.${quoteName(name)} AS ${duckdbType(type)})`
  return `CASE WHEN ${value} IS NULL THEN 'n' ELSE 'v' || ${partitionValueText(type, value)} END`
}

function partitionValueText(type: StructField['type'], value: string): string {
  switch (type) {
    case 'timestamp':
      return `strftime(${value} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`
    case 'timestamp_ntz':
      return `strftime(${value}, '%Y-%m-%d %H:%M:%S.%f')`
    case 'binary':
      // Bytes that are no UTF-8 have no text in the log; `partitionValues` says so.
      return `hex(${value})`
    case 'float':
    case 'double':
      return `CASE WHEN isfinite(${value}) THEN CAST(${value} AS VARCHAR) WHEN isnan(${value}) THEN 'NaN' WHEN ${value} > 0 THEN 'Infinity' ELSE '-Infinity' END`
    default:
      return `CAST(${value} AS VARCHAR)`
  }
}
