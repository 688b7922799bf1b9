import { fitText, textWidth, visibleText } from './text-width.ts'

/** A cell; null is SQL's NULL and looks unlike every text. */
export type Cell = string | null

/** How tables look on this terminal. */
export interface TableStyle {
  /** Columns of the terminal; wider tables are cut. Undefined cuts nothing. */
  readonly width: number | undefined
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

export const PLAIN_STYLE: TableStyle = { width: undefined, dim: (text) => text, bold: (text) => text }

const NULL_SIGN = '∅'
const GAP = '  '
const CELL_WIDTH_MIN = 6

/** Column widths that fit the rows, and the terminal if it is not too narrow for them all. */
export function planWidths(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined,
): readonly number[] {
  const wanted = columns.map((name, column) =>
    rows.reduce((most, row) => Math.max(most, textWidth(shownText(row[column] ?? null))), textWidth(visibleText(name))),
  )
  if (width === undefined) return wanted
  let rest = width - GAP.length * (columns.length - 1)
  // The narrow columns get what they want; the others share what is left.
  const widths = [...wanted]
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))
  order.forEach((column, index) => {
    const share = Math.max(CELL_WIDTH_MIN, Math.floor(rest / (order.length - index)))
    widths[column] = Math.min(wanted[column] ?? 0, share)
    rest -= widths[column]
  })
  return widths
}

/** The header of a table. */
export function headerLine(columns: readonly string[], widths: readonly number[], style: TableStyle): string {
  return style.bold(
    columns
      .map((name, column) => fitText(visibleText(name), widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}

/** One row of a table; numbers to the right. */
export function rowLine(row: readonly Cell[], widths: readonly number[], style: TableStyle): string {
  const cells = row.map((cell, column) => {
    const text = fitText(
      shownText(cell),
      widths[column] ?? 0,
      cell !== null && /^[-+−]?[\d.,]+(?: \d{3})*$/.test(cell) ? 'right' : 'left',
    )
    return cell === null ? style.dim(text) : text
  })
  return cells.join(GAP).trimEnd()
}

/** A whole small table. */
export function formatTable(columns: readonly string[], rows: readonly (readonly Cell[])[], style: TableStyle): string {
  const widths = planWidths(columns, rows, style.width)
  return [headerLine(columns, widths, style), ...rows.map((row) => rowLine(row, widths, style))]
    .map((line) => `${line}\n`)
    .join('')
}

/** One record of `--plain`: tab-separated, `\t`, `\n`, `\r` and `\\` escaped, NULL as `\N`. */
export function plainLine(row: readonly Cell[]): string {
  return `${row.map((cell) => (cell === null ? '\\N' : escapePlain(cell))).join('\t')}\n`
}

function escapePlain(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

function shownText(cell: Cell): string {
  return cell === null ? NULL_SIGN : visibleText(cell)
}
