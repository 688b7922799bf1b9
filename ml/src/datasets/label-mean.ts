import { type Engine, quoteName, type StructField } from '@tributary/delta'
import { isNumber } from './column-kind.ts'
import { finite } from './terms.ts'

/** The mean of the label over a relation, whatever the order of rows; null where it is no number or there is none. */
export async function labelMean(
  engine: Engine,
  relation: string,
  label: StructField | undefined,
): Promise<number | null> {
  if (label === undefined || !isNumber(label)) return null
  const value = finite(`CAST(${quoteName(label.name)} AS DOUBLE)`)
  const [row] = await engine.all(`SELECT fsum(${value} ORDER BY ${value}) / count(${value}) AS mean FROM (${relation})`)
  return typeof row?.['mean'] === 'number' ? row['mean'] : null
}
