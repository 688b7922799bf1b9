// Law 2: changes apply in the order (generation, load before CDC, sequence, file time and name, row in the file).
// A generation replaces all rows of the one before, so the order inside a generation is four columns:
// __phase (0 load, 1 CDC), __seq (NULL sorts first), __place (file time and name), __row.

/** The columns of the order inside a generation. */
export const orderColumns: readonly string[] = ['__phase', '__seq', '__place', '__row']

/** ORDER BY list that puts the newest change first. */
export const newestFirst = '"__phase" DESC, "__seq" DESC NULLS LAST, "__place" DESC, "__row" DESC'

/**
 * SQL that compares the order of two relations: 1 when `left` is newer, 0 when they are the same change, -1 when it is older.
 * A stored row whose place was dropped by another engine's rewrite is compared by sequence alone (design §4).
 */
export function compareOrder(left: string, right: string, options: { readonly hasSequence: boolean }): string {
  const pair = (column: string): string => `${left}.${column} IS DISTINCT FROM ${right}.${column}`
  const greater = (column: string): string =>
    `CASE WHEN ${right}.${column} IS NULL OR ${left}.${column} > ${right}.${column} THEN 1 ELSE -1 END`
  return `CASE
    WHEN ${right}."__place" IS NULL AND ${right}."__seq" IS NULL THEN ${options.hasSequence ? `CASE WHEN ${left}."__seq" IS NULL THEN 0 ELSE 1 END` : '1'}
    WHEN ${right}."__place" IS NULL THEN CASE WHEN ${left}."__seq" > ${right}."__seq" THEN 1 WHEN ${left}."__seq" = ${right}."__seq" THEN 0 ELSE -1 END
    WHEN ${pair('"__phase"')} THEN ${greater('"__phase"')}
    WHEN ${pair('"__seq"')} THEN ${greater('"__seq"')}
    WHEN ${pair('"__place"')} THEN ${greater('"__place"')}
    WHEN ${pair('"__row"')} THEN ${greater('"__row"')}
    ELSE 0 END`
}
