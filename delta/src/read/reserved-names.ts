import { columnNameReserved } from '../errors.ts'

/**
 * Names that a query puts beside a table's columns must not be the table's own: SQL would take the one for the other in silence.
 * Throws `COLUMN_NAME_RESERVED`.
 */
export function assertNamesFree(fields: readonly { readonly name: string }[], ours: readonly string[]): void {
  const reserved = new Set(ours.map((name) => name.toLowerCase()))
  const taken = fields.find(({ name }) => reserved.has(name.toLowerCase()))
  if (taken !== undefined) throw columnNameReserved(taken.name)
}
