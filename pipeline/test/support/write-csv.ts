// A CSV writer of the tests' own, by RFC 4180 and dms-format.md §5. It shares nothing with the reader under test.
import type { Endpoint } from './profile.ts'
import type { Random } from './random.ts'
import { type ColumnType, csvText, type Value } from './values.ts'

/** One field of a row. A `raw` text is written as it is: a marker, an operation, something broken. */
export type Cell =
  | { readonly kind: 'value'; readonly type: ColumnType; readonly value: Value; readonly isBeforeImage: boolean }
  | { readonly kind: 'raw'; readonly text: string }

/** The whole file as text. */
export function csvFile(
  random: Random,
  endpoint: Endpoint,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = rows.map((cells) => cells.map((cell) => fieldText(random, endpoint, cell)).join(endpoint.delimiter))
  const names = header.map((name) => escaped(endpoint, name)).join(endpoint.delimiter)
  return [...(endpoint.header ? [names] : []), ...lines].map((line) => line + endpoint.rowDelimiter).join('')
}

function fieldText(random: Random, endpoint: Endpoint, cell: Cell): string {
  if (cell.kind === 'raw') return cell.text
  const { type, value, isBeforeImage } = cell
  const marker = endpoint.nullMarker
  if (value === null)
    return marker === undefined || ((isBeforeImage || type !== 'string') && random.chance(0.5)) ? '' : marker
  const text = csvText(random, type, value)
  // A quoted marker is text; with a marker a quoted empty field is the empty text, like an unquoted one.
  if (text === marker || (text === '' && marker !== undefined && random.chance(0.5))) return `"${text}"`
  return escaped(endpoint, text)
}

function escaped(endpoint: Endpoint, text: string): string {
  return text.includes('"') || text.includes('\n') || text.includes('\r') || text.includes(endpoint.delimiter)
    ? `"${text.replaceAll('"', '""')}"`
    : text
}
