// The changes of one commit, staged in temporary tables of one DuckDB connection (they spill to disk):
//   batch    one row a source row: the table's columns, its place, its op, the key it had before
//   effects  one row an effect on a key: a row that moved from one key to another has two (kept for partial rows only)
//   winners  the newest effect of each key
import { duckdbType, type Engine, quoteName, quoteText, type StructField, type StructType } from '@tributary/delta'
import { keyColumnsMissing } from '../errors.ts'
import type { Horizon } from '../ledger/table-state.ts'
import { newestFirst } from './order.ts'

/** What an upsert must know of a table. */
export interface TableShape {
  readonly schema: StructType
  readonly key: readonly string[]
  readonly sequence: string | undefined
}

/** Rows of one landing file, read and checked, in the table's own column names. */
export interface StagedFile {
  readonly key: string
  readonly kind: 'load' | 'cdc'
  readonly place: string
  /** SELECT text with the columns named in `columns`, `__op`, `__row`, `__unset` and `BI_<key>` for `beforeKey`. */
  readonly relation: string
  readonly columns: readonly string[]
  /** Key columns whose before image the file carries: relation column by table column. */
  readonly beforeKey: ReadonlyMap<string, string>
}

/** SQL list of names: `"a", "b"`, or `t."a", t."b"`. */
export function nameList(names: readonly string[], alias?: string): string {
  return names.map((name) => (alias === undefined ? quoteName(name) : `${alias}.${quoteName(name)}`)).join(', ')
}

/** SQL that pairs two relations by key. Key columns are never NULL: such rows are in quarantine. */
export function sameKey(key: readonly string[], left: string, right: string): string {
  return key.map((name) => `${left}.${quoteName(name)} = ${right}.${quoteName(name)}`).join(' AND ')
}

