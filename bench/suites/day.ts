import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { laterBatches } from '../batches.ts'
import { type Dataset, prepareDataset } from '../dataset.ts'
import { literal } from '../engine.ts'
import { atMost, figureOf, ownMs, ratiosOf, valuesOf } from '../figures.ts'
import { type BenchOptions, ROWS_MIN, type SuiteName } from '../options.ts'
import { ORDERS } from '../orders.ts'
import { copyFolder, scriptOf } from '../places.ts'
import { adoptInto, type Base, cacheOf, checkLake, lakeOf, makeBase } from '../project.ts'
import { type Bench, runRounds } from '../rounds.ts'
import { assertAgreed, rawReader, readers, readFigures } from '../scans.ts'
import { configurationOf } from '../shape.ts'
import type { Outcome } from '../suite.ts'

const COMMITS = 1440
const COMMITS_MIN = 60
const CHANGES = 1000
const AT_THE_END = 'after the day'
// As the files of our tables.
const PACKED = ', COMPRESSION zstd, COMPRESSION_LEVEL 1'

interface DayTerms {
  readonly suite: SuiteName
  /** What `properties:` of the table says. */
  readonly properties: readonly string[]
  /** How DuckDB writes a file as the table's are. */
  readonly packed: string
}

/** A day of small commits through a worker that keeps its table in shape by itself, and what reading costs in the evening. */
export function day(bench: Bench): Promise<Outcome> {
  return runDay(bench, { suite: 'orders/day', properties: [], packed: PACKED })
}

/** The same for a table that nobody reads with Spark 3.5. */
export function dayOfParquet2(bench: Bench): Promise<Outcome> {
  return runDay(bench, {
    suite: 'orders/day-parquet-2',
    properties: ['delta.parquet.format.version: 2.12.0'],
    packed: `${PACKED}, PARQUET_VERSION v2`,
  })
}

async function runDay(bench: Bench, { suite, properties, packed }: DayTerms): Promise<Outcome> {
  const dataset = await prepareDataset(bench, ORDERS, bench.options)
  const base = await makeBase(bench, dataset)
  const batches = await batchesOfDay(dataset, bench.options)
  let changedBytes = 0
  for (const path of batches) changedBytes += (await stat(path)).size
  const evening = join(bench.work, 'evening')
  const worked = await runRounds({ ...bench, options: { ...bench.options, rounds: 1 } }, suite, [
    workerOf(bench, { base, batches, evening, properties }),
  ])
  const raw = await writeRaw(bench, evening)
  const asPacked = await writeRaw(bench, evening, packed)
  const read = await runRounds(bench, suite, [
    ...readers(bench, { project: evening, kind: AT_THE_END, raw: [raw] }),
    rawReader('raw parquet, packed alike', AT_THE_END, [asPacked]),
  ])
  const lakeBytes = await newBytes(join(evening, 'lake'), join(base.folder, 'lake'))
  assertAgreed(read, { kind: AT_THE_END, rows: (await dataset.expected([...base.batches, ...batches])).rows })
  const ofDay = (name: string): readonly number[] => valuesOf(worked, 'tributary', ({ own }) => own[name] ?? Number.NaN)
  return {
    work: `${batches.length} commits of ${CHANGES} changes to random keys of ${dataset.rows} rows, upkeep included, a file when the worker is at rest${properties.map((property) => `, with \`${property}\``).join('')}`,
    runs: [...worked, ...read],
    figures: [
      figureOf(
        'bytes written into the lake, of the bytes of the changes',
        'times',
        [lakeBytes / changedBytes],
        atMost(8),
      ),
      // The commits that begin the day anew are in it, a seventieth.
      figureOf(
        'all bytes written, with the key index in the cache folder',
        'times',
        valuesOf(worked, 'tributary', ({ writtenBytes }) => writtenBytes / changedBytes),
      ),
      // One day is run. What its quartiles differ by is the noise of how its medians compare.
      figureOf(
        'the last 20 commits take, of the time of the first 20, begun anew and in turns with them',
        'times',
        ['growthLow', 'growth', 'growthHigh'].flatMap(ofDay),
        atMost(1.3),
      ),
      figureOf('the same, of the first 20 of that day', 'times', ofDay('growthOverDay')),
      figureOf('from file to commit, median of the day', 'ms', ofDay('ms')),
      figureOf('the slowest commit', 'ms', ofDay('greatestMs')),
      figureOf(
        'peak RssAnon of the worker',
        'MiB',
        ofDay('anonKib').map((kib) => kib / 1024),
      ),
      ...readFigures(read, AT_THE_END, { raw: atMost(1.3) }),
      figureOf(
        `${AT_THE_END}: Tributary takes, of the time of raw Parquet that is packed alike`,
        'times',
        ratiosOf(read, `tributary, ${AT_THE_END}`, `raw parquet, packed alike, ${AT_THE_END}`, ownMs),
      ),
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
  readonly properties: readonly string[]
}

function workerOf(bench: Bench, { base, batches, evening, properties }: DayWork) {
  const { table } = ORDERS.shape
  const morning = join(bench.work, 'morning')
  return {
    name: 'tributary',
    prepare: async (folder: string) => {
      await copyFolder(base.folder, folder)
      await adoptInto(bench, base.dataset, { batch: base.batches[0] ?? '', folder: morning })
      for (const project of [folder, morning])
        await writeFile(join(project, 'tributary.yaml'), configurationOf(ORDERS.shape, properties))
    },
    command: (folder: string) => [
      process.execPath,
      scriptOf('day.ts'),
      join(bench.programs[0]?.root ?? '', 'bin', 'tributary'),
      folder,
      morning,
      table,
      ...batches,
    ],
    environment: cacheOf,
    check: async (folder: string) => {
      await checkLake(bench, base, { folder, more: batches })
      await rm(evening, { recursive: true, force: true })
      await rename(folder, evening)
      await rm(morning, { recursive: true, force: true })
      await mkdir(folder)
    },
  }
}

/** The rows of the evening as one Parquet file that DuckDB writes, by its defaults or as it is told: nothing to skip, nothing to join. */
async function writeRaw({ duck, work }: Bench, project: string, packed = ''): Promise<string> {
  const path = join(work, `evening${packed === '' ? '' : '-packed'}.parquet`)
  const table = lakeOf(project, ORDERS.shape.table)
  await duck.run(`COPY (FROM delta_scan(${literal(table)})) TO ${literal(path)} (FORMAT parquet${packed})`)
  return path
}
