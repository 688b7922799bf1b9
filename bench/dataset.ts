import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestChanged } from './digest.ts'
import { type Duck, literal } from './engine.ts'
import { measure } from './measure.ts'
import { BENCH, PYTHON, scriptOf } from './places.ts'
import { csvList } from './shape.ts'
import type { BatchSpec, KnownTable, Source } from './source.ts'

/** A generated table, what is made of it on demand, and what must come out. */
export interface Dataset extends KnownTable {
  readonly source: Source
  /** A Delta table of delta-rs over the Parquet files. Every contender begins with a copy of it. */
  readonly table: string
  /** The path of one batch of changes as CSV. */
  readonly batch: (batch: BatchSpec) => Promise<string>
  /** A folder with the rows as LOAD files. */
  readonly load: () => Promise<string>
  /** What the table holds after these batches, computed by DuckDB from the generated files. */
  readonly expected: (batches: readonly string[]) => Promise<Digest>
}

/** What of a source, and how much of it. */
export interface DatasetSpec {
  readonly rows: number
  readonly seed: number
}

// Five files of 10,000,000 rows, as many a row in larger tables, and never fewer, so that every table has some to tell apart.
const ROWS_A_PART = 2_000_000
const PARTS_MIN = 5

/** Generates the table where it is not there yet, in `bench/data/`. */
export async function prepareDataset(
  { duck, say }: { readonly duck: Duck; readonly say: (text: string) => void },
  source: Source,
  { rows, seed }: DatasetSpec,
): Promise<Dataset> {
  const folder = join(BENCH, 'data', `${source.name}-g${source.generation}-${rows}-s${seed}`)
  const table = join(folder, 'table')
  const parts = Math.max(PARTS_MIN, Math.ceil(rows / ROWS_A_PART))
  await makeOnce(join(folder, 'table'), async (draft) => {
    say(`generating ${source.name} with ${rows} rows`)
    for (let part = 0; part < parts; part++)
      await source.writePart(duck, { rows, seed, part, parts, path: join(draft, `part-${part}.parquet`) })
    await measure([PYTHON, scriptOf('delta-rs.py'), 'make', draft], { cwd: folder })
  })
  const parquet = join(table, '*.parquet')
  const counted = await duck.row(`SELECT count(*) AS rows FROM read_parquet(${literal(parquet)})`)
  const known: KnownTable = { rows: Number(counted.rows), seed, parquet }
  return {
    ...known,
    source,
    table,
    batch: (batch) => writeBatch({ duck, folder }, source, known, batch),
    load: () => writeLoad({ duck, folder, parts }, source),
    expected: (batches) => keptDigest({ duck, folder }, source, { parquet, batches }),
  }
}

interface Place {
  readonly duck: Duck
  readonly folder: string
}

async function writeBatch(
  { duck, folder }: Place,
  { shape, batchSql }: Source,
  table: KnownTable,
  batch: BatchSpec,
): Promise<string> {
  const name = [batch.keys, batch.only ?? 'changes', batch.changes, batch.number].join('-')
  const path = join(folder, 'batches', `${name}.csv`)
  await mkdir(join(folder, 'batches'), { recursive: true })
  await makeOnce(path, async (draft) => {
    await rm(draft, { recursive: true })
    await duck.run(
      `COPY (SELECT "Op", ${csvList(shape)} FROM (${batchSql(table, batch)})) TO ${literal(draft)} (FORMAT csv, HEADER true)`,
    )
  })
  return path
}

async function writeLoad(
  { duck, folder, parts }: Place & { readonly parts: number },
  { shape }: Source,
): Promise<string> {
  const load = join(folder, 'load')
  await makeOnce(load, async (draft) => {
    for (let part = 0; part < parts; part++) {
      const rows = `read_parquet(${literal(join(folder, 'table', `part-${part}.parquet`))})`
      const path = join(draft, `LOAD${String(part + 1).padStart(8, '0')}.csv`)
      await duck.run(`COPY (SELECT ${csvList(shape)} FROM ${rows}) TO ${literal(path)} (FORMAT csv, HEADER true)`)
    }
  })
  return load
}

/** What was interrupted is made anew. */
async function makeOnce(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return
  const draft = `${path}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  await make(draft)
  await rename(draft, path)
}

/** Reading a hundred million rows takes minutes: what they and the batches give is written down beside them. */
async function keptDigest(
  { duck, folder }: Place,
  { shape }: Source,
  { parquet, batches }: { readonly parquet: string; readonly batches: readonly string[] },
): Promise<Digest> {
  const hash = createHash('sha256')
  for (const path of batches) hash.update(await readFile(path))
  const kept = join(folder, 'digests', `${hash.digest('hex').slice(0, 32)}.json`)
  if (existsSync(kept)) return parseDigest(await readFile(kept, 'utf8'))
  const digest = await digestChanged(duck, shape, { parquet, batches })
  await mkdir(join(folder, 'digests'), { recursive: true })
  await writeFile(kept, JSON.stringify(digest))
  return digest
}

function parseDigest(text: string): Digest {
  return JSON.parse(text) as Digest
}
