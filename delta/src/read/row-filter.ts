// How deleted rows are left out was measured on 10,000,000 rows (decision 4). A bit a row of a file alone takes 1.2 to 1.3 times a raw scan,
// however many are dead, and keeps the order of rows; a join takes as long with 1 % dead, 1.6 times with 12 %, and keeps no order.

import type { Positions } from '../deletion-vectors/bitmap.ts'
import type { Engine } from '../duckdb/engine.ts'
import { type DeadBits, deadBits } from './dead-bits.ts'

/** Which rows of a file are wanted; positions ascend and count physical rows from 0. */
export type RowChoice =
  | { readonly kind: 'all' }
  | { readonly kind: 'except'; readonly positions: Positions | readonly number[] }
  | { readonly kind: 'only'; readonly positions: Positions | readonly number[] }

// One number for (file, position): a file would need a million million rows to reach the next one's.
const PLACES_A_FILE = 2n ** 40n
// So many places are written into the statement, which spares a table and lets DuckDB skip row groups; more would cost more to parse.
const LITERALS_MAX = 1000
// 16 MiB of bits. A vector may name rows that no file has, and must not decide how much memory is taken.
const BITS_MAX = 2 ** 27

/** A row by the place of its file in the list and by its position in it. */
export interface RowPlace {
  readonly file: number
  readonly position: number
}

/**
 * A WHERE clause over `r` (or nothing) for files of one `read_parquet`, in its order; they are all of one kind. Long lists become `bits`,
 * which the caller hands over, or a temporary table. Cheapest for a file alone; with `keepsOrder`, which only such a file may have, its rows come in their order.
 */
export async function rowFilter(
  engine: Engine,
  files: readonly RowChoice[],
  { bits, keepsOrder = false }: { readonly bits: DeadBits; readonly keepsOrder?: boolean },
): Promise<string> {
  const [first] = files
  if (first === undefined || first.kind === 'all') return ''
  const { kind } = first
  if (files.length === 1 && kind === 'except' && (keepsOrder || first.positions.length > LITERALS_MAX)) {
    if ((first.positions.at(-1) ?? 0) < BITS_MAX) return ` WHERE ${bits.unmarkedSql(first.positions)}`
  }
  const few = rowPlaces(files)
    .take(LITERALS_MAX + 1)
    .toArray()
  if (few.length === 0) return kind === 'only' ? ' WHERE false' : ''
  const isFew = few.length <= LITERALS_MAX
  // In the only file of a scan a row's position is its number already.
  const number =
    files.length === 1 ? 'r.file_row_number' : `(CAST(r.file_index AS BIGINT) * ${PLACES_A_FILE} + r.file_row_number)`
  const places = isFew ? few.map(placeNumber).join(', ') : `SELECT place FROM ${await placesTable(engine, files)}`
  const isListed = `${number} ${kind === 'only' ? '' : 'NOT '}IN (${places})`
  if (kind === 'except') return ` WHERE ${isListed}`
  const prefilter = isFew ? `IN (${[...new Set(few.map(({ position }) => position))].join(', ')})` : betweenSql(files)
  return ` WHERE r.file_row_number ${prefilter} AND ${isListed}`
}

function* rowPlaces(files: readonly RowChoice[]): Generator<RowPlace, undefined> {
  for (const [file, rows] of files.entries()) {
    if (rows.kind === 'all') continue
    for (const position of rows.positions) yield { file, position }
  }
  return undefined
}

/** The row as one number; a double would not hold that of a far file. */
export function placeNumber({ file, position }: RowPlace): bigint {
  return BigInt(file) * PLACES_A_FILE + BigInt(position)
}

async function placesTable(engine: Engine, files: readonly RowChoice[]): Promise<string> {
  const table = nextName()
  await engine.run(`CREATE TEMP TABLE ${table} (place BIGINT)`)
  await engine.append(
    table,
    ['place'],
    rowPlaces(files).map((place): readonly [bigint] => [placeNumber(place)]),
  )
  return table
}

function betweenSql(files: readonly RowChoice[]): string {
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  for (const { position } of rowPlaces(files)) {
    first = Math.min(first, position)
    last = Math.max(last, position)
  }
  return `BETWEEN ${first} AND ${last}`
}

/** Where the bits of a scan's files are collected. */
export function bitsOfScan(engine: Engine): DeadBits {
  return deadBits(engine, nextName())
}

let names = 0

// Only the name has to be new: tables and variables are private to their connection.
function nextName(): string {
  names += 1
  return `tributary_scan_${names}`
}
