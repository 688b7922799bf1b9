import { recallDeletedRows, type Snapshot } from '@tributary/delta'
import { type IndexHolder, openNewest } from '../key-index/index-folder.ts'
import { prefetchKeys } from './prefetch-keys.ts'
import type { IndexedTable, IndexParts } from './ready-index.ts'
import type { PrefetchedKeys } from './target.ts'

const VECTORS_MAX = 16

/**
 * While DuckDB reads the batch's files: opens the key index and reads deletion vectors, as a process has to for its first batch of a table, and
 * looks up the keys of `relation`, where all that the batch will hold comes from it, until it `isOver`. What cannot be read is said by whoever
 * needs it.
 */
export async function lookAhead(
  { index, ...parts }: Omit<IndexParts, 'index'> & { readonly index: IndexHolder | undefined },
  { relation, ...rest }: IndexedTable & { readonly relation: string | undefined; readonly isOver: () => boolean },
): Promise<PrefetchedKeys | undefined> {
  if (index?.open === undefined) await openAll(index, rest.snapshot)
  if (index === undefined || relation === undefined) return undefined
  return prefetchKeys({ ...parts, index }, { ...rest, relation })
}

async function openAll(index: IndexHolder | undefined, { store, files }: Snapshot): Promise<void> {
  const vectors = files.flatMap(({ deletionVector }) => deletionVector ?? []).slice(0, VECTORS_MAX)
  await Promise.allSettled(vectors.map((vector) => recallDeletedRows(store, vector)))
  if (index === undefined || index.building !== undefined) return
  try {
    openNewest(index)
  } catch {}
}
