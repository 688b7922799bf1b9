// What changed from one dataset to another: rows by key, columns, labels, and the versions that they were made of.
import { attachStore, type Engine, quoteName } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { exportRefused } from '../errors.ts'
import type { Manifest } from './manifest.ts'
import { storedRows } from './stored.ts'

/** The differences of two datasets. */
export interface DatasetDiff {
  readonly schema: 'tributary.dataset-diff/1'
  readonly from: string
  readonly to: string
  readonly rows: {
    readonly added: number
    readonly removed: number
    readonly changed: number
    readonly same: number
    readonly moved: number
  }
  /** For each column that both have, in how many rows it differs. */
  readonly columns: Readonly<Record<string, number>>
  readonly schema_changes: readonly string[]
  readonly labels: Readonly<Record<string, readonly [from: number | null, to: number | null]>>
  readonly sources: readonly { readonly table: string; readonly from: number | null; readonly to: number | null }[]
}

/** Compares the rows of two datasets by their key. Throws `EXPORT_REFUSED` where their keys differ. */
export async function diffDatasets(
  lake: Lake,
  engine: Engine,
  { from, to }: { readonly from: Manifest; readonly to: Manifest },
): Promise<DatasetDiff> {
  if (from.key.join() !== to.key.join())
    throw exportRefused(
      'a comparison',
      `the rows of ${from.name}@${from.id} are told apart by ${from.key.join(', ')} and those of ${to.name}@${to.id} by ${to.key.join(', ')}`,
      'Compare datasets with one key',
    )
  const fork = await engine.fork()
  try {
    await attachStore(fork, lake.root)
    const [one, other] = [await withPart(lake, fork, from), await withPart(lake, fork, to)]
    const shared = one.names.filter((name) => other.names.includes(name) && !from.key.includes(name))
    const differs = (name: string): string => `a.${quoteName(name)} IS DISTINCT FROM b.${quoteName(name)}`
    const any = shared.length === 0 ? 'false' : shared.map(differs).join(' OR ')
    const [row = {}] = await fork.all(`
      SELECT count(*) FILTER (WHERE a.__part IS NULL) AS added, count(*) FILTER (WHERE b.__part IS NULL) AS removed,
        count(*) FILTER (WHERE a.__part <> b.__part) AS moved,
        count(*) FILTER (WHERE a.__part IS NOT NULL AND b.__part IS NOT NULL AND (${any})) AS changed,
        count(*) FILTER (WHERE a.__part IS NOT NULL AND b.__part IS NOT NULL) AS matched
        ${shared.map((name, index) => `, count(*) FILTER (WHERE a.__part IS NOT NULL AND b.__part IS NOT NULL AND ${differs(name)}) AS c${index}`).join('')}
      FROM (${one.sql}) a FULL JOIN (${other.sql}) b ON ${from.key.map((name) => `a.${quoteName(name)} = b.${quoteName(name)}`).join(' AND ')}`)
    const count = (name: string): number => Number(row[name])
    return {
      schema: 'tributary.dataset-diff/1',
      from: `${from.name}@${from.id}`,
      to: `${to.name}@${to.id}`,
      rows: {
        added: count('added'),
        removed: count('removed'),
        changed: count('changed'),
        same: count('matched') - count('changed'),
        moved: count('moved'),
      },
      columns: Object.fromEntries(shared.map((name, index) => [name, count(`c${index}`)])),
      schema_changes: [
        ...one.names.filter((name) => !other.names.includes(name)).map((name) => `- ${name}`),
        ...other.names.filter((name) => !one.names.includes(name)).map((name) => `+ ${name}`),
      ],
      labels: Object.fromEntries(
        [...new Set([...Object.keys(from.splits), ...Object.keys(to.splits)])].map((part) => [
          part,
          [from.splits[part]?.label_mean ?? null, to.splits[part]?.label_mean ?? null] as const,
        ]),
      ),
      sources: sourceRanges(from, to),
    }
  } finally {
    await fork.close()
  }
}

/** The rows of all parts, each with the name of its part. */
async function withPart(
  lake: Lake,
  engine: Engine,
  manifest: Manifest,
): Promise<{ readonly sql: string; readonly names: readonly string[] }> {
  const parts: string[] = []
  for (const [index] of Object.keys(manifest.splits).entries()) {
    const { sql } = await storedRows(lake, engine, manifest, Object.keys(manifest.splits)[index])
    parts.push(`SELECT *, ${index} AS __part FROM (${sql})`)
  }
  return { sql: parts.join(' UNION ALL '), names: manifest.columns.map(({ name }) => name) }
}

function sourceRanges(from: Manifest, to: Manifest): DatasetDiff['sources'] {
  const tables = [...new Set([...from.sources, ...to.sources].map(({ table }) => table))].toSorted()
  const versionIn = ({ sources }: Manifest, name: string): number | null =>
    sources.find(({ table }) => table === name)?.version ?? null
  return tables.map((table) => ({ table, from: versionIn(from, table), to: versionIn(to, table) }))
}
