// Changes of a source, written as landing files the way DMS does, with what each file means to the oracle.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Engine } from '@tributary/delta'
import type { Delivered } from './oracle.ts'
import { type Endpoint, SEQUENCE_COLUMN, type TableSpec } from './profile.ts'
import type { Random } from './random.ts'
import { type Change, keyOf } from './source.ts'
import { type ColumnType, quoted, quotedName, sqlLiteral, type Value } from './values.ts'
import { type Cell, csvFile } from './write-csv.ts'

/** A landing file and the truth about it. */
export interface Emitted {
  readonly key: string
  readonly kind: 'load' | 'cdc'
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  /** Bytewise comparable among files of one kind. */
  readonly place: string
  /** Rows that the file holds, good or bad. */
  readonly rows: number
  readonly badRows: number
  readonly delivered: readonly Delivered[]
  /** What the file shows of its kind, for the tally. */
  readonly traits: readonly string[]
}

export interface EmitParts {
  readonly random: Random
  readonly engine: Engine
  readonly endpoint: Endpoint
  readonly table: TableSpec
}

export interface FileRequest {
  readonly kind: 'load' | 'cdc'
  readonly changes: readonly Change[]
  /** When the file was written; names a CDC file. */
  readonly writtenMs: number
  /** Number of a LOAD file, from 1. */
  readonly ordinal: number
}

/** The columns that the table stores and their types: the source's, then the commit time and the sequence. */
export function storedColumns(
  endpoint: Endpoint,
  table: TableSpec,
): readonly { readonly name: string; readonly type: ColumnType }[] {
  if (!table.isListed) return table.columns
  return [
    ...table.columns,
    ...(endpoint.timestampColumn === undefined ? [] : [{ name: endpoint.timestampColumn, type: 'string' as const }]),
    ...(table.sequence === 'text' ? [{ name: SEQUENCE_COLUMN, type: 'string' as const }] : []),
    ...(table.sequence === 'long' ? [{ name: SEQUENCE_COLUMN, type: 'long' as const }] : []),
  ]
}

/** Writes one landing file. */
export async function emitFile(parts: EmitParts, request: FileRequest): Promise<Emitted> {
  const { random, endpoint, table } = parts
  const isOther = table.isMixed && random.chance(0.5)
  const isParquet = (endpoint.format === 'parquet') !== isOther
  const context: FileContext = {
    ...parts,
    request,
    isParquet,
    hasOp: hasOp(endpoint, request.kind),
    hasBefore: request.kind === 'cdc' || table.beforeImageInLoad,
  }
  const good = request.changes.map((change) => fieldsOf(context, change))
  const bad = random.chance(0.08) ? badRow(context, good) : undefined
  const at = bad === undefined ? good.length : random.int(0, good.length)
  const rows = bad === undefined ? good : [...good.slice(0, at), bad, ...good.slice(at)]
  const bytes = isParquet ? await parquetBytes(context, rows) : csvBytes(context, rows)
  const key = keyText(context)
  const place = request.kind === 'load' ? String(request.ordinal) : String(request.writtenMs)
  return {
    key,
    kind: request.kind,
    bytes,
    modifiedMs: request.writtenMs,
    place,
    rows: rows.length,
    badRows: bad === undefined ? 0 : 1,
    delivered: request.changes.map((change, index) =>
      deliveredOf(context, change, place, index < at ? index : index + 1),
    ),
    traits: traitsOf(context, bad !== undefined),
  }
}

interface FileContext extends EmitParts {
  readonly request: FileRequest
  readonly isParquet: boolean
  readonly hasOp: boolean
  readonly hasBefore: boolean
}

type Field = readonly [name: string, cell: Cell]

function hasOp(endpoint: Endpoint, kind: 'load' | 'cdc'): boolean {
  return kind === 'load' || endpoint.insertsOnly ? endpoint.opInLoad : true
}

function fieldsOf(
  { endpoint, table, request, isParquet, hasOp: isOpWritten, hasBefore }: FileContext,
  change: Change,
): readonly Field[] {
  const isLoad = request.kind === 'load'
  const value = (type: ColumnType, text: Value, isBeforeImage = false): Cell => ({
    kind: 'value',
    type,
    value: text,
    isBeforeImage,
  })
  const before = table.columns.flatMap((column, at) =>
    table.beforeImage === 'all' || (table.beforeImage === 'key' && column.isKey) ? [{ column, at }] : [],
  )
  // Headerless files hold the before images of the key first.
  const images =
    table.beforeImage === 'none' || !hasBefore
      ? []
      : before.toSorted((a, b) => Number(b.column.isKey) - Number(a.column.isKey))
  const sequence = isLoad ? '' : sequenceText(table, change)
  return [
    ...(isOpWritten
      ? [['Op', isParquet ? value('string', change.op) : { kind: 'raw', text: change.op }] satisfies Field]
      : []),
    ...(endpoint.timestampColumn === undefined
      ? []
      : [[endpoint.timestampColumn, value('string', change.at)] satisfies Field]),
    ...table.columns.map((column, at): Field => {
      if (change.unset.has(at) && endpoint.noSup !== undefined)
        return [column.name, { kind: 'raw', text: endpoint.noSup }]
      return [column.name, value(column.type, change.isKeyOnly && !column.isKey ? null : (change.row[at] ?? null))]
    }),
    ...(table.sequence === 'long'
      ? [[SEQUENCE_COLUMN, value('long', sequence === '' ? null : sequence)] satisfies Field]
      : []),
    ...(table.sequence === 'text'
      ? [[SEQUENCE_COLUMN, isParquet ? value('string', sequence) : { kind: 'raw', text: sequence }] satisfies Field]
      : []),
    ...images.map(
      ({ column, at }): Field => [
        `BI_${column.name}`,
        value(column.type, change.op === 'U' ? (change.before?.[at] ?? null) : null, true),
      ],
    ),
  ]
}

