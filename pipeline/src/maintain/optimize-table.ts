import {
  type Clock,
  type Engine,
  type OptimizeOptions,
  type OptimizeSummary,
  optimize,
  readSnapshot,
  type Snapshot,
} from '@tributary/delta'
import { placeColumns } from '../upsert/locate.ts'
import { keepLog } from './log-upkeep.ts'
import type { PinPlace } from './pins.ts'
import { stateOf } from './sidecars.ts'

/** Rewrites files; the rows of our own tables keep the place in the landing that they came from. Throws what `optimize` throws. */
export async function optimizeTable(
  { engine, clock }: { readonly engine: Engine; readonly clock: Clock },
  { snapshot, place }: { readonly snapshot: Snapshot; readonly place: PinPlace },
  options: OptimizeOptions,
): Promise<OptimizeSummary> {
  const extraColumns = stateOf(snapshot) === undefined ? [] : placeColumns
  const summary = await optimize(engine, clock, snapshot, { ...options, extraColumns })
  if (summary.versions.length > 0) await keepLog(engine, clock, await readSnapshot(snapshot.store), place)
  return summary
}
