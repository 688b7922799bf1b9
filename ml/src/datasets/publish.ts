// Writes the parts as Parquet files and the manifest last: what has no manifest is no dataset.
import { createHash } from 'node:crypto'
import {
  attachStore,
  bloomFilterOptions,
  type Engine,
  quoteName,
  quoteText,
  type Store,
  type StructField,
} from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { croissantOf } from './croissant.ts'
import type { Definition } from './definition.ts'
import { ROWS } from './extract.ts'
import { folderOf, jsonBytes, type Manifest, type ManifestPart, parseManifest } from './manifest.ts'

import type { DatasetStats } from './stats.ts'

/** A part whose files are still to be written. */
export type UnwrittenPart = Omit<ManifestPart, 'files'>

/** What is to be published. */
export interface Publication {
  readonly definition: Definition
  readonly fields: readonly StructField[]
  readonly stats: DatasetStats
  readonly content: Omit<Manifest, 'splits' | 'stats'> & { readonly splits: Readonly<Record<string, UnwrittenPart>> }
}

/**
 * Writes the files of a dataset and then its manifest. Two builds of one dataset may be at it at once: each has names of its own for its files, the
 * first manifest stays, and whoever comes second takes its files away and gives that one. Throws `ENGINE_FAILED`, `DISK_FULL`, `STORE_FAILED`.
 */
export async function publish(
  engine: Engine,
  { root, clock }: Pick<Lake, 'root' | 'clock'>,
  { definition, fields, content, stats }: Publication,
): Promise<{ readonly manifest: Manifest; readonly isNew: boolean }> {
  await attachStore(engine, root)
  const folder = folderOf(content)
  const own = clock.uuid().slice(0, 8)
  const splits: Record<string, ManifestPart> = {}
  for (const [name, part] of Object.entries(content.splits))
    splits[name] = {
      ...part,
      files: await writePart(engine, root, { definition, fields, folder, name, own, rows: part.rows }),
    }
  const manifest: Manifest = { ...content, splits, stats: `stats-${own}.json` }
  await root.write(folder + manifest.stats, jsonBytes(stats))
  const outcome = await root.create(`${folder}manifest.json`, jsonBytes(manifest))
  if (outcome === 'created') {
    await root.write(folder + manifest.croissant, jsonBytes(croissantOf(manifest)))
    return { manifest, isNew: true }
  }
  for (const path of filesOf(manifest)) await root.delete(folder + path)
  return { manifest: await readPublished(root, manifest), isNew: false }
}

/** The manifest that is there. What describes it once more is made again where a build was killed before it. */
export async function readPublished(root: Store, dataset: Pick<Manifest, 'name' | 'id'>): Promise<Manifest> {
  const folder = folderOf(dataset)
  const path = `${folder}manifest.json`
  const manifest = parseManifest(path, await root.read(path))
  if ((await root.stat(folder + manifest.croissant)) === undefined)
    await root.write(folder + manifest.croissant, jsonBytes(croissantOf(manifest)))
  return manifest
}

const DAY_MS = 86_400_000
const WRITTEN = /^(?:[a-z][a-z0-9_]*\/[0-9a-f]{8}-\d{5}\.parquet|stats-[0-9a-f]{8}\.json)$/

/** Deletes what killed builds left beside a dataset; younger files may be those of a build that is at work. */
export async function removeLeftovers(
  { root, clock }: Pick<Lake, 'root' | 'clock'>,
  manifest: Manifest,
): Promise<void> {
  const folder = folderOf(manifest)
  const kept = new Set(filesOf(manifest))
  const leftovers: string[] = []
  for await (const { path, modifiedMs } of root.list(folder)) {
    const name = path.slice(folder.length)
    if (WRITTEN.test(name) && !kept.has(name) && clock.now() - modifiedMs > DAY_MS) leftovers.push(path)
  }
  for (const path of leftovers) await root.delete(path)
}

