import type { Invocation } from './invocation.ts'
import { type Cell, formatTable, plainLine } from './table-format.ts'

/** A small list and how its items look in columns. */
export interface List<Item> {
  /** Name and number of the published schema. */
  readonly schema: string
  readonly items: readonly Item[]
  readonly columns: readonly string[]
  readonly cells: (item: Item) => readonly Cell[]
}

/** Prints a list: one JSON object with `--json`, a table on a terminal, else tab-separated. */
export async function writeList<Item>(
  invocation: Invocation,
  { schema, items, columns, cells }: List<Item>,
): Promise<void> {
  if (invocation.flags.json) return writeJson(invocation, { schema, items })
  await invocation.data.write(tableText(invocation, columns, items.map(cells)))
}

/** A small table as this stdout wants it. */
export function tableText(
  { data, flags, style }: Invocation,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  if (data.isTerminal && !flags.plain) return formatTable(columns, rows, style)
  return [columns, ...rows].map(plainLine).join('')
}

/** Prints one JSON object in a line. */
export async function writeJson({ data }: Invocation, value: unknown): Promise<void> {
  await data.write(`${JSON.stringify(value)}\n`)
}
