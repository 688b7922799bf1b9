// One request as a service would get it: a flight two hours before it departs, with what the live tables and the stored features know now.
import { type Engine, quoteText, type Row } from '@tributary/delta'
import { type FeatureDefinition, featureRow } from '@tributary/ml'
import { findNamedTable, type Lake, prepareQuery } from '@tributary/pipeline'
import { demoFailed } from '../errors.ts'

/** A stored feature as it was read for the request. */
export interface ServedFeature {
  readonly name: string
  readonly key: string
  readonly version: number
  /** From the moment that its rows are as of to the request. */
  readonly ageMs: number
  readonly values: Row
}

/** What the model is asked. */
export interface Request {
  readonly flight: string
  /** Two hours before the scheduled departure. */
  readonly at: string
  /** By the names of the dataset's columns. */
  readonly columns: Row
  readonly features: readonly ServedFeature[]
}

/** What answers requests. */
export interface Serving {
  readonly lake: Lake
  readonly engine: Engine
  readonly features: readonly FeatureDefinition[]
}

/** The next flight of which all stored features know something, with its row. Throws `DEMO_FAILED` where there is none. */
export async function readRequest({ lake, engine, features }: Serving, nowMs: number): Promise<Request> {
  const fork = await engine.fork()
  try {
    const now = `TIMESTAMPTZ ${quoteText(new Date(nowMs).toISOString())}`
    const { sql } = await prepareQuery(fork, (name) => findNamedTable(lake, name), nextFlightSql(now), { nowMs })
    const [row] = await fork.all(sql)
    if (row === undefined) throw demoFailed('no flight is scheduled for the hour after the last one')
    const { fid, at, ...columns } = row
    const served: ServedFeature[] = []
    for (const definition of features) {
      const key = definition.entity.map((name) => String(columns[name])).join('/')
      const { sql: rowSql, version, state } = await featureRow(fork, lake, definition, key)
      const [values = {}] = await fork.all(rowSql)
      const ageMs = Date.parse(String(at)) - (state?.asOf ?? Number.NaN)
      served.push({ name: definition.name, key, version, ageMs, values: valuesOf(definition, values) })
    }
    // The columns of a stored feature are called as those of the dataset's window of the same name.
    const stored = served.flatMap(({ name, values }) =>
      Object.entries(values).map(([column, value]) => [`${name}_${column}`, value] as const),
    )
    return {
      flight: String(fid),
      at: String(at),
      columns: { ...columns, ...Object.fromEntries(stored) },
      features: served,
    }
  } finally {
    await fork.close()
  }
}

/** How late a flight arrived, once the lake knows; null before that, and for a flight that never did. */
export async function readOutcome({ lake, engine }: Serving, flight: string): Promise<number | null> {
  const fork = await engine.fork()
  try {
    const query = `SELECT arr_delay FROM nyc.flights WHERE ${FLIGHT_ID} = ${quoteText(flight)}`
    const { sql } = await prepareQuery(fork, (name) => findNamedTable(lake, name), query, { nowMs: 0 })
    const [row] = await fork.all(sql)
    return typeof row?.['arr_delay'] === 'number' ? row['arr_delay'] : null
  } finally {
    await fork.close()
  }
}

const FLIGHT_ID = `(strftime(time_hour, '%Y-%m-%dT%H:%M:%SZ') || '/' || carrier || '/' || flight)`
const WEATHER = ['temp', 'dewp', 'humid', 'wind_dir', 'wind_speed', 'wind_gust', 'precip', 'visib']

function nextFlightSql(now: string): string {
  const weather = WEATHER.map((name) => `w.${name} AS weather_${name}`).join(', ')
  return `
    SELECT ${FLIGHT_ID.replaceAll(/\b(time_hour|carrier|flight)\b/g, 'f.$1')} AS fid,
      f.time_hour + to_minutes(f.minute) - INTERVAL 2 HOUR AS "at",
      f.carrier, f.origin, f.dest, f.tailnum, f.distance, f.month, f.hour,
      dayofweek(make_date(f.year, f.month, f.day)) AS weekday, p.seats AS planes_seats, ${weather}
    FROM nyc.flights f
    JOIN features.aircraft a ON a.tailnum = f.tailnum AND a.legs > 0
    JOIN features.airport o ON o.origin = f.origin
    JOIN features.destination d ON d.dest = f.dest
    JOIN features.route r ON r.origin = f.origin AND r.dest = f.dest
    LEFT JOIN nyc.planes p ON p.tailnum = f.tailnum
    LEFT JOIN (SELECT * FROM nyc.weather QUALIFY row_number() OVER (PARTITION BY origin ORDER BY time_hour DESC) = 1) w ON w.origin = f.origin
    WHERE f.time_hour + to_minutes(f.minute) - INTERVAL 2 HOUR >= ${now}
    ORDER BY "at", fid LIMIT 1`
}

function valuesOf({ entity }: FeatureDefinition, row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('__') && !entity.includes(name)))
}
