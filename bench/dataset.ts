import { existsSync } from 'node:fs'
import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestLanding } from './digest.ts'
import { type Duck, literal } from './engine.ts'
import { measure } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { batchSql, CONFIGURATION, csvList, rowsSql } from './orders.ts'
import { BENCH, PYTHON, scriptOf } from './places.ts'

/** The generated files and what must come out of them. */
export interface Dataset {
  /** Glob of the LOAD files. */
  readonly load: string
  readonly warmUp: string
  readonly changes: string
  /** delta-rs's own table with the loaded rows: it refuses to write one that has domain metadata. */
  readonly peerTable: string
  readonly work: string
  readonly expected: Readonly<Record<'load' | 'upsert' | 'warm', Digest>>
}

// DMS cuts a load into files of at most 1 GB; five of them make five data files, on both sides.
const LOAD_FILES = 5
/** Change it with the generator: old files are then not taken again. */
const GENERATOR = 1

/** Generates what is not there yet, in `bench/data/`, and computes the expected rows from the CSV files. */
export async function prepareDataset(duck: Duck, options: BenchOptions, say: (text: string) => void): Promise<Dataset> {
  const { rows, changes, seed } = options
  const data = join(BENCH, 'data')
  const name = `orders-g${GENERATOR}-${rows}-${changes}-s${seed}`
  await removeOthers(data, name)
  const folder = join(data, name)
  const load = join(folder, 'load', 'LOAD*.csv')
  const [warmUp, batch] = [join(folder, 'warm-up.csv'), join(folder, 'changes.csv')]
  const peerTable = join(folder, 'delta-rs')
  if (!existsSync(join(folder, 'ready'))) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(join(folder, 'load'), { recursive: true })
    say(`generating ${rows} rows and two batches of ${changes} changes`)
    await writeLoad(duck, join(folder, 'load'), options)
    await writeCsv(duck, batchSql({ rows, changes, seed, batch: 1 }), warmUp, { withOp: true })
    await writeCsv(duck, batchSql({ rows, changes, seed, batch: 2 }), batch, { withOp: true })
    say('writing the table of delta-rs')
    await writePeerTable(duck, { folder, peerTable }, options)
    await writeFile(join(folder, 'ready'), '')
  }
  say('computing the expected rows from the CSV files')
  const expected = {
    load: await digestLanding(duck, load, []),
    upsert: await digestLanding(duck, load, [batch]),
    warm: await digestLanding(duck, load, [warmUp, batch]),
  }
  const work = join(data, 'work')
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  return { load, warmUp, changes: batch, peerTable, work, expected }
}

/** A project folder as a user has one: configuration, and a landing with the LOAD files (hard links) and the batches given by name. */
export async function makeProject(
  folder: string,
  { load }: Dataset,
  batches: Readonly<Record<string, string>> = {},
): Promise<void> {
  const landing = landingOf(folder)
  await mkdir(landing, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), CONFIGURATION)
  const source = join(load, '..')
  for (const name of await readdir(source)) await link(join(source, name), join(landing, name))
  for (const [name, path] of Object.entries(batches)) await link(path, join(landing, name))
}

/** Where a project's landing files of the table lie. */
export function landingOf(project: string): string {
  return join(project, 'landing', 'shop', 'orders')
}

/** Where a project's Delta table lies. */
export function tableOf(project: string): string {
  return join(project, 'lake', 'shop', 'orders')
}

async function writeLoad(duck: Duck, folder: string, { rows, seed }: BenchOptions): Promise<void> {
  for (const [index, [from, to]] of loadRanges(rows).entries()) {
    await writeCsv(duck, rowsSql(from, to, seed), join(folder, `LOAD0000000${index + 1}.csv`), { withOp: false })
  }
}

async function writeCsv(
  duck: Duck,
  rows: string,
  path: string,
  { withOp }: { readonly withOp: boolean },
): Promise<void> {
  await duck.run(
    `COPY (SELECT ${withOp ? '"Op", ' : ''}${csvList()} FROM (${rows})) TO ${literal(path)} (FORMAT csv, HEADER true)`,
  )
}

async function writePeerTable(
  duck: Duck,
  { folder, peerTable }: { readonly folder: string; readonly peerTable: string },
  { rows, seed }: BenchOptions,
): Promise<void> {
  const parts: string[] = []
  for (const [index, [from, to]] of loadRanges(rows).entries()) {
    const path = join(folder, `part-${index}.parquet`)
    await duck.run(
      `COPY (SELECT * REPLACE (ordered_at::TIMESTAMPTZ AS ordered_at) FROM (${rowsSql(from, to, seed)})) TO ${literal(path)} (FORMAT parquet)`,
    )
    parts.push(path)
  }
  await measure([PYTHON, scriptOf('delta-rs.py'), 'make', peerTable, ...parts], { cwd: folder })
  for (const path of parts) await rm(path)
}

function loadRanges(rows: number): readonly (readonly [number, number])[] {
  const size = Math.ceil(rows / LOAD_FILES)
  return Array.from(
    { length: LOAD_FILES },
    (_, index) => [1 + index * size, 1 + Math.min(rows, (index + 1) * size)] as const,
  )
}

// One data set at a time stays on the disk.
async function removeOthers(data: string, name: string): Promise<void> {
  for (const other of existsSync(data) ? await readdir(data) : []) {
    if (other !== name) await rm(join(data, other), { recursive: true, force: true })
  }
}
