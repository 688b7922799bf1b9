// A tombstone keeps the order of the delete that removed a key, so that a change older than the delete cannot bring
// the row back (law 2). Segments are Parquet: the key columns and the order columns of `order.ts`.
import { crc32 } from 'node:zlib'
import { attachStore, type Clock, type Engine, quoteName, quoteText, type Store } from '@tributary/delta'
import { segmentLost } from '../errors.ts'
import { planMerge } from '../ledger/segments.ts'
import type { Segment } from '../ledger/table-state.ts'
import { newestFirst } from './order.ts'

/** What writes segments. */
export interface TombstoneParts {
  readonly engine: Engine
  readonly store: Store
  readonly clock: Clock
}

/** The segments that the next commit must name, and how many tombstones are new in them. */
export interface Buried {
  readonly segments: readonly Segment[]
  readonly rows: number
}

/** Writes the rows of `relation`, none or more, as a segment and merges a full tier. */
export async function appendTombstones(
  parts: TombstoneParts,
  segments: readonly Segment[],
  { relation, key }: { readonly relation: string; readonly key: readonly string[] },
): Promise<Buried> {
  const added = await writeTombstones(parts, relation)
  const rows = added.entries
  if (rows === 0) {
    await parts.store.delete(added.path)
    return { segments, rows }
  }
  const merge = planMerge([...segments, added])
  if (merge.length === 0) return { segments: [...segments, added], rows }
  const newest = newestPerKey(await tombstonesSql(parts, merge), key)
  const merged = await writeTombstones(parts, newest)
  await parts.store.delete(added.path)
  return { segments: [...segments.filter((segment) => !merge.includes(segment)), merged], rows }
}

/** A SELECT over all rows of the segments. Throws `SEGMENT_LOST` when one is gone. */
export async function tombstonesSql(
  { engine, store }: Pick<TombstoneParts, 'engine' | 'store'>,
  segments: readonly Segment[],
): Promise<string> {
  await attachStore(engine, store)
  const files: string[] = []
  for (const segment of segments) {
    if ((await store.stat(segment.path)) === undefined) throw segmentLost(segment.path)
    files.push(quoteText(await store.locate(segment.path)))
  }
  return `SELECT * FROM read_parquet([${files.join(', ')}], union_by_name = true)`
}

function newestPerKey(relation: string, key: readonly string[]): string {
  return `SELECT * FROM (${relation}) QUALIFY row_number() OVER (
    PARTITION BY ${key.map(quoteName).join(', ')} ORDER BY ${newestFirst}) = 1`
}

/** Writes rows, none or more, as a segment. */
export async function writeTombstones({ engine, store, clock }: TombstoneParts, relation: string): Promise<Segment> {
  const path = `_tributary/tombstones/${clock.uuid()}.parquet`
  await attachStore(engine, store)
  const target = quoteText(await store.locate(path))
  const [written] = await engine.all(
    `COPY (${relation}) TO ${target} (FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false, RETURN_STATS)`,
  )
  const entries = Number(written?.['count'] ?? 0)
  const { sizeBytes } = await store.sync(path)
  return { path, entries, sizeBytes, crc32: crc32(await store.read(path)) }
}
