import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type Engine, openEngine, quoteText } from '@tributary/delta'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FlightsTable, flightsTables } from '../../src/demo/flights-events.ts'
import { type FlightsStep, writeFlights } from '../../src/demo/flights-landing.ts'

// Slow because the data are real: a year is a million changes. That the derivation finds just these numbers is what the demo claims.
const data = join(import.meta.dirname, '../../../.venv/flights')

describe.skipIf(!existsSync(data))('the flights of 2013 as DMS files', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flights-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function write(
    into: string,
    options: { readonly days: number; readonly minuteHours: number },
  ): Promise<readonly FlightsStep[]> {
    const engine = await openEngine()
    try {
      return await Array.fromAsync(writeFlights(engine, { data, folder: into }, options))
    } finally {
      await engine.close()
    }
  }

  /** A file of all lines of these files, in their order. DuckDB takes 3 ms to open one, and a year has 17,000. */
  async function joined(files: readonly string[], part: string): Promise<string> {
    const wanted = files.filter((file) => file.includes(part))
    const path = join(folder, `${part.replaceAll('/', '-')}.csv`)
    for (const [at, file] of wanted.entries()) {
      const text = await readFile(file, 'utf8')
      await appendFile(path, at === 0 ? text : text.slice(text.indexOf('\n') + 1))
    }
    return path
  }

  test('the year has 1,000,898 changes, the last of each flight is the data set, and moments show its wall clocks', async () => {
    const engine = await openEngine({ memoryMiB: 2048 })
    try {
      const steps = await Array.fromAsync(writeFlights(engine, { data, folder }, { days: 364, lastHours: 6 }))
      const files = steps.flatMap((step) => step.files)
      const load = await joined(files, '/flights/LOAD')
      const changes = await joined(files, '/flights/20')
      await engine.run(
        `CREATE TEMP TABLE written AS SELECT *, true AS is_load FROM ${fileSql(load, 'flights')}
         UNION ALL SELECT *, false FROM ${fileSql(changes, 'flights')}`,
      )
      expect(await plainRow(engine, COUNTS)).toEqual({
        scheduled: 336_776,
        departed: 328_521,
        arrived: 327_346,
        cancelled: 8_255,
        backwards: 0,
      })
      expect(
        await plainRow(
          engine,
          `SELECT count(*)::INTEGER AS weather FROM ${fileSql(await joined(files, '/weather/'), 'weather')}`,
        ),
      ).toEqual({
        weather: 26_115,
      })
      const source = `read_csv(${quoteText(join(data, 'flights.csv'))}, header = true, all_varchar = true, nullstr = 'NA')`
      expect(await plainRow(engine, comparedSql(source))).toEqual({ flights: 336_776, others: 0, diverted: 717 })
      expect(await plainRow(engine, CLOCKS)).toEqual({ arrived: 327_346, early: 0, same: 327_345 })
    } finally {
      await engine.close()
    }
  })

  test('the same days give the same bytes, hour by hour and at the end minute by minute', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    const steps = await write(one, { days: 2, minuteHours: 1 })
    const again = await write(two, { days: 2, minuteHours: 1 })
    expect(again.map((step) => step.changes)).toEqual(steps.map((step) => step.changes))
    for (const file of steps.flatMap((step) => step.files)) {
      expect(await readFile(join(two, relative(one, file)), 'utf8')).toBe(await readFile(file, 'utf8'))
    }
    expect(steps.filter((step) => step.kind === 'load')).toHaveLength(1)
    expect(steps.filter((step) => step.kind === 'hour').every((step) => step.until.endsWith(':00:00Z'))).toBe(true)
    expect(steps.filter((step) => step.kind === 'minute').every((step) => step.until > '2013-01-03T04:00:00Z')).toBe(
      true,
    )
    expect(steps.at(-1)?.kind).toBe('minute')
  })
})

function fileSql(path: string, table: FlightsTable): string {
  const names = ['Op', 'dms_ts', ...Object.keys(flightsTables[table].columns), 'change_seq']
  const columns = names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  return `read_csv(${quoteText(path)}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {${columns}},
    nullstr = '\\N')`
}

const COMPARED = ['dep_time', 'dep_delay', 'arr_delay', 'air_time', 'tailnum', 'origin', 'dest', 'distance'] as const

/** Changes by what they tell, and how many have no higher sequence than the one before, in the order of files and lines. */
const COUNTS = `SELECT count_if(Op = 'I')::INTEGER AS scheduled,
    count_if(Op = 'U' AND cancelled = 'false' AND arr_delay IS NULL)::INTEGER AS departed,
    count_if(Op = 'U' AND cancelled = 'false' AND arr_delay IS NOT NULL)::INTEGER AS arrived,
    count_if(Op = 'U' AND cancelled = 'true')::INTEGER AS cancelled,
    count_if(change_seq <= before)::INTEGER AS backwards
  FROM (SELECT *, lag(change_seq) OVER () AS before FROM written WHERE NOT is_load UNION ALL SELECT *, NULL FROM written WHERE is_load)`

/** The last change of each flight beside its line in the data set. */
function comparedSql(source: string): string {
  const other = COMPARED.map((name) => `f.${name} IS DISTINCT FROM w.${name}`).join(' OR ')
  return `SELECT count(w.flight)::INTEGER AS flights, count_if(${other})::INTEGER AS others,
      count_if(f.arr_time IS DISTINCT FROM w.arr_time)::INTEGER AS diverted
    FROM ${source} f LEFT JOIN (
      SELECT * FROM written QUALIFY row_number() OVER (PARTITION BY time_hour, carrier, flight ORDER BY change_seq DESC NULLS LAST) = 1
    ) w ON replace(replace(f.time_hour, 'T', ' '), 'Z', '') = w.time_hour AND f.carrier = w.carrier AND f.flight = w.flight`
}

/** The derived moments as wall clocks at the destination. */
const CLOCKS = `WITH moments AS (
    SELECT *, departs + to_minutes(dep_delay::INTEGER) AS took_off, arrives + to_minutes(arr_delay::INTEGER) AS landed
    FROM flight_times WHERE arr_delay IS NOT NULL
  ), clocks AS (SELECT *, (landed AT TIME ZONE 'UTC') AT TIME ZONE zone AS there FROM moments)
  SELECT count(*)::INTEGER AS arrived, count_if(landed < took_off)::INTEGER AS early,
    count_if(hour(there) * 100 + minute(there) = arr_time::INTEGER % 2400)::INTEGER AS same FROM clocks`

async function plainRow(engine: Engine, sql: string): Promise<Readonly<Record<string, unknown>>> {
  return { ...(await engine.all(sql))[0] }
}
