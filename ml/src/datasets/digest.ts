// A digest of rows that does not depend on their order: how many there are, and the sums of the two halves of md5 over the canonical text
// of each. Sums and not exclusive or, so that a row twice is not a row never.
import { type Engine, ndjsonSql, type StructField } from '@tributary/delta'

const BITS = 64n

/** SQL of the canonical text of each row, as the column `line`: JSON with the columns in order. */
export function lineSql(relation: string, fields: readonly StructField[]): string {
  return ndjsonSql(relation, fields)
}

/**
 * The digest of a relation's rows: `<count>-<16 hex digits>-<16 hex digits>`. The halves are what DuckDB calls md5_number_upper and
 * md5_number_lower, the first and the last eight bytes read as little-endian numbers; here from one md5 instead of two.
 */
export async function rowsDigest(engine: Engine, relation: string, fields: readonly StructField[]): Promise<string> {
  const [row] = await engine.all(
    `SELECT count(*) AS n, coalesce(sum(CAST(digest & 18446744073709551615::UHUGEINT AS UBIGINT)), 0) AS high, coalesce(sum(CAST(digest >> 64 AS UBIGINT)), 0) AS low
     FROM (SELECT md5_number(line) AS digest FROM (${lineSql(relation, fields)}))`,
  )
  return `${String(row?.['n'])}-${hex(row?.['high'])}-${hex(row?.['low'])}`
}

function hex(value: unknown): string {
  return BigInt.asUintN(Number(BITS), BigInt(String(value)))
    .toString(16)
    .padStart(16, '0')
}
