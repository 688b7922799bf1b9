import { type Engine, quoteName } from '@tributary/delta'
import type { FeatureCheck } from './definition.ts'

/** A check that does not hold of the rows that would be published. */
export interface FailedCheck {
  readonly column: string
  readonly rule: string
  readonly found: string
}

/** Checks the rows that a feature's table would have. */
export async function failedChecks(
  engine: Engine,
  checks: readonly FeatureCheck[],
  rows: string,
): Promise<readonly FailedCheck[]> {
  if (checks.length === 0) return []
  const items = checks.map(({ column }, index) => {
    const name = quoteName(column)
    return `min(${name}) AS min${index}, max(${name}) AS max${index}, count(*) - count(${name}) AS nulls${index}`
  })
  const [found = {}] = await engine.all(`SELECT count(*) AS n, ${items.join(', ')} FROM (${rows})`)
  const count = Number(found['n'])
  return checks.flatMap(({ column, min, max, nullShareMax }, index): readonly FailedCheck[] => {
    const [low, high] = [found[`min${index}`] ?? null, found[`max${index}`] ?? null]
    const share = count === 0 ? 0 : Number(found[`nulls${index}`]) / count
    const failures: FailedCheck[] = []
    // A value that is no number is compared as none, and so fails.
    if (min !== undefined && low !== null && !(Number(low) >= min))
      failures.push({ column, rule: `min ${min}`, found: String(low) })
    if (max !== undefined && high !== null && !(Number(high) <= max))
      failures.push({ column, rule: `max ${max}`, found: String(high) })
    if (nullShareMax !== undefined && share > nullShareMax)
      failures.push({ column, rule: `max_null ${nullShareMax}`, found: `${(share * 100).toFixed(1)} % NULL` })
    return failures
  })
}
