import { recallDeletionVector } from '../deletion-vectors/recall.ts'
import type { Engine } from '../duckdb/engine.ts'
import { columnNotFound } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import type { StructField, StructType } from '../protocol/schema.ts'
import { parseStats } from '../protocol/stats.ts'
import type { Store } from '../store/store.ts'
import { type ExtraColumn, type FileRows, fileRowsSql } from './file-rows.ts'

const READS_AT_ONCE = 16

/** What of a table is wanted. */
export interface ScanOptions {
  /** Only these columns, in this order. */
  readonly columns?: readonly string[]
  /** Only these files of the snapshot. */
  readonly files?: readonly AddFile[]
  /** Add `__path` (as the log spells it) and `__position` (the physical row, BIGINT). */
  readonly withPlace?: boolean
  /** Parquet columns outside of the table's schema, NULL where a file has none. */
  readonly extraColumns?: readonly ExtraColumn[]
}

/**
 * A SELECT of the table's live rows, to be used as `FROM (…) t`: the schema's columns in order and in its types, NULL where a file has none,
 * partition values from the log. Puts temporary tables on the engine: fork it for a piece of work and close the fork afterwards.
 * Throws `DATA_FILE_MISSING`, `DELETION_VECTOR_CORRUPT`, `COLUMN_NOT_FOUND`, `COLUMN_TYPE_UNSUPPORTED`.
 */
export async function scanSql(engine: Engine, snapshot: Snapshot, options: ScanOptions = {}): Promise<string> {
  const files: FileRows[] = []
  const wanted = options.files ?? snapshot.files
  for (let start = 0; start < wanted.length; start += READS_AT_ONCE) {
    const part = wanted.slice(start, start + READS_AT_ONCE)
    files.push(...(await Promise.all(part.map((file) => liveRows(snapshot.store, file)))))
  }
  return fileRowsSql(engine, snapshot.store, {
    files,
    fields: options.columns === undefined ? snapshot.schema.fields : pickFields(snapshot.schema, options.columns),
    partitionColumns: snapshot.metadata.partitionColumns,
    mapping: columnMappingMode(snapshot),
    ...(options.extraColumns === undefined ? {} : { extraColumns: options.extraColumns }),
    ...(options.withPlace === undefined ? {} : { withPlace: options.withPlace }),
  })
}

/** A file without its deleted rows. */
export async function liveRows(
  store: Store,
  file: Pick<AddFile, 'path' | 'deletionVector'> & Partial<Pick<AddFile, 'partitionValues' | 'stats'>>,
): Promise<FileRows> {
  const { path, partitionValues = {}, deletionVector } = file
  if (deletionVector === undefined) return { path, partitionValues, rows: { kind: 'all' } }
  return {
    path,
    partitionValues,
    records: parseStats(file.stats)?.numRecords,
    rows: { kind: 'except', positions: await recallDeletionVector(store, deletionVector) },
  }
}

/** Fields of a schema by name, in the order of the names. Throws `COLUMN_NOT_FOUND`. */
export function pickFields(schema: StructType, names: readonly string[]): readonly StructField[] {
  const fields = new Map(schema.fields.map((field) => [field.name.toLowerCase(), field]))
  return names.map((name) => {
    const field = fields.get(name.toLowerCase())
    if (field === undefined)
      throw columnNotFound(
        name,
        schema.fields.map((known) => known.name),
      )
    return field
  })
}
