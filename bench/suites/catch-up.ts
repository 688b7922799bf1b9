import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { flightsTables } from '../../cli/src/demo/flights-events.ts'
import { assertSame, type Digest, digestDelta, digestOf } from '../digest.ts'
import { literal } from '../engine.ts'
import { anonMib, atLeast, atMost, baseFigures, figureOf, valuesOf } from '../figures.ts'
import { flightsOf } from '../flights.ts'
import { cacheOf, lakeOf } from '../project.ts'
import { type Bench, type Contender, runRounds } from '../rounds.ts'
import { comparedList, csvColumns, type TableShape } from '../shape.ts'
import type { Outcome } from '../suite.ts'

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
