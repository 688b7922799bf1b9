import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openEngine } from '@tributary/delta'
import { flightsTables } from '../../cli/src/demo/flights-events.ts'
import { writeFlights } from '../../cli/src/demo/flights-landing.ts'
import { assertSame, type Digest, digestDelta, digestOf } from '../digest.ts'
import { literal } from '../engine.ts'
import { anonMib, atLeast, atMost, baseFigures, figureOf, valuesOf } from '../figures.ts'
import { type BenchOptions, ROWS_MIN } from '../options.ts'
import { BENCH, CHECKOUT } from '../places.ts'
import { cacheOf, lakeOf } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import { comparedList, csvColumns, type TableShape } from '../shape.ts'
import type { Outcome } from '../suite.ts'

const DAYS = 365
const DAYS_MIN = 7
const CHANGES_A_SECOND_MIN = 50_000
const MEMORY_MIB_MAX = 1024

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  integer: 'INTEGER',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  boolean: 'BOOLEAN',
}
const FLIGHTS: TableShape = {
  table: 'nyc.flights',
  key: flightsTables.flights.key,
  columns: Object.entries({ ...flightsTables.flights.columns, change_seq: 'string' }).map(([name, delta]) => ({
    name,
    delta,
    duckdb: DUCKDB_TYPES[delta] ?? 'VARCHAR',
  })),
}

/** A year of real flights lies in the landing, a file an hour: one `ingest` catches up. */
export async function catchUp(bench: Bench): Promise<Outcome> {
  const { folder: year, days } = await flightsOf(bench, bench.options)
  const files = literal(join(year, 'landing', 'out', 'nyc', 'flights', '*.csv'))
  const found = await bench.duck.row(
    `SELECT count(*) AS changes, count(DISTINCT filename) AS files FROM read_csv(${files}, header = true, all_varchar = true, filename = true)`,
  )
  const expected = await digestFlights(bench, files)
  const runs = await runRounds(
    bench,
    'flights/catch-up',
    bench.programs.map(
      ({ suffix, root }): Contender => ({
        name: `tributary${suffix}`,
        prepare: (folder) => cp(year, folder, { recursive: true, preserveTimestamps: true }),
        command: (folder) => [join(root, 'bin', 'tributary'), 'ingest', '--table', FLIGHTS.table, '-C', folder],
        environment: cacheOf,
        check: async (folder) => {
          const digest = await digestDelta(bench.duck, FLIGHTS, lakeOf(folder, FLIGHTS.table))
          assertSame('tributary', digest, expected)
        },
      }),
    ),
  )
  return {
    work: `${found.changes} changes in ${found.files} files of ${days} days of flights`,
    runs,
    figures: [
      figureOf(
        'changes, whole process',
        'a second',
        valuesOf(runs, 'tributary', ({ ms }) => (Number(found.changes) / ms) * 1000),
        atLeast(CHANGES_A_SECOND_MIN),
      ),
      figureOf('peak RssAnon', 'MiB', valuesOf(runs, 'tributary', anonMib), atMost(MEMORY_MIB_MAX)),
      ...baseFigures(runs),
    ],
  }
}

/** The landing of the demo, written once: its files are the same every time. A try with fewer rows has fewer days. */
export async function flightsOf(
  { say }: Pick<Bench, 'say'>,
  { rows }: Pick<BenchOptions, 'rows'>,
): Promise<{ readonly folder: string; readonly days: number }> {
  const days = Math.min(DAYS, Math.max(DAYS_MIN, Math.round((DAYS * rows) / ROWS_MIN)))
  const folder = join(BENCH, 'data', `flights-${days}`)
  if (existsSync(folder)) return { folder, days }
  say(`writing ${days} days of flights`)
  const draft = `${folder}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  const engine = await openEngine()
  const place = { data: join(CHECKOUT, '.venv', 'flights'), folder: draft }
  for await (const step of writeFlights(engine, place, { days, minuteHours: 0 }))
    if (step.kind === 'load') say(`${step.files.length} files of the load, then a file an hour`)
  await engine.close()
  await rename(draft, folder)
  return { folder, days }
}

/** The newest change of each flight, by DuckDB alone. */
async function digestFlights({ duck }: Bench, files: string): Promise<Digest> {
  const columns = csvColumns(
    { ...FLIGHTS, columns: [{ name: 'dms_ts', delta: 'timestamp', duckdb: 'TIMESTAMP' }, ...FLIGHTS.columns] },
    { withOp: true },
  )
  const changes = `read_csv(${files}, header = true, nullstr = '\\N', columns = ${columns})`
  const key = FLIGHTS.key.join(', ')
  return digestOf(
    duck,
    FLIGHTS,
    `SELECT ${comparedList(FLIGHTS)} FROM ${changes} QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY coalesce(change_seq, '') DESC) = 1`,
  )
}
