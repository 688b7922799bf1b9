import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../engine.ts'
import { anonMib, atMost, baseFigures, figureOf, ratiosOf, valuesOf } from '../figures.ts'
import { copyLake, DEFINITIONS, makeFlightsBase, makeWholeYear } from '../flights.ts'
import { measure } from '../measure.ts'
import { scriptOf } from '../places.ts'
import { cacheOf } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import { assertSameRows } from '../same-rows.ts'
import type { Outcome } from '../suite.ts'

const MS_MAX = 15_000
const TIMES_MAX = 1.5
const MEMORY_MIB_MAX = 1536
const KEY = ['time_hour', 'carrier', 'flight']
const BY_HAND = 'duckdb, by hand'

/** A training set of all flights, as they were known two hours before each: eight windows, two asof joins, and all that makes it reproducible. */
export async function datasetBuild(bench: Bench): Promise<Outcome> {
  const year = await makeWholeYear(bench, await makeFlightsBase(bench))
  const expected = await writeExpected(bench, year)
  const check = (who: string, files: string): Promise<void> =>
    assertSameRows(bench.duck, who, {
      actual: `FROM read_parquet(${literal(files)})`,
      expected: `FROM read_parquet(${literal(expected)})`,
      key: KEY,
    })
  const runs = await runRounds(bench, 'flights/dataset-build', [
    ...bench.programs.map(
      ({ suffix, root }): Contender => ({
        name: `tributary${suffix}`,
        prepare: (folder) => copyLake(year, folder),
        command: (folder) => [join(root, 'bin', 'tributary'), 'dataset', 'build', 'late_flights', '-C', folder],
        environment: cacheOf,
        check: (folder) => check('tributary', join(folder, 'lake', '_datasets', 'late_flights', '*', '*', '*.parquet')),
      }),
    ),
    {
      name: BY_HAND,
      prepare: async () => {},
      command: (folder) => byHand(year, folder),
      check: (folder) => check(BY_HAND, join(folder, '*.parquet')),
    },
  ])
  const { rows } = await bench.duck.row(`SELECT count(*) AS rows FROM read_parquet(${literal(expected)})`)
  return {
    work: `a dataset of ${rows} rows with 8 windows and 2 asof joins, by what was known at the time of each row`,
    runs,
    figures: [
      figureOf('tributary dataset build, whole process', 'ms', valuesOf(runs, 'tributary'), atMost(MS_MAX)),
      figureOf(
        'it takes, of the time of DuckDB’s SQL written by hand, whole processes',
        'times',
        ratiosOf(runs, 'tributary', BY_HAND),
        atMost(TIMES_MAX),
      ),
      figureOf('peak RssAnon', 'MiB', valuesOf(runs, 'tributary', anonMib), atMost(MEMORY_MIB_MAX)),
      figureOf('peak RssAnon of DuckDB by hand', 'MiB', valuesOf(runs, BY_HAND, anonMib)),
      ...baseFigures(runs),
    ],
  }
}

function byHand(year: string, out: string): readonly string[] {
  const script = join(DEFINITIONS, 'datasets', 'late_flights.sql')
  return [process.execPath, scriptOf('sql-file.ts'), script, '1', `lake=${join(year, 'lake')}`, `out=${out}`]
}

/** What DuckDB's SQL gives: what the dataset has to hold. */
async function writeExpected({ work, say }: Bench, year: string): Promise<string> {
  const folder = join(work, 'expected-dataset')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  say('computing the dataset by hand-written SQL')
  await measure(byHand(year, folder), { cwd: folder })
  return join(folder, '*.parquet')
}
