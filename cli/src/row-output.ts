import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, lstat, open, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import {
  bloomFilterOptions,
  csvHeader,
  csvSql,
  type Engine,
  ndjsonSql,
  quoteText,
  readLines,
  type StructField,
  textSql,
} from '@tributary/delta'
import { type Command, Option } from 'commander'
import { outputFailed, terminalRefused } from './errors.ts'
import type { Invocation } from './invocation.ts'
import { type Cell, headerLine, plainLine, planWidths, rowLine, type TableStyle } from './table-format.ts'

const FORMATS = ['table', 'ndjson', 'csv', 'parquet'] as const
export type Format = (typeof FORMATS)[number] | 'plain'

/** The flags of a verb that prints rows. */
export interface RowFlags {
  readonly output?: Format
  readonly out?: string
}

/** A SELECT and its columns. */
export interface Rows {
  readonly sql: string
  readonly fields: readonly StructField[]
  /** The engine writes nowhere but into its own folder. */
  readonly isSealed?: boolean
}

/** Adds `-o` and `--out`; a verb may know further formats. */
export function addRowFlags(command: Command, further: readonly string[] = []): Command {
  return command
    .addOption(
      new Option('-o, --output <format>', 'default: a table on a terminal, else tab-separated').choices([
        ...FORMATS,
        ...further,
      ]),
    )
    .option('--out <file>', 'write to this file')
}

/** Says no before any work is done. Throws `TERMINAL_REFUSED`. */
export function assertWritable({ data }: Invocation, flags: RowFlags): void {
  if (flags.output === 'parquet' && flags.out === undefined && data.isTerminal) throw terminalRefused('Parquet')
}

/** Prints rows in bounded memory, in the format asked for. */
export async function writeRows(invocation: Invocation, engine: Engine, rows: Rows, flags: RowFlags): Promise<void> {
  assertWritable(invocation, flags)
  const format = chooseFormat(invocation, flags)
  if (format === 'parquet') return writeParquet(invocation, engine, rows, flags)
  await writeWhole(invocation, flags, async (sink) => {
    const style = flags.out === undefined ? invocation.style : undefined
    await (format === 'table' ? writeTable(engine, rows, sink, style) : writeText(engine, rows, sink, format))
  })
}

/** Prints the lines that a SELECT makes, in bounded memory. */
export async function writeLines(
  invocation: Invocation,
  engine: Engine,
  sql: string,
  flags: Pick<RowFlags, 'out'>,
): Promise<void> {
  await writeWhole(invocation, flags, (sink) => writeLinesTo(sink, engine, sql))
}

/** Makes what was written to `--out` outlive a crash of the machine, its name included. */
export async function syncOutput({ out }: Pick<RowFlags, 'out'>): Promise<void> {
  if (out === undefined) return
  for (const path of [out, dirname(resolve(out))]) {
    const file = await open(path, 'r')
    await file.sync().finally(() => file.close())
  }
}

function chooseFormat({ flags: { json, plain }, data }: Invocation, flags: RowFlags): Format {
  if (flags.output !== undefined) return flags.output
  if (json) return 'ndjson'
  return data.isTerminal && !plain && flags.out === undefined ? 'table' : 'plain'
}

interface Sink {
  readonly write: (text: string) => Promise<void>
  readonly close: () => Promise<void>
  /** Takes back what was written, where that can be done. */
  readonly discard: () => Promise<void>
}

/** To the file that `--out` names, or to stdout. A file that could not be finished is removed: it would look like all of the rows. */
async function writeWhole(
  invocation: Invocation,
  { out }: Pick<RowFlags, 'out'>,
  write: (sink: Sink) => Promise<void>,
): Promise<void> {
  const sink = out === undefined ? standardSink(invocation) : fileSink(out)
  try {
    await write(sink)
    await sink.close()
  } catch (error) {
    await sink.discard()
    throw error
  }
}

function standardSink({ data }: Invocation): Sink {
  return { write: data.write, close: () => Promise.resolve(), discard: () => Promise.resolve() }
}

