import { type Duck, literal } from './engine.ts'
import { COLUMNS, csvColumns } from './orders.ts'

/** Order-independent fingerprint of a table's rows. Two tables with equal digests hold the same rows. */
export interface Digest {
  readonly rows: number
  /** Sum of the 64-bit hashes of all rows. */
  readonly sum: string
  /** XOR of another hash of each row: rows that trade places in the sum do not here. */
  readonly xor: string
}

/** Digest of a Delta table, read by DuckDB's delta extension: neither our reader nor delta-rs vouches for itself. */
export async function digestDelta(duck: Duck, folder: string): Promise<Digest> {
  return digest(duck, `delta_scan(${literal(folder)})`)
}

/** Digest of a Parquet file or a glob of them. */
export async function digestParquet(duck: Duck, glob: string): Promise<Digest> {
  return digest(duck, `read_parquet(${literal(glob)})`)
}

/** Digest of what the landing files must give: the load, then batch after batch, the last change of a key wins. */
export async function digestLanding(duck: Duck, load: string, batches: readonly string[]): Promise<Digest> {
  const list = COLUMNS.map(({ name }) => name).join(', ')
  const loaded = `SELECT ${list}, 'I' AS "Op", 0 AS batch FROM read_csv(${literal(load)}, header = true, columns = ${csvColumns({ withOp: false })})`
  if (batches.length === 0) return digest(duck, `(${loaded})`)
  const changed = batches
    .map(
      (path, index) =>
        `SELECT ${list}, "Op", ${index + 1} AS batch FROM read_csv(${literal(path)}, header = true, columns = ${csvColumns({ withOp: true })})`,
    )
    .join(' UNION ALL ')
  await duck.run(
    `CREATE OR REPLACE TEMP TABLE changed AS SELECT * FROM (${changed}) QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY batch DESC) = 1`,
  )
  return digest(duck, `(FROM (${loaded}) ANTI JOIN changed USING (order_id) UNION ALL FROM changed WHERE "Op" <> 'D')`)
}

async function digest(duck: Duck, relation: string): Promise<Digest> {
  // Peers hold the instants as timestamps with or without a zone; the count of microseconds is the same.
  const row = COLUMNS.map(({ name, delta }) => (delta === 'timestamp' ? `epoch_us(${name})` : name)).join(', ')
  const found = await duck.row(
    `SELECT count(*) AS rows, sum(hash(${row})::HUGEINT)::VARCHAR AS sum, bit_xor(hash(${row}, 'again'))::VARCHAR AS xor FROM ${relation}`,
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
