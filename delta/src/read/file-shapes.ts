// Files of one table differ: written before a column was added, or by an engine with other habits. DuckDB can map every file to one
// schema by itself (`schema =`), which makes a scan twice as slow (measured), so files are first sorted by what their footers say.

import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName } from '../duckdb/sql.ts'
import type { Row } from '../duckdb/values.ts'
import { type FileColumn, parseFileType, type SchemaNode, withFieldIds } from './file-types.ts'

/** Files with the same Parquet columns: `members` are places in the list that was asked about. */
export interface FileShape {
  readonly members: readonly number[]
  readonly columns: readonly FileColumn[]
}

/** What a scan has to know of its files beyond names and types of columns; either costs a statement a shape or a file. */
export interface ShapeNeeds {
  /** Columns are found by field ids. */
  readonly fieldIds: boolean
  /** DuckDB's account of a Parquet schema does not show which groups are variants, so each file is described by itself. */
  readonly variants: boolean
}

interface KnownShapes {
  /** Signature of a file's Parquet schema, by name. */
  readonly signatures: Map<string, string>
  /** The columns by signature. */
  readonly columns: Map<string, readonly FileColumn[]>
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
    columns: new Map<string, readonly FileColumn[]>(),
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
export async function readFileShapes(
  engine: Engine,
  names: readonly string[],
  needs: ShapeNeeds = { fieldIds: false, variants: false },
): Promise<readonly FileShape[]> {
  const shapes = knownShapes(engine)
  await readSignatures(engine, shapes, unknownFiles(shapes, names))
  const groups = Map.groupBy(names.keys(), (index) => {
    const name = names[index] ?? ''
    return `${needs.fieldIds ? 'ids ' : ''}${needs.variants ? name : (shapes.signatures.get(name) ?? '')}`
  })
  const found: FileShape[] = []
  for (const [key, members] of groups) {
    const columns = shapes.columns.get(key) ?? (await describeFile(engine, names[members[0] ?? 0] ?? '', needs))
    shapes.columns.set(key, columns)
    found.push({ members, columns })
  }
  return needs.variants ? joinEqual(found) : found
}

/** Shapes of single files that turn out the same become one, so that they are one `read_parquet` again. */
function joinEqual(shapes: readonly FileShape[]): readonly FileShape[] {
  return [...Map.groupBy(shapes, ({ columns }) => JSON.stringify(columns)).values()].map((same) => ({
    columns: same[0]?.columns ?? [],
    members: same.flatMap(({ members }) => members),
  }))
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
    SELECT file_name, md5(string_agg(concat_ws(',', name, type, type_length, repetition_type, num_children, converted_type, scale, precision, '#' || field_id, logical_type), ';' ORDER BY column_id)) AS signature
    FROM parquet_schema([${names.map(quoteFileName).join(', ')}]) GROUP BY file_name`)
  for (const row of rows) signatures.set(textOf(row, 'file_name'), textOf(row, 'signature'))
  for (const name of names) {
    const [columns, signature] = [written.get(name), signatures.get(name)]
    if (columns !== undefined && signature !== undefined) writtenAs.set(columns, signature)
    written.delete(name)
  }
}

async function describeFile(engine: Engine, name: string, needs: ShapeNeeds): Promise<readonly FileColumn[]> {
  const rows = await engine.all(
    `DESCRIBE SELECT * FROM read_parquet(${quoteFileName(name)}, hive_partitioning = false)`,
  )
  const columns = rows.map((row) => ({
    name: textOf(row, 'column_name'),
    type: parseFileType(textOf(row, 'column_type')),
  }))
  return needs.fieldIds ? withFieldIds(columns, await readSchemaNodes(engine, name)) : columns
}

/** The columns of a file's own schema, below its root. */
async function readSchemaNodes(engine: Engine, name: string): Promise<readonly SchemaNode[]> {
  const rows = await engine.all(
    `SELECT name, repetition_type, num_children, field_id FROM parquet_schema(${quoteFileName(name)}) ORDER BY column_id`,
  )
  let next = 0
  const readNode = (): SchemaNode => {
    const row = rows[next]
    next += 1
    const { num_children: count = 0, field_id: id } = row ?? {}
    return {
      name: row === undefined ? '' : textOf(row, 'name'),
      isRepeated: row?.['repetition_type'] === 'REPEATED',
      id: typeof id === 'bigint' ? Number(id) : undefined,
      // DuckDB has read this schema before and checked its counts.
      children: Array.from({ length: Number(count ?? 0) }, readNode),
    }
  }
  return readNode().children
}

function textOf(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}
