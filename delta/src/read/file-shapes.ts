// Files of one table differ: written before a column was added, or by an engine with other habits. DuckDB can map every file to one
// schema by itself (`schema =`), which makes a scan twice as slow (measured), so files are first sorted by what their footers say.

import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName } from '../duckdb/sql.ts'
import type { Row } from '../duckdb/values.ts'

/** Files with the same Parquet columns: `members` are places in the list that was asked about. */
export interface FileShape {
  readonly members: readonly number[]
  /** DuckDB's types by column name. */
  readonly columns: ReadonlyMap<string, string>
}

/** Sort files by their Parquet schema. Reads footers only. Throws `DATA_FILE_MISSING`. */
export async function readFileShapes(engine: Engine, names: readonly string[]): Promise<readonly FileShape[]> {
  const signatures = await readSignatures(engine, [...new Set(names)])
  const members = Map.groupBy(names.keys(), (index) => signatures.get(names[index] ?? '') ?? `file ${index}`)
  const shapes: FileShape[] = []
  for (const group of members.values()) {
    const columns = await engine.all(`DESCRIBE SELECT * FROM read_parquet(${quoteFileName(names[group[0] ?? 0] ?? '')}, hive_partitioning = false)`)
    shapes.push({ members: group, columns: new Map(columns.map((column) => [textOf(column, 'column_name'), textOf(column, 'column_type')])) })
  }
  return shapes
}

async function readSignatures(engine: Engine, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (names.length === 1) return new Map()
  const rows = await engine.all(`
    SELECT file_name, md5(string_agg(concat_ws(',', name, type, type_length, repetition_type, num_children, converted_type, scale, precision, logical_type), ';' ORDER BY column_id)) AS signature
    FROM parquet_schema([${names.map(quoteFileName).join(', ')}]) GROUP BY file_name`)
  return new Map(rows.map((row) => [textOf(row, 'file_name'), textOf(row, 'signature')]))
}

function textOf(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}
