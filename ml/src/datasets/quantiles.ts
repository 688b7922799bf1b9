// Values below which equally many rows lie. DuckDB's quantile_disc keeps the values of all columns and looks through them on one thread; its
// sort works on all of them, and of a sorted column only the ranks that are wanted come out.
import type { Engine } from '@tributary/delta'

/** An expression of numbers over a relation, and how many rows have one. */
export interface RankedValue {
  /** SQL of a DOUBLE; NULL where there is none. */
  readonly sql: string
  readonly count: number
}

/** So many columns are sorted at once. */
const COLUMNS_A_STATEMENT = 8

/** The bounds of bins of equally many rows for each value, the least and the greatest included; none where there are no rows. */
export async function quantilesOf(
  engine: Engine,
  relation: string,
  { values, bins }: { readonly values: readonly RankedValue[]; readonly bins: number },
): Promise<readonly (readonly number[])[]> {
  const found: ReadonlyMap<number, number>[] = values.map(() => new Map<number, number>())
  for (let start = 0; start < values.length; start += COLUMNS_A_STATEMENT) {
    const branches = values.slice(start, start + COLUMNS_A_STATEMENT).flatMap(({ sql, count }, index) =>
      count === 0
        ? []
        : [
            `SELECT ${start + index} AS i, __rank AS n, __value AS v FROM (SELECT __value, row_number() OVER () AS __rank
               FROM (SELECT ${sql} AS __value FROM (${relation}) WHERE __value IS NOT NULL ORDER BY __value))
             WHERE __rank IN (${ranksOf(count, bins).join(', ')})`,
          ],
    )
    if (branches.length === 0) continue
    const rows = await engine.all(branches.join('\nUNION ALL '))
    for (const [index, group] of Map.groupBy(rows, (row) => Number(row['i'])))
      found[index] = new Map(group.map((row) => [Number(row['n']), Number(row['v'])]))
  }
  return values.map(({ count }, index) =>
    count === 0 ? [] : ranksOf(count, bins).map((rank) => found[index]?.get(rank) ?? Number.NaN),
  )
}

/** Ranks from 1, of which small counts repeat some. */
function ranksOf(count: number, bins: number): readonly number[] {
  return Array.from({ length: bins + 1 }, (_, bin) => Math.max(1, Math.ceil((count * bin) / bins)))
}
