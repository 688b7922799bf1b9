// Erasure: rows of one key leave the files of published datasets. A revision of the manifest tells how many, when, and the digests from
// before, never the key. It is decided by put-if-absent of `redactions/N.json`, the whole new manifest; `manifest.json` is a copy of the
// newest, which whoever comes next makes where a run was killed in between.
import { attachStore, type Engine, quoteName, quoteText } from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import { datasetContended } from '../errors.ts'
import { croissantOf } from './croissant.ts'
import { parseDefinition } from './definition.ts'
import { rowsDigest } from './digest.ts'
import { labelMean } from './label-mean.ts'
import { folderOf, jsonBytes, type Manifest, type ManifestPart, parseManifest, sharedPrefix } from './manifest.ts'
import { fileOptions, hashOf } from './publish.ts'
import { listDatasets } from './published.ts'
import { keyText } from './split.ts'
import { columnStats, type DatasetStats } from './stats.ts'
import { filesSql, storedRows } from './stored.ts'

/** Whose rows are meant: the key of a row, its values with commas between, or a value of the column that is named. */
export interface Erasure {
  readonly key: string
  readonly column?: string
}

/** A dataset that holds such rows. */
export interface Holder {
  readonly manifest: Manifest
  readonly rows: number
}

const ATTEMPTS_MAX = 5

/** The datasets that hold rows of a key, by name and time. */
export async function findHolders(lake: Lake, engine: Engine, erasure: Erasure): Promise<readonly Holder[]> {
  const holders: Holder[] = []
  for (const listed of await listDatasets(lake)) {
    const manifest = await finishRedaction(lake, listed)
    const isMeant = meantSql(manifest, erasure)
    if (isMeant === undefined) continue
    const fork = await engine.fork()
    try {
      await attachStore(fork, lake.root)
      const { sql } = await storedRows(lake, fork, manifest)
      const [row] = await fork.all(`SELECT count(*) AS n FROM (${sql}) WHERE ${isMeant}`)
      if (Number(row?.['n']) > 0) holders.push({ manifest, rows: Number(row?.['n']) })
    } finally {
      await fork.close()
    }
  }
  return holders
}

/** Takes the rows of a key out of a dataset, and gives its new manifest. Throws `DATASET_CONTENDED`. */
export async function redactDataset(lake: Lake, engine: Engine, start: Manifest, erasure: Erasure): Promise<Manifest> {
  let manifest = start
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const fork = await engine.fork()
    try {
      await attachStore(fork, lake.root)
      const redacted = await writeRedacted({ lake, fork, manifest }, erasure)
      const isGone = redacted.redactions.at(-1)?.rows === 0
      const path = revisionPath(redacted, redacted.redactions.length)
      const outcome = isGone ? 'needless' : await lake.root.create(path, jsonBytes(redacted))
      const newest = await finishRedaction(lake, manifest)
      if (outcome === 'created') return newest
      // Somebody else was first: what was written belongs to no revision.
      const mine = filesOf(redacted).filter((path) => !filesOf(manifest).includes(path))
      for (const file of mine) await lake.root.delete(file)
      if (outcome === 'needless') return newest
      manifest = newest
    } finally {
      await fork.close()
    }
  }
  throw datasetContended(`${start.name}@${start.id}`, ATTEMPTS_MAX)
}

interface Work {
  readonly lake: Lake
  readonly fork: Engine
  readonly manifest: Manifest
}

/** SQL that is true of the rows that are meant; undefined where a dataset has no such column. */
function meantSql({ key, columns }: Manifest, { key: value, column }: Erasure): string | undefined {
  if (column !== undefined && !columns.some(({ name }) => name === column)) return undefined
  const names = column === undefined ? key : [column]
  return `concat_ws(',', ${names.map((name) => `CAST(${quoteName(name)} AS VARCHAR)`).join(', ')}) = ${quoteText(value)}`
}

type Redacted = Manifest & { readonly redactions: NonNullable<Manifest['redactions']> }