/** Empties the connection's staging tables and lays them out for a table. */
export async function openBatch(engine: Engine, shape: TableShape): Promise<void> {
  const column = (field: StructField): string => `${quoteName(field.name)} ${duckdbType(field.type)}`
  const before = shape.key.map((name) => `${quoteName(`__was_${name}`)} ${duckdbType(fieldOf(shape, name).type)}`)
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE batch (${[
      ...shape.schema.fields.map(column),
      ...before,
      '"__n" BIGINT',
      '"__op" VARCHAR',
      '"__phase" INTEGER',
      `"__seq" ${sequenceType(shape)}`,
      '"__place" VARCHAR',
      '"__file" VARCHAR',
      '"__row" BIGINT',
      '"__unset" VARCHAR[]',
    ].join(', ')})`,
  )
}

/** Adds the columns that the schema gained since the batch was opened; rows staged before have NULL there. */
export async function widenBatch(
  engine: Engine,
  schemas: { readonly from: StructType; readonly to: StructType },
): Promise<void> {
  const known = new Set(schemas.from.fields.map((field) => field.name))
  for (const field of schemas.to.fields) {
    if (!known.has(field.name))
      await engine.run(`ALTER TABLE batch ADD COLUMN ${quoteName(field.name)} ${duckdbType(field.type)}`)
  }
}

/** Takes a file's rows into the batch and tells how many they were. */
export async function stageFile(engine: Engine, shape: TableShape, file: StagedFile): Promise<number> {
  const missing = shape.key.filter((name) => !file.columns.includes(name))
  if (missing.length > 0) throw keyColumnsMissing(file.key, missing)
  const was = shape.key.map((name) => {
    const image = file.beforeKey.get(name)
    // Some sources log only the key columns that changed: an empty before image means "as it is now".
    return image === undefined
      ? `NULL AS ${quoteName(`__was_${name}`)}`
      : `CASE WHEN "__op" = 'U' THEN coalesce(${quoteName(image)}, ${quoteName(name)}) END AS ${quoteName(`__was_${name}`)}`
  })
  const sequence =
    shape.sequence === undefined || !file.columns.includes(shape.sequence)
      ? 'NULL'
      : sequenceValue(shape, shape.sequence)
  const [inserted] = await engine.all(`INSERT INTO batch BY NAME SELECT
    ${[
      // A number for each row of the batch: DuckDB's own `rowid` would be hidden by a column of that name.
      '(SELECT coalesce(max("__n") >> 40, 0) + 1 FROM batch) << 40 | "__row" AS "__n"',
      nameList(file.columns),
      ...was,
      '"__op"',
      `${file.kind === 'load' ? 0 : 1} AS "__phase"`,
      `${sequence} AS "__seq"`,
      `${quoteText(file.place)} AS "__place"`,
      `${quoteText(file.key)} AS "__file"`,
      '"__row"',
      '"__unset"',
    ].join(', ')}
    FROM (${file.relation})`)
  return Number(inserted?.['Count'] ?? 0)
}

/** Takes a file's rows out of the batch again. */
export async function unstageFile(engine: Engine, key: string): Promise<void> {
  await engine.run(`DELETE FROM batch WHERE "__file" = ${quoteText(key)}`)
}

/** Reduces the batch to the newest effect of each key (table `winners`); `isPartial` keeps them all (table `effects`). */
export async function foldBatch(
  engine: Engine,
  shape: TableShape,
  { isPartial, hasMoves }: { readonly isPartial: boolean; readonly hasMoves: boolean },
): Promise<void> {
  const effects = effectsSql(shape, { hasMoves })
  if (isPartial) await engine.run(`CREATE OR REPLACE TEMP TABLE effects AS ${effects}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE winners AS SELECT * FROM ${isPartial ? 'effects' : `(${effects})`}
    QUALIFY row_number() OVER (PARTITION BY ${nameList(shape.key)} ORDER BY ${newestFirst}, "__sub" DESC) = 1`)
}

function effectsSql(shape: TableShape, { hasMoves }: { readonly hasMoves: boolean }): string {
  const order = '"__phase", "__seq", "__place", "__row"'
  const now = `SELECT "__n", 1 AS "__sub", "__op" = 'D' AS "__delete", ${order}, ${nameList(shape.key)} FROM batch`
  if (!hasMoves) return now
  const was = shape.key.map((name) => `${quoteName(`__was_${name}`)} AS ${quoteName(name)}`).join(', ')
  return `${now} UNION ALL
    SELECT "__n", 0 AS "__sub", true AS "__delete", ${order}, ${was} FROM batch WHERE ${movedSql(shape)}`
}

/** SQL on `batch`: the row's key was another one before this change. */
export function movedSql(shape: TableShape): string {
  const differs = shape.key.map((name) => `${quoteName(`__was_${name}`)} <> ${quoteName(name)}`)
  return `"__op" = 'U' AND coalesce(${differs.join(' OR ')}, false)`
}

/** The field of a column that the shape is known to have. */
export function fieldOf(shape: TableShape, name: string): StructField {
  const field = shape.schema.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw keyColumnsMissing('the table', [name])
  return field
}

function sequenceType(shape: TableShape): string {
  return shape.sequence === undefined ? 'VARCHAR' : duckdbType(fieldOf(shape, shape.sequence).type)
}

/** SELECT of the horizon's order, one row. Tombstones are of changes, never of a load. */
export function horizonSql(shape: TableShape, { seq, place, row }: Horizon): string {
  const value = seq === null ? 'NULL' : quoteText(seq)
  return `SELECT 1 AS "__phase", CAST(${value} AS ${sequenceType(shape)}) AS "__seq", ${quoteText(place)} AS "__place", ${row}::BIGINT AS "__row"`
}

/** SQL for the order value of a sequence column: DMS leaves it an empty text in loads. */
export function sequenceValue(shape: TableShape, column: string, alias?: string): string {
  const name = nameList([column], alias)
  return fieldOf(shape, column).type === 'string' ? `nullif(${name}, '')` : name
}
