import type { Duck } from './engine.ts'

/** Two relations whose rows have to be the same, as SQL. */
export interface Compared {
  readonly actual: string
  readonly expected: string
  readonly key: readonly string[]
}

// Sums of floating numbers differ in their last digits with the order in which they are added; nobody's order is the right one.
const RELATIVE_MAX = 1e-9

/** Throws when two relations differ: in a row, in a column of the expected one, or in a value, where floating numbers may differ in their last digits. */
export async function assertSameRows(duck: Duck, who: string, { actual, expected, key }: Compared): Promise<void> {
  const described = await duck.row(
    `SELECT list(column_name) FILTER (WHERE column_type NOT IN ('FLOAT', 'DOUBLE')) AS exact, list(column_name) FILTER (WHERE column_type IN ('FLOAT', 'DOUBLE')) AS floating FROM (DESCRIBE ${expected})`,
  )
  const names = (text: string | undefined): readonly string[] =>
    text === undefined || text === 'null' ? [] : text.split(',')
  const conditions = [
    ...names(described.exact).map((name) => `a."${name}" IS DISTINCT FROM e."${name}"`),
    ...names(described.floating).map(
      (name) =>
        `coalesce(abs(a."${name}" - e."${name}") > ${RELATIVE_MAX} * greatest(1, abs(e."${name}")), a."${name}" IS DISTINCT FROM e."${name}")`,
    ),
  ]
  const pairs = key.map((name) => `a."${name}" = e."${name}"`).join(' AND ')
  const counts = conditions.map((condition, index) => `count(*) FILTER (WHERE ${condition}) AS c${index}`)
  const found = await duck.row(
    `SELECT count(*) AS rows, ${counts.join(', ')} FROM (${actual}) a FULL JOIN (${expected}) e ON ${pairs}`,
  )
  const columns = [...names(described.exact), ...names(described.floating)]
  const wrong = columns.flatMap((name, index) =>
    found[`c${index}`] === '0' ? [] : [`${name} in ${found[`c${index}`]}`],
  )
  if (found.rows === '0') throw new Error(`${who}: there are no rows`)
  if (wrong.length > 0) throw new Error(`${who}: of ${found.rows} rows these columns differ: ${wrong.join(', ')}`)
}
