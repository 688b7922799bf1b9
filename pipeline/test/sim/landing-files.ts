// What the simulated DMS writes, as the model knows it: no code of ours decides what a file holds or where it stands.
import { createHash } from 'node:crypto'

/** One row of a landing file. */
export type SimRow =
  | { readonly op: 'I' | 'U' | 'D'; readonly id: number; readonly v: string; readonly seq: string }
  /** A row that nobody can read. */
  | { readonly bad: string }

/** A landing object, one of the states that its key had. */
export interface SimFile {
  readonly table: string
  readonly key: string
  readonly kind: 'load' | 'cdc'
  /** File time and name: CDC files apply in this order. */
  readonly name: string
  readonly rows: readonly SimRow[]
  readonly bytes: Uint8Array
  readonly hash: string
}

/** How rows become bytes, and back where no DuckDB reads them. */
export type Encode = (rows: readonly SimRow[]) => Uint8Array

const HEADER = '["op","id","v","seq"]'

/** A line of JSON a row, below a header: an object without a byte would be nothing to read. */
export function encodeJson(rows: readonly SimRow[]): Uint8Array {
  return new TextEncoder().encode([HEADER, ...rows.map((row) => JSON.stringify(row))].join('\n'))
}

/** CSV with a header, as DMS writes it with `AddColumnName`. A bad row has a key that is no number. */
export function encodeCsv(rows: readonly SimRow[]): Uint8Array {
  const lines = rows.map((row) => ('bad' in row ? `I,x${row.bad},v,` : `${row.op},${row.id},${row.v},${row.seq}`))
  return new TextEncoder().encode(['Op,id,v,seq', ...lines].map((line) => `${line}\n`).join(''))
}

/** The rows of a file made by `encodeJson`. */
export function parseJsonRows(bytes: Uint8Array): readonly SimRow[] {
  const [header, ...lines] = new TextDecoder().decode(bytes).split('\n')
  if (header !== HEADER) throw new Error('no file of the simulated DMS')
  return lines.map((line) => JSON.parse(line) as SimRow)
}

/** What a bucket tells of bytes, and a ledger remembers. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A file of a table as it is put. */
export function simFile(
  table: string,
  { kind, name }: Pick<SimFile, 'kind' | 'name'>,
  rows: readonly SimRow[],
  encode: Encode,
): SimFile {
  const bytes = encode(rows)
  return { table, key: `dms/${table.replace('.', '/')}/${name}.csv`, kind, name, rows, bytes, hash: hashOf(bytes) }
}
