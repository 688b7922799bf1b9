import type { AppendValue } from '../duckdb/append.ts'
import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteName } from '../duckdb/sql.ts'
import { type Batch, batchRows } from '../duckdb/values.ts'
import { columnNotFound, rowInvalid } from '../errors.ts'
import type { StructField, StructType } from '../protocol/schema.ts'
import { type CellValue, cellSql, encodeCell } from './cell-text.ts'

/** A row by column name. */
export type NewRow = { readonly [column: string]: CellValue }

/** Rows to write: objects with the columns of the first one, batches as a scan gives them, or a SELECT that DuckDB runs. */
export type NewRows =
  | Iterable<NewRow>
  | AsyncIterable<NewRow>
  | { readonly batches: Iterable<Batch> | AsyncIterable<Batch> }
  | { readonly sql: string }

/** A SELECT of new rows. Objects and batches are put into a temporary table of the engine. Throws `ROW_INVALID`, `COLUMN_NOT_FOUND`. */
export async function stageRows(engine: Engine, schema: StructType, rows: NewRows): Promise<string> {
  if ('sql' in rows) return rows.sql
  const source = iterate('batches' in rows ? rowsOf(rows.batches) : rows)
  const first = await source.next()
  if (first.done === true) return emptySql(schema)
  const names = Object.keys(first.value)
  const fields = names.map((name) => fieldNamed(schema, name))
  if (fields.length === 0) throw rowInvalid('the first row has no columns')
  const table = nextTable()
  const columns = fields.map((_, index) => `c${index}`)
  await engine.run(`CREATE TEMP TABLE ${table} (${columns.map((column) => `${column} VARCHAR`).join(', ')})`)
  await engine.append(table, columns, encodeRows(first.value, source, { names, fields }))
  const items = fields.map(
    (field, index) => `${cellSql(field, `c${index}`, duckdbType(field.type))} AS ${quoteName(field.name)}`,
  )
  return `SELECT ${items.join(', ')} FROM temp.${table}`
}

async function* iterate(rows: Iterable<NewRow> | AsyncIterable<NewRow>): AsyncGenerator<NewRow> {
  yield* rows
}

async function* rowsOf(batches: Iterable<Batch> | AsyncIterable<Batch>): AsyncGenerator<NewRow> {
  for await (const batch of batches) yield* batchRows(batch)
}

async function* encodeRows(
  first: NewRow,
  rest: AsyncIterable<NewRow>,
  { names, fields }: { readonly names: readonly string[]; readonly fields: readonly StructField[] },
): AsyncGenerator<readonly AppendValue[]> {
  const known = new Set(names)
  const encode = (row: NewRow): readonly AppendValue[] => {
    for (const name of Object.keys(row))
      if (!known.has(name)) throw rowInvalid(`a later row has the column ${JSON.stringify(name)} and the first has not`)
    return fields.map((field, index) => encodeCell(field, row[names[index] ?? '']))
  }
  yield encode(first)
  for await (const row of rest) yield encode(row)
}

function fieldNamed(schema: StructType, name: string): StructField {
  const field = schema.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
  if (field === undefined)
    throw columnNotFound(
      name,
      schema.fields.map((known) => known.name),
    )
  return field
}

function emptySql(schema: StructType): string {
  const items = schema.fields.map((field) => `CAST(NULL AS ${duckdbType(field.type)}) AS ${quoteName(field.name)}`)
  return `SELECT ${items.join(', ')} WHERE false`
}

let tables = 0

// Only the name has to be new: the table is private to its connection.
function nextTable(): string {
  tables += 1
  return `tributary_rows_${tables}`
}
