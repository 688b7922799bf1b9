// The strict path: each record with its place and bytes, into a temporary table; what is no record of the table becomes a reject.
import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { type Engine, quoteName } from '@tributary/delta'
import { isWellQuoted, type RawRecord, readRecords } from './csv-records.ts'
import type { OpenedFile } from './open-file.ts'
import type { ReadPlan } from './plan-read.ts'
import { rawName } from './relation-sql.ts'

/** A row that cannot be applied, with all that is needed to show it and to read it again. */
export interface Reject {
  /** Number of the record in the file, from 1, header not counted. */
  readonly row: number
  /** Physical line on which the record starts, header counted; undefined for Parquet. */
  readonly line: number | undefined
  readonly column: string | undefined
  readonly text: string | undefined
  readonly reason: string
  /** The record without its row delimiter: text, or base64 when it is not UTF-8. For Parquet the row as JSON. */
  readonly raw: string
  readonly encoding: 'utf8' | 'base64'
}

/** Name of the table that `stageRecords` fills. */
export const STRICT_TABLE = 'strict_records'

/** Reads the file into table `strict_records` (`__row`, `__line`, `__start`, `__end`, a column a field). */
export async function stageRecords(
  engine: Engine,
  file: OpenedFile,
  plan: ReadPlan,
): Promise<{ readonly rejects: readonly Reject[]; readonly widthFaults: number }> {
  const rejects: Reject[] = []
  let widthFaults = 0
  const places = ['__row', '__line', '__start', '__end']
  const fields = plan.fieldNames.map((_, field) => rawName(field))
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${STRICT_TABLE} (${[...places.map((name) => `${quoteName(name)} BIGINT`), ...fields.map((name) => `${name} VARCHAR`)].join(', ')})`,
  )
  const bytes = await open(file.path)
  async function* rows(): AsyncGenerator<readonly (string | number | null)[]> {
    let row = plan.hasHeader ? -1 : 0
    for await (const record of readRecords(file.path, file.dialect)) {
      row += 1
      if (row === 0 || !isOfTable(record, plan)) continue
      const fault = await faultOf(record, { file, plan, bytes })
      if (fault === undefined) {
        yield [
          row,
          record.line,
          record.start,
          record.end,
          ...record.fields.map((field) => fieldText(field, file.dialect.nullMarker)),
        ]
        continue
      }
      if (fault.isWidth) widthFaults += 1
      const raw = await readRaw(bytes, file, record)
      rejects.push({ row, line: record.line, column: fault.column, text: fault.text, reason: fault.reason, ...raw })
    }
  }
  try {
    await engine.append(STRICT_TABLE, [...places, ...fields], rows())
  } finally {
    await bytes.close()
  }
  return { rejects, widthFaults }
}

/** The bytes of a record, for a reject that SQL found. */
export async function readRaw(
  bytes: FileHandle,
  { dialect }: OpenedFile,
  { start, end }: Pick<RawRecord, 'start' | 'end'>,
): Promise<Pick<Reject, 'raw' | 'encoding'>> {
  const { buffer } = await bytes.read(Buffer.alloc(end - start), 0, end - start, start)
  const delimiter = Buffer.from(dialect.rowDelimiter)
  const hasDelimiter = buffer.subarray(-delimiter.length).equals(delimiter)
  const record = hasDelimiter ? buffer.subarray(0, -delimiter.length) : buffer
  return isUtf8(record)
    ? { raw: record.toString('utf8'), encoding: 'utf8' }
    : { raw: record.toString('base64'), encoding: 'base64' }
}

function isOfTable({ fields }: RawRecord, { context }: ReadPlan): boolean {
  if (context.kind !== 'transactions') return true
  return (
    fields[1]?.bytes.toString('utf8') === context.table.table &&
    fields[2]?.bytes.toString('utf8') === context.table.schema
  )
}

function fieldText({ bytes, isQuoted }: RawRecord['fields'][number], nullMarker: string | undefined): string | null {
  const text = bytes.toString('utf8')
  return !isQuoted && text === nullMarker ? null : text
}

interface RecordFault {
  readonly reason: string
  readonly column?: string
  readonly text?: string
  readonly isWidth?: boolean
}

async function faultOf(
  record: RawRecord,
  { file, plan, bytes }: { readonly file: OpenedFile; readonly plan: ReadPlan; readonly bytes: FileHandle },
): Promise<RecordFault | undefined> {
  const { fields } = record
  const width = plan.fieldNames.length
  const isBlank = fields.length === 1 && fields[0]?.bytes.length === 0 && fields[0].isQuoted === false
  if (isBlank && width > 1) return { reason: 'the record is blank' }
  const bad = fields.findIndex((field) => !isUtf8(field.bytes))
  if (bad !== -1)
    return {
      reason: 'the text is not UTF-8',
      column: plan.fieldNames[bad] ?? '',
      text: fields[bad]?.bytes.toString('utf8') ?? '',
    }
  if (fields.length !== width)
    return { reason: `the record has ${fields.length} fields and should have ${width}`, isWidth: true }
  // csv-parse gives a field that goes on after its closing quote as it stands, with its first quote.
  const isSuspect = fields.some((field) => field.isQuoted && field.bytes[0] === 0x22)
  if (!isSuspect) return undefined
  const { buffer } = await bytes.read(
    Buffer.alloc(record.end - record.start),
    0,
    record.end - record.start,
    record.start,
  )
  return isWellQuoted(buffer, file.dialect) ? undefined : { reason: 'a field goes on after its closing quote' }
}
