// From the first rows of a table's files to what they seem to be. All of it is a proposal: a person reads it before anything is applied.

import { guessType, isTimestamp } from './guess-type.ts'
import type { Sample } from './sample-file.ts'

/** What the files of a table look like. */
export interface Description {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** The best candidate first. */
  readonly keys: readonly (readonly string[])[]
  readonly sequence: string | undefined
  readonly format: 'csv' | 'parquet'
  readonly isGzip: boolean
  readonly delimiter: string
  readonly hasHeader: boolean
  readonly hasOpInLoad: boolean
  readonly timestampColumn: string | undefined
  readonly nullMarker: string | undefined
}

const NULL_MARKERS = ['\\N', 'NULL', 'null'] as const
const SEQUENCE = /^\d{35}$/
const TIMESTAMP_NAME = /dms|cdc|commit|timestamp|_ts$/i

/** Samples of a table's files. */
export interface TableSamples {
  readonly loads: readonly Sample[]
  readonly changes: readonly Sample[]
}

/** Describes a table by samples of its load and change files; CSV files have a header or not. Returns undefined when there is nothing to see. */
export function describeSamples(
  table: string,
  { loads, changes }: TableSamples,
  isHeaded: boolean,
): Description | undefined {
  const [first] = [...loads, ...changes]
  if (first === undefined) return undefined
  const hasHeader = first.kind === 'parquet' || isHeaded
  const loaded = loads.map((sample) => rowsOf(sample, hasHeader))
  const changed = changes.map((sample) => rowsOf(sample, hasHeader))
  const hasOpInLoad = loaded.some((rows) => rows.hasOp)
  const names = [...new Set([...loaded, ...changed].flatMap((rows) => rows.names))].filter(
    (name, _, all) => !(name.startsWith('BI_') && all.includes(name.slice(3))),
  )
  const markers = [...loaded, ...changed].flatMap(({ records }) => records.flat())
  const nullMarker = NULL_MARKERS.find((marker) => markers.includes(marker))
  const valuesOf = (parts: readonly SampleRows[], name: string): readonly (string | null)[] =>
    parts.flatMap((rows) => {
      const at = rows.names.indexOf(name)
      return at < 0 ? [] : rows.records.map((record) => nullOf(record[at], nullMarker))
    })
  const all = [...loaded, ...changed]
  const sequence = names.find((name) => isFilled(valuesOf(changed, name), (value) => SEQUENCE.test(value)))
  const timestampColumn = hasHeader ? timestampOf(all, (name) => valuesOf(all, name)) : undefined
  const own = names.filter((name) => name !== timestampColumn && name !== sequence)
  const typeOf = (name: string): string =>
    all.map((rows) => rows.types.get(name)).find((type) => type !== undefined) ?? guessType(valuesOf(all, name))
  const inserted =
    loaded.length > 0
      ? loaded
      : changed.map((rows) => ({ ...rows, records: rows.records.filter((_, index) => rows.ops[index] === 'I') }))
  return {
    columns: own.map((name) => ({ name, type: typeOf(name) })),
    keys: keyCandidates(table, own, (name) => valuesOf(inserted, name)),
    sequence,
    format: first.kind,
    isGzip: first.kind === 'csv' && first.isGzip,
    delimiter: first.kind === 'csv' ? first.delimiter : ',',
    hasHeader,
    hasOpInLoad,
    timestampColumn,
    nullMarker: first.kind === 'csv' ? nullMarker : undefined,
  }
}

interface SampleRows {
  readonly hasOp: boolean
  readonly names: readonly string[]
  readonly types: ReadonlyMap<string, string>
  readonly ops: readonly string[]
  readonly records: readonly (readonly string[])[]
}

/** A sample without its header and `Op`; columns without a name are `column_1` and so on. */
function rowsOf(sample: Sample, hasHeader: boolean): SampleRows {
  const header =
    sample.kind === 'parquet' ? sample.fields.map(({ name }) => name) : hasHeader ? sample.records[0] : undefined
  const records = sample.kind === 'csv' && hasHeader ? sample.records.slice(1) : sample.records
  const hasOp =
    header === undefined
      ? records.length > 0 && records.every((record) => /^[IUD]$/.test(record[0] ?? ''))
      : header[0]?.toLowerCase() === 'op'
  const skip = hasOp ? 1 : 0
  const width = header?.length ?? records[0]?.length ?? 0
  const names = Array.from(
    { length: Math.max(0, width - skip) },
    (_, index) => header?.[index + skip] ?? `column_${index + 1}`,
  )
  const types =
    sample.kind === 'parquet'
      ? sample.fields.flatMap(({ name, type }) => (typeof type === 'string' ? [[name, type] as const] : []))
      : []
  return {
    hasOp,
    names,
    types: new Map(types),
    ops: records.map((record) => record[0] ?? ''),
    records: records.map((record) => record.slice(skip)),
  }
}

/** DMS puts its timestamp directly after `Op`. */
function timestampOf(
  parts: readonly SampleRows[],
  valuesOf: (name: string) => readonly (string | null)[],
): string | undefined {
  const [name] = parts.find((rows) => rows.hasOp)?.names ?? []
  return name !== undefined && TIMESTAMP_NAME.test(name) && isFilled(valuesOf(name), isTimestamp) ? name : undefined
}

/** Columns, then pairs, that are filled and different in every row of the sample; likely names first. */
function keyCandidates(
  table: string,
  names: readonly string[],
  valuesOf: (name: string) => readonly (string | null)[],
): readonly (readonly string[])[] {
  const singles = names.filter((name) => isUnique([valuesOf(name)]))
  if (singles.length > 0)
    return singles.map((name) => [name]).sort((a, b) => likelihood(table, b[0] ?? '') - likelihood(table, a[0] ?? ''))
  const early = names.slice(0, 6)
  return early
    .flatMap((left, index) => early.slice(index + 1).map((right) => [left, right]))
    .filter((pair) => isUnique(pair.map(valuesOf)))
}

/** Whether a column is called as keys are. */
export function isLikelyKey(table: string, name: string): boolean {
  return likelihood(table, name) > 2
}

function likelihood(table: string, name: string): number {
  const lower = name.toLowerCase()
  const singular = table.toLowerCase().replace(/ies$/, 'y').replace(/s$/, '')
  if (lower === 'id' || lower === `${singular}_id` || lower === `${singular}id`) return 3
  if (lower === 'column_1') return 1
  return /_?id$|_key$|^key$|_no$|^code$/.test(lower) ? 2 : 0
}

function isUnique(columns: readonly (readonly (string | null)[])[]): boolean {
  const rows = columns[0] ?? []
  if (rows.length === 0 || columns.some((column) => column.some((value) => value === null))) return false
  return new Set(rows.map((_, index) => JSON.stringify(columns.map((column) => column[index])))).size === rows.length
}

function isFilled(values: readonly (string | null)[], test: (value: string) => boolean): boolean {
  const present = values.filter((value) => value !== null)
  return present.length > 0 && present.every(test)
}

function nullOf(text: string | undefined, marker: string | undefined): string | null {
  return text === undefined || text === '' || text === marker ? null : text
}
