// The rows of a bin, ready to be written again: live ones only, with the columns that no schema knows, and with their row ids.

import { recallDeletionVector } from '../deletion-vectors/recall.ts'
import type { Engine } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/sql.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile, Metadata } from '../protocol/actions.ts'
import { columnMappingMode } from '../protocol/column-mapping.ts'
import type { StructType } from '../protocol/schema.ts'
import { type ExtraColumn, type FileRows, fileRowsSql } from '../read/file-rows.ts'
import { liveRows } from '../read/scan.ts'
import { flagOf } from './retention.ts'

/** How the rows of a table are copied. */
export interface CopyShape {
  /** The columns that data files hold. */
  readonly schema: StructType
  /** Parquet columns outside of the schema that are kept. */
  readonly extraColumns: readonly ExtraColumn[]
  readonly rowIds: RowIdColumns | undefined
}

/** The hidden columns in which copied rows carry their ids. */
interface RowIdColumns {
  readonly id: ExtraColumn
  readonly version: ExtraColumn
}

/** The shape of a copy of a table's rows; `extraColumns` are kept beside the schema's. */
export function copyShape(snapshot: Snapshot, extraColumns: readonly ExtraColumn[]): CopyShape {
  const { metadata, schema } = snapshot
  const fields = schema.fields.filter(({ name }) => !metadata.partitionColumns.includes(name))
  const rowIds = rowIdColumns(metadata)
  return {
    schema: { type: 'struct', fields },
    extraColumns: [...extraColumns, ...(rowIds === undefined ? [] : [rowIds.id, rowIds.version])],
    rowIds,
  }
}

// PROTOCOL.md, "Row Tracking": rows that are copied keep their id and the version of their last change.
function rowIdColumns(metadata: Metadata): RowIdColumns | undefined {
  const id = metadata.configuration['delta.rowTracking.materializedRowIdColumnName']
  const version = metadata.configuration['delta.rowTracking.materializedRowCommitVersionColumnName']
  if (!flagOf(metadata, 'delta.enableRowTracking', false) || id === undefined || version === undefined) return undefined
  return { id: { name: id, type: 'long' }, version: { name: version, type: 'long' } }
}

/** A SELECT of the live rows of a few files with `__path` and `__position`, in the order of the files and of their rows. */
export async function orderedRowsSql(
  engine: Engine,
  snapshot: Snapshot,
  files: readonly AddFile[],
  shape: CopyShape,
): Promise<string> {
  // One file a branch, so that DuckDB keeps the order: UNION ALL does, a scan of many files need not.
  const branches: string[] = []
  for (const file of files)
    branches.push(
      await rowsSql(engine, snapshot, [{ file, rows: await liveRows(snapshot.store, file) }], {
        ...shape,
        keepsOrder: true,
      }),
    )
  return branches.join('\nUNION ALL ')
}

/** A SELECT of rows of files with `__path` and `__position`; in any order, unless it is to keep that of a file alone. */
export async function rowsSql(
  engine: Engine,
  snapshot: Snapshot,
  files: readonly { readonly file: AddFile; readonly rows: FileRows }[],
  { schema, extraColumns, rowIds, keepsOrder = false }: CopyShape & { readonly keepsOrder?: boolean },
): Promise<string> {
  const constants = rowIds === undefined ? [] : [BASE_ID, BASE_VERSION].map((name) => ({ name, type: 'BIGINT' }))
  const source = await fileRowsSql(engine, snapshot.store, {
    files: files.map(({ file, rows }) => ({
      ...rows,
      constants: [file.baseRowId, file.defaultRowCommitVersion].map((value) => String(value ?? 'NULL')),
    })),
    fields: schema.fields,
    partitionColumns: [],
    mapping: columnMappingMode(snapshot),
    extraColumns,
    constants,
    withPlace: true,
    keepsOrder,
  })
  const kept = [...schema.fields, ...extraColumns].map(({ name }) => {
    const column = `f.${quoteName(name)}`
    if (name === rowIds?.id.name) return `coalesce(${column}, f.${BASE_ID} + f."__position") AS ${quoteName(name)}`
    return name === rowIds?.version.name ? `coalesce(${column}, f.${BASE_VERSION}) AS ${quoteName(name)}` : column
  })
  return `SELECT ${[...kept, 'f."__path"', 'f."__position"'].join(', ')} FROM (${source}) f`
}

// Columns of the query only.
const BASE_ID = '__base_row_id'
const BASE_VERSION = '__base_row_version'

/** How many of the rows before a position are deleted, by file. */
export async function deadBefore(snapshot: Snapshot, file: AddFile): Promise<(position: number) => number> {
  if (file.deletionVector === undefined) return () => 0
  const dead = await recallDeletionVector(snapshot.store, file.deletionVector)
  return (position) => {
    let [low, high] = [0, dead.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((dead[middle] ?? Number.POSITIVE_INFINITY) < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
