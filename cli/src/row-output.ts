import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import {
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
  const { sink, style } =
    flags.out === undefined
      ? { sink: standardSink(invocation), style: invocation.style }
      : { sink: fileSink(flags.out), style: undefined }
  try {
    if (format === 'table') await writeTable(engine, rows, sink, style)
    else await writeText(engine, rows, sink, format)
  } finally {
    await sink.close()
  }
}

/** Prints the lines that a SELECT makes, in bounded memory. */
export async function writeLines(
  invocation: Invocation,
  engine: Engine,
  sql: string,
  { out }: Pick<RowFlags, 'out'>,
): Promise<void> {
  const sink = out === undefined ? standardSink(invocation) : fileSink(out)
  try {
    await writeLinesTo(sink, engine, sql)
  } finally {
    await sink.close()
  }
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
}

function standardSink({ data }: Invocation): Sink {
  return { write: data.write, close: () => Promise.resolve() }
}

function fileSink(path: string): Sink {
  const stream = createWriteStream(path)
  const done = finished(stream).catch((cause: unknown) => Promise.reject(outputFailed(path, cause)))
  // A write may meet the error before anybody waits for the end.
  done.catch(() => undefined)
  return {
    write: (text) =>
      new Promise(
        (ready, fail) => void stream.write(text, (error) => (error ? fail(outputFailed(path, error)) : ready())),
      ),
    close: async () => {
      stream.end()
      await done
    },
  }
}

async function writeText(
  engine: Engine,
  { sql, fields }: Rows,
  sink: Sink,
  format: 'ndjson' | 'csv' | 'plain',
): Promise<void> {
  if (format === 'plain') {
    await sink.write(plainLine(fields.map(({ name }) => name)))
    for await (const cells of readCells(engine, { sql, fields })) await sink.write(cells.map(plainLine).join(''))
    return
  }
  if (format === 'csv') await sink.write(`${csvHeader(fields)}\n`)
  await writeLinesTo(sink, engine, format === 'csv' ? csvSql(sql, fields) : ndjsonSql(sql, fields))
}

async function writeLinesTo(sink: Sink, engine: Engine, sql: string): Promise<void> {
  for await (const lines of readLines(engine, sql)) if (lines.length > 0) await sink.write(`${lines.join('\n')}\n`)
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
  { sql, isSealed }: Rows,
  { out }: RowFlags,
): Promise<void> {
  const path = out === undefined || isSealed === true ? join(engine.tempFolder, 'rows.parquet') : resolve(out)
  await engine.run(`COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`)
  if (out !== undefined) {
    if (isSealed === true) await copyFile(path, out).catch((cause: unknown) => Promise.reject(outputFailed(out, cause)))
    return
  }
  for await (const chunk of createReadStream(path)) await data.write(chunk)
}
