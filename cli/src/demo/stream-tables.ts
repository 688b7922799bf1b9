// Five tables out of the flights of 2013, for the demo that streams: each airport of New York has flights of its own, and beside the
// weather there is where each aircraft is, derived from its departures and arrivals.
import type { FlightsEvent } from './flights-events.ts'
import { flightsTables } from './flights-events.ts'

/** The tables with their keys and columns, as `tributary.yaml` names them. */
export const streamTables = {
  'ewr.flights': flightsTables.flights,
  'jfk.flights': flightsTables.flights,
  'lga.flights': flightsTables.flights,
  'nyc.weather': flightsTables.weather,
  'nyc.aircraft': {
    key: ['tailnum'],
    columns: {
      tailnum: 'string',
      carrier: 'string',
      flight: 'integer',
      origin: 'string',
      dest: 'string',
      in_air: 'boolean',
      time_hour: 'timestamp',
    },
  },
} as const satisfies Record<
  string,
  { readonly key: readonly string[]; readonly columns: Readonly<Record<string, string>> }
>

export type StreamTable = keyof typeof streamTables

/** The names of the five tables, in the order in which their files are put. */
export const streamNames: readonly StreamTable[] = [
  'ewr.flights',
  'jfk.flights',
  'lga.flights',
  'nyc.weather',
  'nyc.aircraft',
]

/** One change of one of the five. */
export interface StreamChange {
  readonly atSeconds: number
  readonly table: StreamTable
  readonly op: 'I' | 'U'
  /** The table's columns as CSV. */
  readonly line: string
}

const flightColumns = Object.keys(flightsTables.flights.columns)
const flightsOf = new Map<string, StreamTable>([
  ['EWR', 'ewr.flights'],
  ['JFK', 'jfk.flights'],
  ['LGA', 'lga.flights'],
])

/** Sorts events to the five tables. `seen` remembers the aircraft: the first change of one is an insert. */
export function changesOf(event: FlightsEvent, seen: Set<string>): readonly StreamChange[] {
  const { atSeconds, table, op, line } = event
  if (table === 'weather') return [{ atSeconds, table: 'nyc.weather', op, line }]
  // No field of a flight holds a comma or a quote.
  const fields = line.split(',')
  const field = (name: string): string => fields[flightColumns.indexOf(name)] ?? ''
  const flights = flightsOf.get(field('origin'))
  if (flights === undefined) return []
  const own: StreamChange = { atSeconds, table: flights, op, line }
  const tailnum = field('tailnum')
  if (field('cancelled') !== 'false' || tailnum === '\\N') return [own]
  const isFirst = !seen.has(tailnum)
  seen.add(tailnum)
  const isInAir = field('arr_delay') === '\\N'
  const where = ['carrier', 'flight', 'origin', 'dest'].map(field)
  const place = [tailnum, ...where, String(isInAir), field('time_hour')].join(',')
  return [own, { atSeconds, table: 'nyc.aircraft', op: isFirst ? 'I' : 'U', line: place }]
}

/** `tributary.yaml` of the demo. */
export function streamConfig(place: {
  readonly landing: string
  readonly lake: string
  readonly queue: string
}): string {
  const tables = streamNames.map((name) => {
    const { key, columns } = streamTables[name]
    const types = Object.entries(columns).map(([column, type]) => `      ${column}: ${type}\n`)
    return `  ${name}:\n    key: [${key.join(', ')}]\n    sequence: change_seq\n    columns:\n${types.join('')}`
  })
  return `# The demo on S3: the flights of 2013 as five tables. The servers ended with the demo: run it again to look at them.
landing: ${place.landing}
lake: ${place.lake}
queue: ${place.queue}
dms:
  DataFormat: csv
  AddColumnName: true
  IncludeOpForFullLoad: true
  CsvNullValue: '\\N'
  TimestampColumnName: dms_ts
# The demo puts each load whole, so that nothing has to settle.
reload: {settle: 0s}
tables:
${tables.join('')}`
}
