// What a dataset is: the definition, the cut, and for each part how many rows with which digest. The id is a digest of what decides the
// rows, without times, places and file bytes, so that the same inputs give the same id on any machine.
import { createHash } from 'node:crypto'
import type { StructField } from '@tributary/delta'
import { z } from 'zod'
import { manifestCorrupt } from '../errors.ts'

const file = z.object({ path: z.string(), bytes: z.number(), rows: z.number(), sha256: z.string() }).readonly()
const part = z
  .object({
    rows: z.number(),
    label_mean: z.number().nullable(),
    rows_digest: z.string(),
    strata: z.record(z.string(), z.number()).optional(),
    files: z.array(file).readonly(),
  })
  .readonly()
const source = z
  .object({
    table: z.string(),
    // Manifests of 0.1.0 have none.
    uri: z.string().optional(),
    table_id: z.string(),
    version: z.number(),
    committed_at: z.string(),
    // The newest change in it, by the source's clock. Not in manifests of 0.1.0 either.
    source_at: z.string().nullable().optional(),
    snapshot: z.string(),
    pinned: z.boolean(),
  })
  .readonly()
const guard = z
  .object({ guard: z.string(), outcome: z.enum(['passed', 'warned', 'failed']), message: z.string() })
  .readonly()

/** Rows that were taken out after publication: how many, when, and what `rows_digest` was before. Never whose. */
const redaction = z
  .object({ at: z.string(), rows: z.number(), rows_digests: z.record(z.string(), z.string()) })
  .readonly()

const manifest = z
  .object({
    schema: z.literal('tributary.dataset/1'),
    name: z.string(),
    id: z.string(),
    created_at: z.string(),
    spec: z
      .object({
        sha256: z.string(),
        yaml: z.string(),
        git: z.object({ commit: z.string(), dirty: z.boolean() }).readonly().optional(),
      })
      .readonly(),
    cut: z
      .object({
        until: z.string().nullable(),
        known_until: z.string().nullable(),
        known_at: z.object({ clock: z.string(), delay_ms: z.number(), trust_load: z.boolean() }).readonly(),
      })
      .readonly(),
    sources: z.array(source).readonly(),
    engine: z.object({ tributary: z.string(), duckdb: z.string(), float_policy: z.string() }).readonly(),
    key: z.array(z.string()).readonly(),
    at: z.string(),
    label: z.string().nullable(),
    columns: z.array(z.object({ name: z.string(), type: z.string(), from: z.string() }).readonly()).readonly(),
    splits: z.record(z.string(), part).readonly(),
    left_out: z.record(z.string(), z.number()).readonly(),
    guards: z.array(guard).readonly(),
    stats: z.string(),
    croissant: z.string(),
    redactions: z.array(redaction).readonly().optional(),
  })
  .readonly()

/** The manifest of a published dataset. */
export type Manifest = z.infer<typeof manifest>

/** One table that a dataset was made of. */
export type ManifestSource = z.infer<typeof source>

/** What a guard found. */
export type GuardFinding = z.infer<typeof guard>

/** One part of a dataset. */
export type ManifestPart = z.infer<typeof part>

/** Where datasets lie in the lake. */
export const DATASETS = '_datasets/'
const ID_DIGITS = 12

/** The folder of a dataset in the lake, with a slash at its end. */
export function folderOf({ name, id }: Pick<Manifest, 'name' | 'id'>): string {
  return `${DATASETS}${name}/${id}/`
}

/** The id of what a manifest describes. */
export function datasetId(content: Omit<Manifest, 'id' | 'created_at' | 'guards' | 'stats' | 'croissant'>): string {
  const { splits, sources, engine, spec, ...rest } = content
  const decided = {
    ...rest,
    spec: { sha256: spec.sha256, yaml: spec.yaml },
    // A release of ours that changes no row changes no id.
    engine: { duckdb: engine.duckdb, float_policy: engine.float_policy },
    sources: sources.map(({ table, table_id, version, snapshot }) => ({ table, table_id, version, snapshot })),
    splits: Object.entries(splits).map(([name, { rows, rows_digest }]) => ({ name, rows, rows_digest })),
  }
  return sha256(canonicalJson(decided)).slice(0, ID_DIGITS)
}

/** Columns as a manifest tells them: name, type, and in words where the values come from. */
export function describeColumns(
  fields: readonly StructField[],
  origins: ReadonlyMap<string, string>,
): Manifest['columns'] {
  return fields.map(({ name, type }) => ({
    name,
    type: typeof type === 'string' ? type : type.type,
    from: origins.get(name) ?? '',
  }))
}

/** Reads the bytes of a manifest. Throws `DATASET_MANIFEST_CORRUPT`. */
export function parseManifest(path: string, bytes: Uint8Array): Manifest {
  try {
    return manifest.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw manifestCorrupt(path, cause)
  }
}

/** SHA-256 of a text or of bytes, in hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** JSON as the files of a dataset hold it. */
export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

/** JSON with the names of each object in order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

/**
 * How the names of all files of a part begin, up to a `-` or `/`. Only they begin so: each build has a prefix of its own, and what a build that was
 * killed left beside them is told apart by it, where a reader takes prefixes and no lists.
 */
export function sharedPrefix(paths: readonly string[]): string {
  let [prefix = ''] = paths
  for (const path of paths) while (!path.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix.slice(0, Math.max(prefix.lastIndexOf('-'), prefix.lastIndexOf('/')) + 1)
}
