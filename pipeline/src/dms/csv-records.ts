// The strict reader: csv-parse, a well-kept RFC 4180 parser, with positions and raw bytes.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Options, parse } from 'csv-parse'
import { parse as parseAtOnce } from 'csv-parse/sync'
import type { Dialect } from './dialect.ts'

/** One field as its bytes, and whether it stood in quotes. */
export interface RawField {
  readonly bytes: Buffer
  readonly isQuoted: boolean
}

/** One record with its place in the file. */
export interface RawRecord {
  readonly fields: readonly RawField[]
  /** Physical line on which it starts, from 1. */
  readonly line: number
  /** Where its bytes are: `[start, end)`, row delimiter included. */
  readonly start: number
  readonly end: number
}

const LINE_FEED = 0x0a

/** The records of a CSV file, header included, one after another. Stops after `recordsMax`. */
export async function* readRecords(
  path: string,
  dialect: Dialect,
  { recordsMax = Number.POSITIVE_INFINITY } = {},
): AsyncGenerator<RawRecord> {
  const source = createReadStream(path)
  const parser = parse({
    ...parserOptions(dialect),
    encoding: null,
    info: true,
    // Without it a whole chunk of the file is parsed for the first few records.
    ...(Number.isFinite(recordsMax) ? { to: recordsMax } : {}),
    cast: (value, context) => ({ value, isQuoted: context.quoting }),
  })
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  const delimiterHasLine = dialect.rowDelimiter.includes('\n')
  let line = 1
  let start = 0
  let count = 0
  try {
    for await (const item of parser) {
      const { fields, end } = parseItem(item)
      yield { fields, line, start, end }
      start = end
      line += 1
      for (const { bytes } of fields) line += linesIn(bytes, delimiterHasLine ? '\n' : dialect.rowDelimiter)
      count += 1
      if (count >= recordsMax) return
    }
  } finally {
    source.destroy()
    parser.destroy()
  }
}

function parserOptions({ delimiter, rowDelimiter, isQuoted }: Dialect): Options {
  return {
    delimiter,
    record_delimiter: rowDelimiter,
    quote: isQuoted ? '"' : null,
    escape: isQuoted ? '"' : null,
    // A quote inside an unquoted field is text; a field that goes on after its closing quote is found below.
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: false,
  }
}

const HEAD_BYTES = 64 * 1024

/**
 * The texts of the first records, at once: the stream takes four times as long for them. Undefined when the head of the file does not
 * hold so many.
 */
export async function readHeadRecords(
  { path, plainBytes, dialect }: { readonly path: string; readonly plainBytes: number; readonly dialect: Dialect },
  recordsMax: number,
): Promise<readonly (readonly string[])[] | undefined> {
  const head = await readHead(path)
  try {
    // What ends with the head may go on after it.
    const records = parseTexts(head, { ...parserOptions(dialect), to: recordsMax + 1 })
    if (records.length <= recordsMax && head.length < plainBytes) return undefined
    return records.slice(0, recordsMax)
  } catch {
    return undefined
  }
}

function parseTexts(head: Buffer, options: Options): readonly (readonly string[])[] {
  return parseAtOnce(head, options) as string[][]
}

async function readHead(path: string): Promise<Buffer> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
  return buffer.subarray(0, bytesRead)
}

function parseItem(item: unknown): { readonly fields: readonly RawField[]; readonly end: number } {
  const { record, info } = item as { record: { value: Buffer; isQuoted: boolean }[]; info: { bytes: number } }
  return { fields: record.map(({ value, isQuoted }) => ({ bytes: value, isQuoted })), end: info.bytes }
}

function linesIn(bytes: Buffer, lineEnd: string): number {
  let count = 0
  if (lineEnd === '\n') {
    for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1
    return count
  }
  for (let at = bytes.indexOf(lineEnd); at !== -1; at = bytes.indexOf(lineEnd, at + 1)) count += 1
  return count
}

/** Whether a record's bytes are what RFC 4180 allows around quotes: no text after a closing quote. */
export function isWellQuoted(raw: Buffer, dialect: Dialect): boolean {
  if (!dialect.isQuoted) return true
  const text = raw.toString('latin1')
  const delimiter = Buffer.from(dialect.delimiter).toString('latin1')
  const rowDelimiter = Buffer.from(dialect.rowDelimiter).toString('latin1')
  const end = text.endsWith(rowDelimiter) ? text.length - rowDelimiter.length : text.length
  let at = 0
  while (at < end) {
    if (text[at] === '"') {
      at = closingQuote(text, at, end) + 1
      if (at < end && !text.startsWith(delimiter, at)) return false
    } else {
      const next = text.indexOf(delimiter, at)
      at = next === -1 ? end : next
    }
    at += delimiter.length
  }
  return true
}

function closingQuote(text: string, from: number, end: number): number {
  let at = from + 1
  while (at < end) {
    if (text[at] !== '"') at += 1
    else if (text[at + 1] === '"' && at + 1 < end) at += 2
    else return at
  }
  return end
}
