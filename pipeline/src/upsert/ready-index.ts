import type { Snapshot } from '@tributary/delta'
import type { IndexHolder } from '../key-index/index-folder.ts'
import { isIndexable } from '../key-index/key-hash.ts'
import { bringIndex, type IndexState } from '../key-index/key-index.ts'
import type { IndexedColumn, IndexSubject } from '../key-index/manifest.ts'
import { fieldOf, type TableShape } from './batch.ts'
import type { UpsertParts } from './target.ts'

/** What looks keys up: an engine of its caller's, and the index that it asks. */
export type IndexParts = Pick<UpsertParts, 'engine' | 'clock'> & { readonly index: IndexHolder }

/** The table whose keys are looked up. */
export interface IndexedTable {
  readonly snapshot: Snapshot
  readonly shape: TableShape
  /** The order that each row last took is asked for, too. */
  readonly guard: boolean
}

// Most batches are taken up in some hundredths of a second. What takes longer was a large batch, and a scan is done before it, as a rule.
const FOLLOWED_MS = 1000

/** The index brought to the table's snapshot; undefined when it cannot tell, and need not be built. */
export async function readyIndex(
  { engine, clock, index: holder }: IndexParts,
  { snapshot, shape, guard }: IndexedTable,
): Promise<{ readonly subject: IndexSubject; readonly state: Exclude<IndexState, { kind: 'unusable' }> } | undefined> {
  const subject = subjectOf(snapshot, shape)
  if (subject === undefined || (guard && subject.sequence === null)) return undefined
  await waitForFollowing(clock, holder)
  // It is being built, or brought over many rows: a scan takes less time than what is left of that.
  if (holder.building !== undefined) return undefined
  const state = await bringIndex({ engine, clock }, holder, { snapshot, subject })
  return state.kind === 'unusable' ? undefined : { subject, state }
}

/** Until the batch before is taken up, a second from its commit at most: who looks ahead and the batch itself wait for the same. */
async function waitForFollowing(
  clock: IndexParts['clock'],
  { following }: Pick<IndexHolder, 'following'>,
): Promise<void> {
  const leftMs = following === undefined ? 0 : following.sinceMs + FOLLOWED_MS - clock.now()
  if (following === undefined || leftMs <= 0) return
  const isOver = new AbortController()
  await Promise.race([following.done, clock.sleep(leftMs, isOver.signal)])
  isOver.abort()
}

/** What an index of that table is about; undefined when its keys cannot be indexed. */
export function subjectOf({ store, metadata }: Snapshot, shape: TableShape): IndexSubject | undefined {
  // Names change hands where columns are mapped; what the files call a column does not.
  const typed = (name: string): IndexedColumn => {
    const { type, metadata: facts } = fieldOf(shape, name)
    return [name, String(type), String(facts['delta.columnMapping.physicalName'] ?? name)]
  }
  const key = shape.key.map(typed)
  if (!key.every(([, type]) => isIndexable(type))) return undefined
  return {
    url: store.url,
    tableId: metadata.id,
    key,
    sequence: shape.sequence === undefined ? null : typed(shape.sequence),
  }
}
