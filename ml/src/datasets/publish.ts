// Writes the parts as Parquet files and the manifest last: what has no manifest is no dataset.
import { createHash } from 'node:crypto'
import { attachStore, type Engine, quoteName, quoteText, type Store, type StructField } from '@tributary/delta'
import { croissantOf } from './croissant.ts'
import type { Definition } from './definition.ts'
import { ROWS } from './extract.ts'
import { folderOf, type Manifest, type ManifestPart } from './manifest.ts'

import type { DatasetStats } from './stats.ts'

/** A part whose files are still to be written. */
export type UnwrittenPart = Omit<ManifestPart, 'files'>

/**
 * Writes the files of a dataset and then its manifest. One that is there already, of the same content, is left alone.
 * Throws `ENGINE_FAILED`, `DISK_FULL`, `STORE_FAILED`.
 */
export async function publish(
  engine: Engine,
  root: Store,
  {
    definition,
    fields,
    content,
    stats,
  }: {
    readonly definition: Definition
    readonly fields: readonly StructField[]
    readonly stats: DatasetStats
    readonly content: Omit<Manifest, 'splits'> & { readonly splits: Readonly<Record<string, UnwrittenPart>> }
  },
): Promise<{ readonly manifest: Manifest; readonly isNew: boolean }> {
  await attachStore(engine, root)
  const folder = folderOf(content)
  const splits: Record<string, ManifestPart> = {}
  for (const [name, part] of Object.entries(content.splits))
    splits[name] = {
      ...part,
      files: await writePart(engine, root, { definition, fields, folder, name, rows: part.rows }),
    }
  const manifest: Manifest = { ...content, splits }
  await root.write(folder + manifest.stats, jsonBytes(stats))
  await root.write(folder + manifest.croissant, jsonBytes(croissantOf(manifest)))
  const outcome = await root.create(`${folder}manifest.json`, jsonBytes(manifest))
  return { manifest, isNew: outcome === 'created' }
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

interface PartRequest {
  readonly definition: Definition
  readonly fields: readonly StructField[]
  readonly folder: string
  readonly name: string
  readonly rows: number
}

async function writePart(engine: Engine, root: Store, request: PartRequest): Promise<ManifestPart['files']> {
  const { definition, fields, folder, name, rows } = request
  const shards = planShards(definition.shards, { rows, columns: fields.length })
  const columns = fields.map((field) => quoteName(field.name)).join(', ')
  const files: ManifestPart['files'][number][] = []
  for (const [index, { from, to }] of shards.entries()) {
    const path = `${name}/${String(index).padStart(5, '0')}.parquet`
    const location = await root.locate(folder + path)
    // By md5 of the key: equal for any number of threads, and shuffled as far as a model can tell.
    const sorted = `SELECT ${columns} FROM ${quoteName(ROWS)} WHERE "__split" = ${quoteText(name)} ORDER BY "__order"`
    const part =
      shards.length === 1
        ? sorted
        : `SELECT * EXCLUDE ("__place") FROM (SELECT *, row_number() OVER () AS "__place" FROM (${sorted})) WHERE "__place" > ${from} AND "__place" <= ${to}`
    await engine.run(
      `COPY (${part}) TO ${quoteText(location)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupRows(definition.shards, fields.length)})`,
    )
    const { sizeBytes } = await root.sync(folder + path)
    files.push({ path, bytes: sizeBytes, rows: to - from, sha256: await hashOf(root, folder + path) })
  }
  return files
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