async function writeRedacted(work: Work, erasure: Erasure): Promise<Redacted> {
  const { lake, fork, manifest } = work
  const { fields } = await storedRows(lake, fork, manifest)
  const definition = parseDefinition(manifest.spec.yaml, `${folderOf(manifest)}manifest.json`)
  const label = fields.find((field) => field.name === manifest.label)
  const splits: Record<string, ManifestPart> = {}
  const parts: Record<string, DatasetStats['splits'][string]> = {}
  for (const [name, part] of Object.entries(manifest.splits)) {
    const files: ManifestPart['files'][number][] = []
    for (const file of part.files)
      files.push(
        await writeWithout(work, {
          file,
          isMeant: meantSql(manifest, erasure) ?? 'false',
          options: fileOptions(definition.shards, fields),
        }),
      )
    const left = await filesSql(lake, manifest, files)
    splits[name] = {
      ...part,
      rows: files.reduce((sum, file) => sum + file.rows, 0),
      rows_digest: await rowsDigest(fork, left, fields),
      label_mean: await labelMean(fork, left, label),
      files,
    }
    // Statistics show single values, so they are made anew; those of ages need what is not kept.
    parts[name] = { ...(await columnStats(fork, left, { fields, bins: definition.stats.bins })), ages: {} }
  }
  const stats: DatasetStats = { schema: 'tributary.dataset-stats/1', splits: parts }
  const statsPath = `stats-${lake.clock.uuid()}.json`
  await lake.root.write(folderOf(manifest) + statsPath, jsonBytes(stats))
  const rows = rowsOf(manifest) - rowsOf({ splits })
  const before = Object.fromEntries(Object.entries(manifest.splits).map(([name, part]) => [name, part.rows_digest]))
  const redaction = { at: new Date(lake.clock.now()).toISOString(), rows, rows_digests: before }
  return { ...manifest, splits, stats: statsPath, redactions: [...(manifest.redactions ?? []), redaction] }
}

interface FileErasure {
  readonly file: ManifestPart['files'][number]
  readonly isMeant: string
  readonly options: readonly string[]
}

/** The file as it is where no row is meant; else a new one without these rows. */
async function writeWithout(
  { lake, fork, manifest }: Work,
  { file, isMeant, options }: FileErasure,
): Promise<ManifestPart['files'][number]> {
  const sql = await filesSql(lake, manifest, [file])
  const [counted] = await fork.all(`SELECT count(*) AS n FROM (${sql}) WHERE ${isMeant}`)
  const gone = Number(counted?.['n'])
  if (gone === 0) return file
  const path = `${sharedPrefix([file.path])}${lake.clock.uuid()}.parquet`
  const place = folderOf(manifest) + path
  await fork.run(
    `COPY (SELECT * FROM (${sql}) WHERE NOT (${isMeant}) ORDER BY md5(${keyText(manifest.key)})) TO ${quoteText(await lake.root.locate(place))} (${options.join(', ')})`,
  )
  const { sizeBytes } = await lake.root.sync(place)
  return { path, bytes: sizeBytes, rows: file.rows - gone, sha256: await hashOf(lake.root, place) }
}

function rowsOf({ splits }: Pick<Manifest, 'splits'>): number {
  return Object.values(splits).reduce((sum, { rows }) => sum + rows, 0)
}

function revisionPath(manifest: Manifest, number: number): string {
  return `${folderOf(manifest)}redactions/${number}.json`
}

/** The files that only one revision may name. */
function filesOf(manifest: Manifest): readonly string[] {
  const files = Object.values(manifest.splits).flatMap((part) => part.files.map(({ path }) => path))
  return [...files, manifest.stats].map((path) => folderOf(manifest) + path)
}

/** Makes `manifest.json` a copy of the newest revision, and deletes what older ones named: a run may have been killed before it did. */
async function finishRedaction(lake: Lake, manifest: Manifest): Promise<Manifest> {
  const revisions = await readRevisions(lake, manifest)
  const newest = revisions.at(-1)
  if (newest === undefined) return manifest
  const older = new Set([manifest, ...revisions].flatMap(filesOf))
  const folder = folderOf(newest)
  if (newest.redactions?.length !== manifest.redactions?.length) {
    await lake.root.write(folder + newest.croissant, jsonBytes(croissantOf(newest)))
    await lake.root.write(`${folder}manifest.json`, jsonBytes(newest))
  }
  const kept = new Set([...filesOf(newest), `${folder}manifest.json`, folder + newest.croissant])
  const dead: string[] = []
  for await (const { path, modifiedMs } of lake.root.list(folder)) {
    if (kept.has(path) || path.startsWith(`${folder}redactions/`)) continue
    // A file with a name of its own may be that of a run that is still at work; published ones and exports are nobody's any more.
    const isFresh = NEW_NAME.test(path) && modifiedMs > lake.clock.now() - RUN_MS_MAX && !older.has(path)
    if (!isFresh) dead.push(path)
  }
  for (const path of dead) await lake.root.delete(path)
  return newest
}

async function readRevisions(lake: Lake, manifest: Manifest): Promise<readonly Manifest[]> {
  const revisions: Manifest[] = []
  for (;;) {
    const path = revisionPath(manifest, revisions.length + 1)
    if ((await lake.root.stat(path)) === undefined) return revisions
    revisions.push(parseManifest(path, await lake.root.read(path)))
  }
}

const NEW_NAME = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(?:parquet|json)$/
/** No run takes longer from a file to its revision. */
const RUN_MS_MAX = 3_600_000
