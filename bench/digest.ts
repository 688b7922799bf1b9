import { type Duck, literal } from './engine.ts'
import { comparedList, csvColumns, type TableShape } from './shape.ts'

/** Order-independent fingerprint of a table's rows. Two tables with equal digests hold the same rows. */
export interface Digest {
  readonly rows: number
  /** Sum of the 64-bit hashes of all rows. */
  readonly sum: string
  /** XOR of another hash of each row: rows that trade places in the sum do not here. */
  readonly xor: string
}

/** Digest of a Delta table, read by DuckDB's delta extension: neither our reader nor delta-rs vouches for itself. */
export async function digestDelta(duck: Duck, shape: TableShape, folder: string): Promise<Digest> {
  return digestOf(duck, shape, `SELECT ${comparedList(shape)} FROM delta_scan(${literal(folder)})`)
}

/** Digest of a Parquet file or a glob of them. */
export async function digestParquet(duck: Duck, shape: TableShape, glob: string): Promise<Digest> {
  return digestOf(duck, shape, `SELECT ${comparedList(shape)} FROM read_parquet(${literal(glob)})`)
}

/** Digest of what a table and batches of changes must give: batch after batch in the order of their paths, the last change of a key wins. */
export async function digestChanged(
  duck: Duck,
  shape: TableShape,
  { parquet, batches }: { readonly parquet: string; readonly batches: readonly string[] },
): Promise<Digest> {
  if (batches.length === 0) return digestParquet(duck, shape, parquet)
  const [list, key] = [comparedList(shape), shape.key.join(', ')]
  const files = batches.map((path, turn) => `(${literal(path)}, ${turn})`).join(', ')
  await duck.run(`CREATE OR REPLACE TEMP TABLE turns AS FROM (VALUES ${files}) t(filename, turn)`)
  const changes = `read_csv([${batches.map(literal).join(', ')}], header = true, filename = true, columns = ${csvColumns(shape, { withOp: true })})`
  await duck.run(
    `CREATE OR REPLACE TEMP TABLE changed AS SELECT "Op", ${list} FROM ${changes} JOIN turns USING (filename)
     QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY turn DESC) = 1`,
  )
  const names = shape.columns.map(({ name }) => name).join(', ')
  return digestOf(
    duck,
    shape,
    `FROM (SELECT ${list} FROM read_parquet(${literal(parquet)})) ANTI JOIN changed USING (${key})
     UNION ALL SELECT ${names} FROM changed WHERE "Op" <> 'D'`,
  )
}

/** Digest of the rows of a SELECT whose instants are counts of microseconds already. */
export async function digestOf(duck: Duck, { columns }: TableShape, select: string): Promise<Digest> {
  const row = columns.map(({ name }) => name).join(', ')
  const found = await duck.row(
    `SELECT count(*) AS rows, sum(hash(${row})::HUGEINT)::VARCHAR AS sum, bit_xor(hash(${row}, 'again'))::VARCHAR AS xor FROM (${select})`,
  )
  return { rows: Number(found.rows), sum: found.sum ?? '', xor: found.xor ?? '' }
}

/** Throws, with both digests, when a table does not hold the rows that it must. */
export function assertSame(who: string, actual: Digest, expected: Digest): void {
  if (actual.rows === expected.rows && actual.sum === expected.sum && actual.xor === expected.xor) return
  throw new Error(`${who}: the rows differ. It holds ${show(actual)}, the landing files give ${show(expected)}`)
}

function show({ rows, sum, xor }: Digest): string {
  return `${rows} rows with digest ${sum}/${xor}`
}