function filesOf({ splits, stats }: Manifest): readonly string[] {
  return [...Object.values(splits).flatMap(({ files }) => files.map(({ path }) => path)), stats]
}

interface PartRequest {
  readonly definition: Definition
  readonly fields: readonly StructField[]
  readonly folder: string
  readonly name: string
  /** What tells the files of this build from those of others. */
  readonly own: string
  readonly rows: number
}

async function writePart(engine: Engine, root: Store, request: PartRequest): Promise<ManifestPart['files']> {
  const { definition, fields, folder, name, own, rows } = request
  const shards = planShards(definition.shards, { rows, columns: fields.length })
  const columns = fields.map((field) => quoteName(field.name)).join(', ')
  const files: ManifestPart['files'][number][] = []
  for (const [index, { from, to }] of shards.entries()) {
    const path = `${name}/${own}-${String(index).padStart(5, '0')}.parquet`
    const location = await root.locate(folder + path)
    // By md5 of the key: equal for any number of threads, and shuffled as far as a model can tell.
    const sorted = `SELECT ${columns} FROM ${quoteName(ROWS)} WHERE "__split" = ${quoteText(name)} ORDER BY "__order"`
    const part =
      shards.length === 1
        ? sorted
        : `SELECT * EXCLUDE ("__place") FROM (SELECT *, row_number() OVER () AS "__place" FROM (${sorted})) WHERE "__place" > ${from} AND "__place" <= ${to}`
    await engine.run(`COPY (${part}) TO ${quoteText(location)} (${fileOptions(definition.shards, fields).join(', ')})`)
    const { sizeBytes } = await root.sync(folder + path)
    files.push({ path, bytes: sizeBytes, rows: to - from, sha256: await hashOf(root, folder + path) })
  }
  return files
}

/** How each file is written: options of COPY. */
export function fileOptions(shards: Definition['shards'], fields: readonly StructField[]): readonly string[] {
  return [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `ROW_GROUP_SIZE ${rowGroupRows(shards, fields.length)}`,
    ...bloomFilterOptions(fields),
  ]
}

const VALUE_BYTES = 6
const MIB = 1024 * 1024

/** DuckDB writes row groups of whole vectors. */
const VECTOR_ROWS = 2048

/** Rows of a row group; where a size is asked for, by what a value takes as a rule. */
export function rowGroupRows({ rowGroup }: Definition['shards'], columns: number): number {
  if ('rows' in rowGroup) return rowGroup.rows
  const rows = (rowGroup.sizeMb * MIB) / (Math.max(1, columns) * VALUE_BYTES)
  return Math.max(1, Math.floor(rows / VECTOR_ROWS)) * VECTOR_ROWS
}

/** Rows of each file, (from, to]: files of equal size, as many as the definition asks for or as the rows need. */
export function planShards(
  { count, sizeMb }: Definition['shards'],
  { rows, columns }: { readonly rows: number; readonly columns: number },
): readonly { readonly from: number; readonly to: number }[] {
  const wanted = count ?? Math.ceil((rows * columns * VALUE_BYTES) / (sizeMb * MIB))
  const shards = Math.max(1, Math.min(wanted, rows))
  return Array.from({ length: shards }, (_, index) => ({
    from: Math.floor((rows * index) / shards),
    to: Math.floor((rows * (index + 1)) / shards),
  }))
}

const CHUNK_BYTES = 8 * MIB

/** SHA-256 of an object, read in pieces. */
export async function hashOf(store: Store, path: string): Promise<string> {
  const size = (await store.stat(path))?.sizeBytes ?? (await store.read(path)).byteLength
  const hash = createHash('sha256')
  for (let offset = 0; offset < size; offset += CHUNK_BYTES)
    hash.update(await store.readRange(path, { offset, length: Math.min(CHUNK_BYTES, size - offset) }))
  return hash.digest('hex')
}
