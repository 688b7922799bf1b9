import type { Dataset } from './dataset.ts'
import type { BatchSpec } from './source.ts'

/** A worker takes in so many batches before those that count: the second is the first that it finds its index for. */
export const WARM_UPS = 2
/** So many batches count, in one process one after the other. */
export const COUNTED = 5

/** Batches that come after the first one, which the base has. */
export async function laterBatches(
  dataset: Dataset,
  {
    changes,
    count = WARM_UPS + COUNTED,
    keys = 'random',
  }: { readonly changes: number; readonly count?: number; readonly keys?: BatchSpec['keys'] },
): Promise<readonly string[]> {
  // Each kind has numbers of its own, so that no two batches of a table insert the same rows.
  const first = keys === 'random' ? 2 : 2 + count
  const paths: string[] = []
  for (let number = first; number < first + count; number++) paths.push(await dataset.batch({ changes, number, keys }))
  return paths
}
