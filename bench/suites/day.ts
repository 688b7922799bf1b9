import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { laterBatches } from '../batches.ts'
import { type Dataset, prepareDataset } from '../dataset.ts'
import { literal } from '../engine.ts'
import { atMost, figureOf, valuesOf } from '../figures.ts'
import { type BenchOptions, ROWS_MIN } from '../options.ts'
import { ORDERS } from '../orders.ts'
import { copyFolder, scriptOf } from '../places.ts'
import { type Base, cacheOf, checkLake, lakeOf, makeBase } from '../project.ts'
import { type Bench, runRounds } from '../rounds.ts'
import { assertAgreed, readers, readFigures } from '../scans.ts'
import type { Outcome } from '../suite.ts'

const COMMITS = 1440
const COMMITS_MIN = 60
const CHANGES = 1000
const AT_THE_END = 'after the day'

/** A day of small commits through a worker that keeps its table in shape by itself, and what reading costs in the evening. */
export async function day(bench: Bench): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const batches = await batchesOfDay(dataset, bench.options)
  let changedBytes = 0
  for (const path of batches) changedBytes += (await stat(path)).size
  const evening = join(bench.work, 'evening')
  const worked = await runRounds({ ...bench, options: { ...bench.options, rounds: 1 } }, 'orders/day', [
    workerOf(bench, { base, batches, evening }),
  ])
  const raw = await writeRaw(bench, evening)
  const read = await runRounds(bench, 'orders/day', readers(bench, { project: evening, kind: AT_THE_END, raw: [raw] }))
  const lakeBytes = await newBytes(join(evening, 'lake'), join(base.folder, 'lake'))
  assertAgreed(read, { kind: AT_THE_END, rows: (await dataset.expected([...base.batches, ...batches])).rows })
  const ofDay = (name: string): readonly number[] => valuesOf(worked, 'tributary', ({ own }) => own[name] ?? Number.NaN)
  return {
    work: `${batches.length} commits of ${CHANGES} changes to random keys of ${dataset.rows} rows, upkeep included`,
    runs: [...worked, ...read],
    figures: [
      figureOf(
        'bytes written into the lake, of the bytes of the changes',
        'times',
        [lakeBytes / changedBytes],
        atMost(8),
      ),
      figureOf(
        'all bytes written, with the key index in the cache folder',
        'times',
        valuesOf(worked, 'tributary', ({ writtenBytes }) => writtenBytes / changedBytes),
      ),
      // One day is run. What its quartiles differ by is the noise of how its medians compare.
      figureOf(
        'the last 20 commits take, of the time of the first 20',
        'times',
        ['growthLow', 'growth', 'growthHigh'].flatMap(ofDay),
        atMost(1.3),
      ),
      figureOf('from file to commit, median of the day', 'ms', ofDay('ms')),
      figureOf('the slowest commit', 'ms', ofDay('greatestMs')),
      figureOf(
        'peak RssAnon of the worker',
        'MiB',
        ofDay('anonKib').map((kib) => kib / 1024),
      ),
      ...readFigures(read, AT_THE_END, { raw: atMost(1.3) }),
    ],
  }
}

/** Bytes of the files that are in one folder and not in the other; a day deletes none but old commits of the log. */
async function newBytes(folder: string, before: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !existsSync(join(before, path.slice(folder.length)))) bytes += (await stat(path)).size
  }
  return bytes
}

/** A batch a minute; a try with fewer rows has a shorter day. */
export async function batchesOfDay(dataset: Dataset, { rows }: Pick<BenchOptions, 'rows'>): Promise<readonly string[]> {
  const commits = Math.min(COMMITS, Math.max(COMMITS_MIN, Math.round((COMMITS * rows) / ROWS_MIN)))
  return laterBatches(dataset, { changes: CHANGES, count: commits })
}

interface DayWork {
  readonly base: Base
  readonly batches: readonly string[]
  /** Where the project goes when the day is over. */
  readonly evening: string
}

function workerOf(bench: Bench, { base, batches, evening }: DayWork) {
  const { table } = ORDERS.shape
  return {
    name: 'tributary',
    prepare: (folder: string) => copyFolder(base.folder, folder),
    command: (folder: string) => [
      process.execPath,
      scriptOf('day.ts'),
      join(bench.programs[0]?.root ?? '', 'bin', 'tributary'),
      folder,
      table,
      ...batches,
    ],
    environment: cacheOf,
    check: async (folder: string) => {
      await checkLake(bench, base, { folder, more: batches })
      await rm(evening, { recursive: true, force: true })
      await rename(folder, evening)
      await mkdir(folder)
    },
  }
}

/** The rows of the evening as one Parquet file that DuckDB writes: nothing to skip, nothing to join. */
async function writeRaw({ duck, work }: Bench, project: string): Promise<string> {
  const path = join(work, 'evening.parquet')
  const table = lakeOf(project, ORDERS.shape.table)
  await duck.run(`COPY (FROM delta_scan(${literal(table)})) TO ${literal(path)} (FORMAT parquet)`)
  return path
}
