// What a file lacks and can be read without is said, once in a table's life.
import type { ReadPlan } from '../dms/plan-read.ts'
import type { LandingFile } from './plan.ts'
import type { TableRun } from './run.ts'
import type { EvolvingSchema } from './schema.ts'

/** Warns of columns that a file with rows does not have: those of the table, and the one for the time of the source's commit. */
export function warnOfLacks(
  { lake, options, table }: TableRun,
  file: LandingFile,
  { plan, schema, hasNames }: { readonly plan: ReadPlan; readonly schema: EvolvingSchema; readonly hasNames: boolean },
): void {
  const warn = (message: string): void => options.onEvent?.({ kind: 'warning', table: table.name, message })
  const missing = plan.missing.filter((column) => schema.warnMissing(column))
  if (missing.length > 0)
    warn(`${file.key} has no column ${missing.join(', ')}: NULL in its rows, and kept in the table`)
  const time = lake.config.dms.TimestampColumnName ?? ''
  // Full loads of older versions of DMS have no such column; their headers are trusted.
  const mayLack = time === '' || (hasNames && file.kind === 'load')
  if (mayLack || plan.columns.some(({ source }) => source === time) || !schema.warnMissing(time)) return
  warn(
    `${file.key} has no ${time} column although TimestampColumnName is set, so when the source committed its rows is not known. Correct the name in dms:, or leave it out`,
  )
}
