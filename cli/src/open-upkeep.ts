import { type Lake, type NamedTable, type PinPlace, pinPlaceOf } from '@tributary/pipeline'
import type { Invocation } from './invocation.ts'
import { openProjectIfAny, openTable } from './open-table.ts'

/** A table with all that its upkeep has to know. */
export interface UpkeepTable extends NamedTable {
  /** Where its pins lie. */
  readonly place: PinPlace
  /** The project that feeds it; undefined for a table that was named by its path. */
  readonly lake: Lake | undefined
}

/** A table by its name or path. Throws what `openTable` throws. */
export async function openUpkeep(invocation: Invocation, name: string): Promise<UpkeepTable> {
  const named = await openTable(invocation, name)
  const lake = name.includes('/') ? undefined : await openProjectIfAny(invocation)
  const isConfigured = lake?.config.tables.some((table) => table.name === named.name) === true
  if (lake === undefined || !isConfigured) return { ...named, place: pinPlaceOf(named.store), lake: undefined }
  return { ...named, place: { root: lake.root, table: named.name }, lake }
}