function fileSink(path: string): Sink {
  const stream = createWriteStream(path)
  let isBegun = false
  stream.once('open', () => {
    isBegun = true
  })
  const done = finished(stream).catch((cause: unknown) => Promise.reject(outputFailed(path, cause)))
  // A write may meet the error before anybody waits for the end.
  done.catch(() => undefined)
  return {
    write: (text) =>
      new Promise<void>((ready, fail) => {
        stream.write(text, (error) => {
          // What went wrong first: a file that could not be opened takes no write either.
          if (error) done.then(() => fail(outputFailed(path, error)), fail)
          else ready()
        })
      }),
    close: async () => {
      stream.end()
      await done
    },
    discard: async () => {
      stream.end()
      await done.catch(() => undefined)
      if (isBegun) await removePlainFile(path)
    },
  }
}

/** Devices, pipes and links stay. */
async function removePlainFile(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => undefined)
  if (entry?.isFile() === true) await rm(path, { force: true })
}

async function writeText(
  engine: Engine,
  { sql, fields }: Rows,
  sink: Sink,
  format: 'ndjson' | 'csv' | 'plain',
): Promise<void> {
  if (format === 'csv') return writeLinesTo(sink, engine, csvSql(sql, fields), `${csvHeader(fields)}\n`)
  if (format === 'ndjson') return writeLinesTo(sink, engine, ndjsonSql(sql, fields))
  let header = plainLine(fields.map(({ name }) => name))
  for await (const cells of readCells(engine, { sql, fields })) {
    await sink.write(header + cells.map(plainLine).join(''))
    header = ''
  }
  if (header !== '') await sink.write(header)
}

/** The header comes with the first line, or at the end: a query that fails says nothing before. */
async function writeLinesTo(sink: Sink, engine: Engine, sql: string, header = ''): Promise<void> {
  let first = header
  for await (const lines of readLines(engine, sql)) {
    if (lines.length === 0) continue
    await sink.write(`${first}${lines.join('\n')}\n`)
    first = ''
  }
  if (first !== '') await sink.write(first)
}

/** The first rows decide how wide the columns are; then the rest streams. */
async function writeTable(engine: Engine, rows: Rows, sink: Sink, style: TableStyle | undefined): Promise<void> {
  const names = rows.fields.map(({ name }) => name)
  const look = style ?? { width: undefined, dim: (text) => text, bold: (text) => text }
  let widths: readonly number[] | undefined
  for await (const cells of readCells(engine, rows)) {
    if (widths === undefined) {
      widths = planWidths(names, cells, look.width)
      await sink.write(`${headerLine(names, widths, look)}\n`)
    }
    const known = widths
    await sink.write(cells.map((row) => `${rowLine(row, known, look)}\n`).join(''))
  }
  if (widths === undefined) await sink.write(`${headerLine(names, planWidths(names, [], look.width), look)}\n`)
}

async function* readCells(engine: Engine, { sql, fields }: Rows): AsyncGenerator<readonly (readonly Cell[])[]> {
  for await (const batch of engine.stream(textSql(sql, fields))) {
    yield Array.from({ length: batch.rowCount }, (_, row) =>
      batch.values.map((column) => {
        const value = column[row] ?? null
        return value === null ? null : String(value)
      }),
    )
  }
}

/** Parquet has its index at the end, so it is written to a file also when it goes into a pipe. */
async function writeParquet(
  { data }: Invocation,
  engine: Engine,
  { sql, fields, isSealed }: Rows,
  { out }: RowFlags,
): Promise<void> {
  const path = out === undefined || isSealed === true ? join(engine.tempFolder, 'rows.parquet') : resolve(out)
  const options = ['FORMAT parquet', 'COMPRESSION zstd', ...bloomFilterOptions(fields)].join(', ')
  await engine.run(`COPY (${sql}) TO ${quoteText(path)} (${options})`)
  if (out !== undefined) {
    if (isSealed === true) await copyFile(path, out).catch((cause: unknown) => Promise.reject(outputFailed(out, cause)))
    return
  }
  for await (const chunk of createReadStream(path)) await data.write(chunk)
}