/** 35 digits as `$AR_H_CHANGE_SEQ` has them, or a plain number. */
function sequenceText(table: TableSpec, change: Change): string {
  if (table.sequence === 'long') return String(change.number)
  return change.at.replaceAll(/[^0-9]/g, '').slice(0, 16) + String(change.number).padStart(19, '0')
}

function deliveredOf(context: FileContext, change: Change, place: string, at: number): Delivered {
  const { endpoint, table, request, isParquet } = context
  const isLoad = request.kind === 'load'
  const sequence = isLoad ? '' : sequenceText(table, change)
  // Without a marker an empty CSV field is NULL.
  const stored = (value: Value): Value =>
    value === '' && !isParquet && endpoint.nullMarker === undefined ? null : value
  const extras = storedColumns(endpoint, table)
    .slice(table.columns.length)
    .map(({ name, type }): Value => {
      if (name === endpoint.timestampColumn) return change.at
      return type === 'long' && sequence === '' ? null : stored(sequence)
    })
  const orders = { none: '', text: sequence, long: isLoad ? '' : sequence.padStart(19, '0'), time: change.at } as const
  const isMove = change.isMove && change.before !== undefined
  return {
    op: change.op,
    key: keyOf(table.columns, change.row),
    movedFrom: isMove && change.before !== undefined ? keyOf(table.columns, change.before) : undefined,
    row: [...change.row.map(stored), ...extras],
    unset: change.unset,
    phase: isLoad ? 0 : 1,
    sequence: orders[table.sequence],
    place,
    at,
  }
}

/** A row that must go to quarantine: a number that is none, a NULL key, a field too many. */
function badRow(context: FileContext, good: readonly (readonly Field[])[]): readonly Field[] | undefined {
  const { random, table, isParquet, endpoint } = context
  const model = random.pick(good)
  const replaceCell = (name: string, cell: Cell): readonly Field[] =>
    model.map((field) => (field[0] === name ? [name, cell] : field))
  const strict = table.columns.filter(({ type }) => type !== 'string')
  const kinds = [
    'key',
    ...(isParquet || !table.isListed || strict.length === 0 ? [] : ['number']),
    ...(isParquet || !endpoint.header || good.length < 3 ? [] : ['width']),
  ]
  switch (random.pick(kinds)) {
    case 'number':
      return replaceCell(random.pick(strict).name, {
        kind: 'raw',
        text: random.pick(['12x', '0x1G', '--', '1_0', 'epoch']),
      })
    case 'width':
      return [...model, ['extra', { kind: 'raw', text: 'extra' }]]
    default: {
      const column = random.pick(table.columns.filter(({ isKey }) => isKey))
      return replaceCell(column.name, { kind: 'value', type: column.type, value: null, isBeforeImage: false })
    }
  }
}

function csvBytes({ random, endpoint }: FileContext, rows: readonly (readonly Field[])[]): Uint8Array {
  const header = (rows.find((row) => row.every(([name]) => name !== 'extra')) ?? []).map(([name]) => name)
  const text = Buffer.from(
    csvFile(
      random,
      endpoint,
      header,
      rows.map((row) => row.map(([, cell]) => cell)),
    ),
  )
  return endpoint.gzip ? gzipSync(text) : text
}

async function parquetBytes(
  { engine, endpoint, random }: FileContext,
  rows: readonly (readonly Field[])[],
): Promise<Uint8Array> {
  const selects = rows.map(
    (row) => `SELECT ${row.map(([name, cell]) => `${cellSql(cell)} AS ${quotedName(name)}`).join(', ')}`,
  )
  const path = join(engine.tempFolder, 'emitted.parquet')
  const codec = endpoint.gzip ? 'gzip' : random.pick(['snappy', 'uncompressed'])
  await engine.run(`COPY (${selects.join(' UNION ALL ')}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION ${codec})`)
  const bytes = await readFile(path)
  await rm(path)
  return bytes
}

function cellSql(cell: Cell): string {
  return cell.kind === 'raw' ? quoted(cell.text) : sqlLiteral(cell.type, cell.value)
}

function keyText({ endpoint, table, request, isParquet }: FileContext): string {
  const suffix = isParquet ? 'parquet' : endpoint.gzip ? 'csv.gz' : 'csv'
  const digits = new Date(request.writtenMs).toISOString().replaceAll(/[^0-9]/g, '')
  const day = endpoint.datePartition ? [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6, 8)] : []
  const name =
    request.kind === 'load'
      ? `LOAD${request.ordinal.toString(16).toUpperCase().padStart(8, '0')}`
      : `${digits.slice(0, 8)}-${digits.slice(8)}`
  const folders = [endpoint.bucketFolder, ...table.name.split('.'), ...(request.kind === 'cdc' ? day : [])].filter(
    (part) => part !== undefined,
  )
  return [...folders, `${name}.${suffix}`].join('/')
}

function traitsOf(
  { endpoint, table, request, isParquet, hasOp: isOpWritten }: FileContext,
  isBad: boolean,
): readonly string[] {
  const form = isParquet ? 'Parquet' : endpoint.header ? 'CSV with header' : 'CSV without header'
  const marker = endpoint.nullMarker === undefined ? 'empty' : endpoint.nullMarker
  return [
    `format: ${form}${endpoint.gzip ? ', GZIP' : ''}`,
    ...(isParquet ? [] : [`null: ${marker}`]),
    `${request.kind}: Op ${isOpWritten ? 'present' : 'absent'}`,
    `sequence: ${table.sequence}`,
    ...(isBad ? ['bad row'] : []),
  ]
}
