// The changes of one commit, staged in temporary tables of one DuckDB connection (they spill to disk):
//   batch    one row a source row: the table's columns, its place, its op, the key it had before
//   effects  one row an effect on a key: a row that moved from one key to another has two (kept for partial rows only)
//   winners  the newest effect of each key (kept where some key comes twice)
import { duckdbType, type Engine, quoteName, quoteText, type StructField, type StructType } from '@tributary/delta'
import { keyColumnsMissing } from '../errors.ts'
import type { Horizon } from '../ledger/table-state.ts'
import { newestFirst, orderColumns } from './order.ts'

/** A row's number in the batch, `__n`, is the number of its file and, in so many bits, its row in the file. */
export const ROW_BITS = 40

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
  /** Records of the file, by the independent count: `relation` has no more. */
  readonly rows: number
  /** Key columns whose before image the file carries: relation column by table column. */
  readonly beforeKey: ReadonlyMap<string, string>
}

/** Rows of many small files of one form, read as one: what they have in common, and which rows are whose. */
export interface StagedFiles extends Omit<StagedFile, 'key' | 'place' | 'rows'> {
  /** In the order of `relation`, whose `__row` counts on from file to file. */
  readonly members: readonly FileRange[]
}

/** The rows of one of several files: from the one after `start` on. */
export interface FileRange {
  readonly key: string
  readonly place: string
  readonly start: number
  readonly rows: number
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
  return insert(engine, shape, file, {
    relation: `(${file.relation}) r`,
    number: 1,
    row: 'r."__row"',
    place: quoteText(file.place),
    file: quoteText(file.key),
  })
}

/** Takes the rows of many files into the batch at once and tells how many they were of each. */
export async function stageFilesAtOnce(
  engine: Engine,
  shape: TableShape,
  files: StagedFiles,
): Promise<ReadonlyMap<string, number>> {
  await engine.run(
    'CREATE OR REPLACE TEMP TABLE ranges ("__start" BIGINT, "__rows" BIGINT, "__number" BIGINT, "__key" VARCHAR, "__at" VARCHAR)',
  )
  const ranges = files.members.flatMap(({ key, place, start, rows }, number) =>
    rows === 0 ? [] : [[start, rows, number + 1, key, place] as const],
  )
  await engine.append('ranges', ['__start', '__rows', '__number', '__key', '__at'], ranges)
  // A row's file by an equal join on narrow rows: a join by range took four times as long as all the rest.
  await engine.run(`CREATE OR REPLACE TEMP TABLE owners AS
    SELECT "__start" + unnest(range(1, "__rows" + 1)) AS "__counted", "__number" AS "__owner" FROM ranges`)
  await insert(engine, shape, files, {
    relation: `(${files.relation}) r JOIN owners o ON r."__row" = o."__counted" JOIN ranges f ON f."__number" = o."__owner"`,
    number: 'f."__number"',
    row: 'r."__row" - f."__start"',
    place: 'f."__at"',
    file: 'f."__key"',
  })
  const counts = await engine.all(
    'SELECT b."__file" AS file, count(*) AS n FROM batch b SEMI JOIN ranges f ON f."__key" = b."__file" GROUP BY 1',
  )
  return new Map(counts.map(({ file, n }) => [String(file), Number(n)]))
}

/** Which file of this statement a row is of, and where in it: SQL over the relation, whose rows are `r`. */
interface RowOrigin {
  readonly relation: string
  readonly number: number | string
  readonly row: string
  readonly place: string
  readonly file: string
}

