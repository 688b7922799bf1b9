// Datasets that are in the lake.
import type { Lake } from '@tributary/pipeline'
import { pinPlaceOf, readPins, unpin } from '@tributary/pipeline'
import { datasetNotFound, manifestCorrupt } from '../errors.ts'
import { DATASETS, folderOf, type Manifest, parseManifest } from './manifest.ts'
import type { DatasetStats } from './stats.ts'

/** All published datasets, by name and time. Throws `DATASET_MANIFEST_CORRUPT`. */
export async function listDatasets(lake: Lake): Promise<readonly Manifest[]> {
  const found: Manifest[] = []
  for await (const { path } of lake.root.list(DATASETS)) {
    if (path.endsWith('/manifest.json')) found.push(parseManifest(path, await lake.root.read(path)))
  }
  return found.toSorted((a, b) => (a.name + a.created_at < b.name + b.created_at ? -1 : 1))
}

/**
 * The dataset of an id, of the beginning of one, or of `name@id`; `name` alone and `name@latest` stand for the newest of that name.
 * Throws `DATASET_NOT_FOUND`, `DATASET_MANIFEST_CORRUPT`.
 */
export async function findDataset(lake: Lake, text: string): Promise<Manifest> {
  const all = await listDatasets(lake)
  const [, name, id] = /^([^@]+)@(.+)$/.exec(text) ?? []
  if (name !== undefined && id !== 'latest') {
    const [only, other] = all.filter((one) => one.name === name && one.id.startsWith(id ?? ''))
    if (only !== undefined && other === undefined) return only
    throw datasetNotFound(text)
  }
  const newest = all.filter((one) => one.name === (name ?? text)).at(-1)
  if (newest !== undefined) return newest
  const [only, other] = all.filter((one) => text.length >= 4 && one.id.startsWith(text))
  if (only === undefined || other !== undefined) throw datasetNotFound(text)
  return only
}

/** Deletes a dataset: its manifest first, so that no reader finds half of it, then its files and pins. */
export async function removeDataset(lake: Lake, manifest: Manifest): Promise<void> {
  const folder = folderOf(manifest)
  await lake.root.delete(`${folder}manifest.json`)
  const paths: string[] = []
  for await (const { path } of lake.root.list(folder)) paths.push(path)
  for (const path of paths) await lake.root.delete(path)
  for (const { table, pinned } of manifest.sources) {
    const place = pinPlaceOf(lake.tableStore(table))
    const name = `dataset-${manifest.id}`
    if (pinned && (await readPins(place)).some((pin) => pin.name === name)) await unpin(place, { name })
  }
}

/** The statistics that were kept beside a manifest. Throws `FILE_NOT_FOUND`, `DATASET_MANIFEST_CORRUPT`. */
export async function readStats(lake: Lake, manifest: Manifest): Promise<DatasetStats> {
  const path = `${folderOf(manifest)}${manifest.stats}`
  return parseStats(path, await lake.root.read(path))
}

function parseStats(path: string, bytes: Uint8Array): DatasetStats {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as DatasetStats
  } catch (cause) {
    throw manifestCorrupt(path, cause)
  }
}
