import { type Engine, ndjsonSql, readLines, type Snapshot, scanSql } from '@tributary/delta'

/** Our rows in the form of compare.py: NDJSON with sorted keys and Python's order of lines. */
export async function ourRows(engine: Engine, snapshot: Snapshot): Promise<readonly string[]> {
  const lines: string[] = []
  const sql = ndjsonSql(await scanSql(engine, snapshot), snapshot.schema.fields)
  for await (const batch of readLines(engine, sql)) lines.push(...batch)
  return lines.map((line) => JSON.stringify(sorted(JSON.parse(line)))).toSorted(byCodePoint)
}

/** Sorted keys at every level. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, sorted(inner)])
  return Object.fromEntries(entries.toSorted(([a], [b]) => byCodePoint(a, b)))
}

/** Python sorts by code point, JavaScript by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
