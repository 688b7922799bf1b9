import type { Store } from '@tributary/delta'
import { placeAt } from '../dms/file-name.ts'
import type { TableState } from '../ledger/table-state.ts'
import type { LandingFile } from './plan.ts'

/**
 * Where a reload parts the CDC files of two generations (design §3.1). The times of objects in a bucket are when DMS wrote them, so the
 * first LOAD object does, whenever either was taken in. On a disk times may be those of copies, and only what was applied is known to
 * belong to the generation before.
 */
export function closeGeneration(
  landing: Pick<Store, 'remote'>,
  loads: readonly LandingFile[],
  state: TableState | undefined,
): Pick<TableState, 'closedPlace'> & Partial<Pick<TableState, 'lastPlace' | 'lastFile'>> {
  const [first] = loads.toSorted((a, b) => a.modifiedMs - b.modifiedMs)
  if (landing.remote === undefined || first === undefined) return { closedPlace: state?.lastPlace ?? '' }
  const closedPlace = placeAt(first.modifiedMs)
  return { closedPlace, lastPlace: closedPlace, lastFile: first.key }
}
