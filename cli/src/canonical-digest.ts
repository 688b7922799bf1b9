import { createHash } from 'node:crypto'
import { localStore, ndjsonSql, readLines, readSnapshot, scanSql } from '@tributary/delta'
import type { Invocation } from './invocation.ts'
import { withEngine } from './with-engine.ts'

/** Rows and a hash of them that does not depend on their order. */
export interface CanonicalDigest {
  readonly rows: number
  readonly digest: string
}

/** The digest of all rows of a Delta table, or of a text of one JSON object a line. Holds all rows in memory: for demos and tests. */
export async function canonicalDigest(
  invocation: Invocation,
  source: string | { readonly ndjson: string },
): Promise<CanonicalDigest> {
  const lines =
    typeof source === 'string'
      ? await readTable(invocation, source)
      : source.ndjson.split('\n').filter((line) => line !== '')
  const rows = lines.map((line) => sortedJson(JSON.parse(line))).sort()
  return { rows: rows.length, digest: createHash('sha256').update(rows.join('\n')).digest('hex') }
}

async function readTable(invocation: Invocation, path: string): Promise<readonly string[]> {
  const snapshot = await readSnapshot(localStore(path))
  return withEngine(invocation, async (engine) => {
    const rows: string[] = []
    for await (const lines of readLines(engine, ndjsonSql(await scanSql(engine, snapshot), snapshot.schema.fields)))
      rows.push(...lines)
    return rows
  })
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${sortedJson(inner)}`).join(',')}}`
}