async function insert(
  engine: Engine,
  shape: TableShape,
  file: Pick<StagedFile, 'kind' | 'columns' | 'beforeKey'>,
  origin: RowOrigin,
): Promise<number> {
  const was = shape.key.map((name) => {
    const image = file.beforeKey.get(name)
    // Some sources log only the key columns that changed: an empty before image means "as it is now".
    return image === undefined
      ? `NULL AS ${quoteName(`__was_${name}`)}`
      : `CASE WHEN r."__op" = 'U' THEN coalesce(r.${quoteName(image)}, r.${quoteName(name)}) END AS ${quoteName(`__was_${name}`)}`
  })
  const sequence =
    shape.sequence === undefined || !file.columns.includes(shape.sequence)
      ? 'NULL'
      : sequenceValue(shape, shape.sequence, 'r')
  const [inserted] = await engine.all(`INSERT INTO batch BY NAME SELECT
    ${[
      // A number for each row of the batch: DuckDB's own `rowid` would be hidden by a column of that name.
      `(SELECT coalesce(max("__n") >> ${ROW_BITS}, 0) FROM batch) + ${origin.number} << ${ROW_BITS} | ${origin.row} AS "__n"`,
      nameList(file.columns, 'r'),
      ...was,
      'r."__op"',
      `${file.kind === 'load' ? 0 : 1} AS "__phase"`,
      `${sequence} AS "__seq"`,
      `${origin.place} AS "__place"`,
      `${origin.file} AS "__file"`,
      `${origin.row} AS "__row"`,
      'r."__unset"',
    ].join(', ')}
    FROM ${origin.relation}`)
  return Number(inserted?.['Count'] ?? 0)
}

/** Takes the rows of files out of the batch again. */
export async function unstageFiles(engine: Engine, keys: readonly string[]): Promise<void> {
  await engine.run(`DELETE FROM batch WHERE "__file" IN (${keys.map(quoteText).join(', ')})`)
}

/** The newest effect of each key. */
export interface Winners {
  /** A relation for `FROM`: `__n`, `__sub`, `__delete`, the order columns and the key; unless rows are partial `__op`, too. */
  readonly relation: string
  readonly rows: number
  /** Every row of the batch is one; the relation has its `ROW_COLUMNS`, too. */
  readonly areAll: boolean
}

/** What rows of the batch are counted by. */
export const ROW_COLUMNS: readonly string[] = ['__file', '__op']

/**
 * Reduces the batch to the newest effect of each key; `isPartial` keeps all effects (table `effects`). Most small batches hold each key
 * once: they are read as they are, since for few rows a table or a window costs more than all else.
 */
export async function foldBatch(
  engine: Engine,
  shape: TableShape,
  {
    rows,
    isPartial,
    hasMoves,
    hasUniqueKeys,
  }: {
    readonly rows: number
    readonly isPartial: boolean
    readonly hasMoves: boolean
    readonly hasUniqueKeys: boolean
  },
): Promise<Winners> {
  const areAll = hasUniqueKeys && !hasMoves
  // Partial rows are joined with the batch again, and have it from there.
  const effects = effectsSql(shape, { hasMoves, more: isPartial ? [] : ['__op'] })
  if (isPartial) await engine.run(`CREATE OR REPLACE TEMP TABLE effects AS ${effects}`)
  if (areAll) return { relation: `(${effectOfRow(shape, ROW_COLUMNS)})`, rows, areAll }
  const [created] =
    await engine.all(`CREATE OR REPLACE TEMP TABLE winners AS SELECT * FROM ${isPartial ? 'effects' : `(${effects})`}
    QUALIFY row_number() OVER (PARTITION BY ${nameList(shape.key)} ORDER BY ${newestFirst}, "__sub" DESC) = 1`)
  return { relation: 'winners', rows: Number(created?.['Count'] ?? 0), areAll }
}

function effectsSql(
  shape: TableShape,
  { hasMoves, more }: { readonly hasMoves: boolean; readonly more: readonly string[] },
): string {
  const now = effectOfRow(shape, more)
  if (!hasMoves) return now
  const was = shape.key.map((name) => `${quoteName(`__was_${name}`)} AS ${quoteName(name)}`).join(', ')
  return `${now} UNION ALL
    SELECT "__n", 0 AS "__sub", true AS "__delete", ${nameList([...orderColumns, ...more])}, ${was} FROM batch WHERE ${movedSql(shape)}`
}

function effectOfRow(shape: TableShape, more: readonly string[]): string {
  return `SELECT "__n", 1 AS "__sub", "__op" = 'D' AS "__delete", ${nameList([...orderColumns, ...more, ...shape.key])} FROM batch`
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
