// DuckDB takes the encodings of Parquet 2 for all columns of a file or for none. Spark reads all of them but one, with which DuckDB writes
// floating point of many values: BYTE_STREAM_SPLIT, which Spark's vectorized reader refuses (4.2.0 too).

import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName } from '../duckdb/sql.ts'
import type { DataType } from '../protocol/schema.ts'
import type { Store } from '../store/store.ts'

/** Whether a table has floating point, at any depth. */
export function hasFloats(type: DataType): boolean {
  if (typeof type === 'string') return type === 'float' || type === 'double'
  switch (type.type) {
    case 'struct':
      return type.fields.some((field) => hasFloats(field.type))
    case 'array':
      return hasFloats(type.elementType)
    case 'map':
      return hasFloats(type.keyType) || hasFloats(type.valueType)
  }
}

/** Those of the files, by name, that hold floating point so encoded. Reads footers. */
export async function filesWithSplitFloats(engine: Engine, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set()
  const rows = await engine.all(
    `SELECT DISTINCT file_name FROM parquet_metadata([${names.map(quoteFileName).join(', ')}]) WHERE encodings LIKE '%BYTE_STREAM_SPLIT%'`,
  )
  return new Set(rows.map((row) => String(row['file_name'])))
}

/** How many rows are to be written: about so many; `many`, where they are not counted; few, where nothing is said. */
export type ExpectedRows = number | 'many' | undefined

// DuckDB makes a dictionary of up to a fifth as many values as a row group has rows. So it is the small files that have their floating
// point split, and what a column holds stays much the same from file to file.
const splitRows = new WeakMap<object, Map<string, number>>()

/** Whether floating point of so many rows of a table is better not tried: few rows, or not clearly more than were seen to be split. */
export function isLikelyToSplit(
  { database }: Pick<Engine, 'database'>,
  { url }: Pick<Store, 'url'>,
  rows: ExpectedRows,
): boolean {
  const known = splitRows.get(database)?.get(url)
  return rows === 'many' ? known !== undefined : (rows ?? 0) < Math.max(FEW_ROWS, 2 * (known ?? 0))
}

/** Files of so many rows of a table had their floating point split. */
export function rememberSplit({ database }: Pick<Engine, 'database'>, { url }: Pick<Store, 'url'>, rows: number): void {
  const known = splitRows.get(database) ?? new Map<string, number>()
  splitRows.set(database, known.set(url, Math.max(rows, known.get(url) ?? 0)))
}

/** Trying costs such a file as much as writing it. */
const FEW_ROWS = 4096
