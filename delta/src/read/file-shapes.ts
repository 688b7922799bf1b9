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

interface KnownShapes {
  /** Signature of a file's Parquet schema, by name. */
  readonly signatures: Map<string, string>
  /** DuckDB's columns by signature. */
  readonly columns: Map<string, ReadonlyMap<string, string>>
  /** For files that this process wrote and nobody has read yet: the SQL columns they were written with, by name. */
  readonly written: Map<string, string>
  /** Signatures by SQL columns: DuckDB writes the same Parquet schema for the same columns. */
  readonly writtenAs: Map<string, string>
}

// Data files never change under their names, so a footer is read once in the life of a database.
const known = new WeakMap<object, KnownShapes>()

function knownShapes({ database }: Engine): KnownShapes {
  const shapes = known.get(database) ?? {
    signatures: new Map<string, string>(),
    columns: new Map<string, ReadonlyMap<string, string>>(),
    written: new Map<string, string>(),
    writtenAs: new Map<string, string>(),
  }
  known.set(database, shapes)
  return shapes
}

/** Notes a file that DuckDB has just written with these SQL columns: of all such files only one footer has to be read. */
export function rememberWritten(engine: Engine, name: string, columns: string): void {
  knownShapes(engine).written.set(name, columns)
}

/** Sort files by their Parquet schema. Reads footers only. Throws `DATA_FILE_MISSING`. */
export async function readFileShapes(engine: Engine, names: readonly string[]): Promise<readonly FileShape[]> {
  const shapes = knownShapes(engine)
  await readSignatures(engine, shapes, unknownFiles(shapes, names))
  const groups = Map.groupBy(names.keys(), (index) => shapes.signatures.get(names[index] ?? '') ?? '')
  const found: FileShape[] = []
  for (const [signature, members] of groups) {
    const columns = shapes.columns.get(signature) ?? (await describeFile(engine, names[members[0] ?? 0] ?? ''))
    shapes.columns.set(signature, columns)
    found.push({ members, columns })
  }
  return found
}

/** The files whose footers must be read. Those that were written like a file of known signature get it here. */
function unknownFiles({ signatures, written, writtenAs }: KnownShapes, names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => {
    const signature = signatures.get(name) ?? writtenAs.get(written.get(name) ?? '')
    if (signature === undefined) return true
    signatures.set(name, signature)
    written.delete(name)
    return false
  })
}

async function readSignatures(
  engine: Engine,
  { signatures, written, writtenAs }: KnownShapes,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  const rows = await engine.all(`
    SELECT file_name, md5(string_agg(concat_ws(',', name, type, type_length, repetition_type, num_children, converted_type, scale, precision, logical_type), ';' ORDER BY column_id)) AS signature
    FROM parquet_schema([${names.map(quoteFileName).join(', ')}]) GROUP BY file_name`)
  for (const row of rows) signatures.set(textOf(row, 'file_name'), textOf(row, 'signature'))
  for (const name of names) {
    const [columns, signature] = [written.get(name), signatures.get(name)]
    if (columns !== undefined && signature !== undefined) writtenAs.set(columns, signature)
    written.delete(name)
  }
}

async function describeFile(engine: Engine, name: string): Promise<ReadonlyMap<string, string>> {
  const columns = await engine.all(
    `DESCRIBE SELECT * FROM read_parquet(${quoteFileName(name)}, hive_partitioning = false)`,
  )
  return new Map(columns.map((column) => [textOf(column, 'column_name'), textOf(column, 'column_type')]))
}

function textOf(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}
