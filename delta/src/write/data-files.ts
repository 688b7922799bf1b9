import type { Clock } from '../clock.ts'
import { attachStore } from '../duckdb/attach-store.ts'
import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import type { EngineValue, Row } from '../duckdb/values.ts'
import type { AddFile } from '../protocol/actions.ts'
import { type ColumnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { encodePartitionValue } from '../protocol/partition-values.ts'
import { encodePath } from '../protocol/paths.ts'
import type { StructType } from '../protocol/schema.ts'
import { encodeStats } from '../protocol/stats.ts'
import type { ExtraColumn } from '../read/file-rows.ts'
import { rememberWritten } from '../read/file-shapes.ts'
import type { Store } from '../store/store.ts'
import { type CopyPlan, copyRows, FILE_WORDS, type Partition, pathOf, secondName } from './copy-rows.ts'
import { type FileSettings, USUAL_SETTINGS } from './file-settings.ts'
import { collectStats, readExtraCounts, type WrittenColumns } from './file-stats.ts'
import { indexedLeaves } from './indexed-leaves.ts'
import { physicalValueSql } from './physical-columns.ts'
import type { ExpectedRows } from './split-floats.ts'

/** What to write. */
export interface DataFilesRequest {
  /** A SELECT that gives at least the schema's columns by name; it runs once, and its order is the order of the rows in the files. */
  readonly relation: string
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  /** Columns of the relation to write that the schema does not know: readers ignore them, and they get no statistics. */
  readonly extraColumns?: readonly ExtraColumn[]
  /** Texts of extra columns that are the same in all rows: the relation need not have these columns. */
  readonly constants?: ReadonlyMap<string, string>
  /** No floating-point value of the relation is NaN. Unless that is known, each file that has such columns is read again to find out. */
  readonly hasNoNan?: boolean
  /** About how many rows there are, if they are more than a batch brings: what decides whether newer encodings are worth a try. */
  readonly rows?: ExpectedRows
  readonly rowGroupRows?: number
  /** Start another file when one has about this size; without it, one file a partition. */
  readonly targetFileBytes?: number
  /** How the table wants its files; zstd and statistics of the first 32 leaf columns if it is left out. */
  readonly settings?: FileSettings
  /** How the table's files name their columns; `none` if it is left out. */
  readonly columnMapping?: ColumnMappingMode
  /** Where the files go, with a closing slash; the table's root if it is left out. */
  readonly folder?: string
}

/**
 * Write rows as durable Parquet files with full statistics; they are part of no version until their adds are committed.
 * No rows, no file; and none stays where something is thrown. Throws `ENGINE_FAILED`, `ENGINE_OUT_OF_MEMORY`, `DISK_FULL`,
 * `COLUMN_TYPE_UNSUPPORTED`.
 */
export async function writeDataFiles(
  engine: Engine,
  store: Store,
  clock: Clock,
  request: DataFilesRequest,
): Promise<AddFile[]> {
  const { folder = '', settings = USUAL_SETTINGS } = request
  const partitions = partitionsOf(request)
  const name = `${folder}part-${clock.uuid()}`
  const isFolder = partitions.length > 0 || request.targetFileBytes !== undefined
  const target = isFolder ? name : `${name}.${FILE_WORDS[settings.codec]}parquet`
  await attachStore(engine, store)
  const location = await store.locate(target)
  try {
    return await writeTo({ engine, store }, request, { partitions, target, location })
  } catch (error) {
    // Nobody else knows of the files. Of those that cannot be deleted either, what went wrong before is of more use to tell.
    await (isFolder ? deleteBelow(store, target) : deleteCopies(store, target)).catch(() => {})
    throw error
  }
}

async function writeTo(
  { engine, store }: { readonly engine: Engine; readonly store: Store },
  request: DataFilesRequest,
  { partitions, target, location }: Pick<CopyPlan, 'partitions' | 'target' | 'location'>,
): Promise<AddFile[]> {
  const { columnMapping: mode = 'none', settings = USUAL_SETTINGS } = request
  const logical = request.schema.fields.filter((field) => !request.partitionColumns.includes(field.name))
  const extraColumns = request.extraColumns ?? []
  const stored = logical
    .filter((field) => field.type !== 'void')
    .map((field) => `${physicalValueSql(field, mode)} AS ${quoteName(physicalName(field, mode))}`)
  const columns = [...stored, ...extraColumns.map((column) => extraSql(column, request.constants?.get(column.name)))]
  // A text that is the same in all rows is stored as any other.
  const shape = [...stored, ...extraColumns.map((column) => extraSql(column))].join(', ')
  const copied = await copyRows({ engine, store }, request, { columns, partitions, target, location })
  const written = copied.filter((row) => row['count'] !== 0n)
  for (const row of copied) {
    if (row['count'] === 0n) await store.delete(pathOf(row, { target, location }))
  }
  const indexed = indexedLeaves(logical, settings.indexed, mode)
  const extra = await readExtraCounts(
    engine,
    written.map((row) => String(row['filename'])),
    { columns: indexed, hasNoNan: request.hasNoNan === true },
  )
  const adds: AddFile[] = []
  for (const [index, row] of written.entries()) {
    const path = pathOf(row, { target, location })
    const entry = await store.sync(path)
    rememberWritten(engine, String(row['filename']), shape)
    adds.push({
      path: encodePath(path),
      partitionValues: partitionValues(partitions, row),
      size: entry.sizeBytes,
      modificationTime: entry.modifiedMs,
      dataChange: true,
      stats: encodeStats(collectStats(indexed, writtenColumns(row, extra[index]))),
    })
  }
  return adds
}

async function deleteBelow(store: Store, folder: string): Promise<void> {
  for await (const { path } of store.list(`${folder}/`)) await store.delete(path)
}

async function deleteCopies(store: Store, path: string): Promise<void> {
  await Promise.allSettled([store.delete(path), store.delete(secondName(path))])
}

// DuckDB looks each text up in a dictionary, which an enum brings along; both are the same in Parquet.
function extraSql({ name, type }: ExtraColumn, constant?: string): string {
  const value =
    constant === undefined
      ? `CAST(t.${quoteName(name)} AS ${duckdbType(type)})`
      : `CAST(${quoteText(constant)} AS ENUM(${quoteText(constant)}))`
  return `${value} AS ${quoteName(name)}`
}

// The log alone says which values a file has. What DuckDB partitions by must not meet a column's name.
function partitionsOf(request: DataFilesRequest): readonly Partition[] {
  const { columnMapping: mode = 'none', extraColumns = [], schema } = request
  const taken = [...schema.fields.map((field) => physicalName(field, mode)), ...extraColumns.map(({ name }) => name)]
  let prefix = 'tributary_p'
  while (taken.some((name) => name.toLowerCase().startsWith(prefix))) prefix += 'p'
  return request.partitionColumns.flatMap((name, index) => {
    const field = schema.fields.find((candidate) => candidate.name === name)
    return field === undefined ? [] : [{ field, physical: physicalName(field, mode), alias: `${prefix}${index}` }]
  })
}

function partitionValues(partitions: readonly Partition[], row: Row): Readonly<Record<string, string | null>> {
  const texts = new Map(entriesOf(row['partition_keys']))
  return Object.fromEntries(
    partitions.map(({ field, physical, alias }) => {
      const text = String(texts.get(alias) ?? 'n').slice(1)
      const value = field.type === 'binary' ? encodePartitionValue('binary', Buffer.from(text, 'hex')) : text
      // An empty text means NULL to some readers and not to others, so it is never written.
      return [physical, value === '' ? null : value]
    }),
  )
}

function writtenColumns(row: Row, extra: WrittenColumns['extra']): WrittenColumns {
  const columns = new Map(
    entriesOf(row['column_statistics']).map(([name, stats]) => [
      name,
      new Map(entriesOf(stats).map(([stat, text]) => [stat, String(text)])),
    ]),
  )
  return { count: Number(row['count']), columns, extra }
}

/** The entries of a DuckDB map. */
function entriesOf(map: EngineValue | undefined): readonly (readonly [string, EngineValue])[] {
  if (!Array.isArray(map)) return []
  return map.map((entry: EngineValue) => {
    const pair =
      entry !== null && typeof entry === 'object' && 'key' in entry && 'value' in entry
        ? entry
        : { key: '', value: null }
    return [String(pair.key), pair.value ?? null]
  })
}
