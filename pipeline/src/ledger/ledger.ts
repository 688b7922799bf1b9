import type { Clock, Store } from '@tributary/delta'
import { z } from 'zod'
import { segmentCorrupt } from '../errors.ts'
import { planMerge, readSegment, writeSegment } from './segments.ts'
import type { Segment } from './table-state.ts'

const entry = z
  .object({
    /** Key of the landing file, from the landing's root. */
    key: z.string(),
    sizeBytes: z.number().int().nonnegative(),
    /** SHA-256 of the stored bytes on a disk, the eTag in a bucket. */
    hash: z.string(),
    /** Write time of the object; on a disk only a hint that saves hashing again. */
    modifiedMs: z.number(),
    generation: z.number().int().positive(),
    kind: z.enum(['load', 'cdc', 'transactions', 'replay', 'skipped', 'truncate']),
    place: z.string(),
    read: z.number().int(),
    applied: z.number().int(),
    superseded: z.number().int(),
    noop: z.number().int(),
    quarantined: z.number().int(),
    /** Timestamps with more than six fraction digits, cut to six. */
    digitsCut: z.number().int().nonnegative(),
    /** The batch (SetTransaction version) that took the file in. */
    batch: z.number().int().nonnegative(),
    reason: z.string().optional(),
  })
  .readonly()

/** One landing file (or replay) that a table has taken in, with its conservation counts. */
export type LedgerEntry = z.infer<typeof entry>

function parseEntry(json: unknown): LedgerEntry {
  const parsed = entry.safeParse(json)
  if (!parsed.success) throw segmentCorrupt(`ledger entry: ${parsed.error.message}`)
  return parsed.data
}

/** All entries of the segments, oldest first. `cache` may hold segments read before: they never change. */
export async function readLedger(
  store: Store,
  segments: readonly Segment[],
  cache: Map<string, readonly LedgerEntry[]> = new Map(),
): Promise<readonly LedgerEntry[]> {
  const live = new Set(segments.map((segment) => segment.path))
  for (const path of cache.keys()) if (!live.has(path)) cache.delete(path)
  for (const segment of segments) {
    if (!cache.has(segment.path)) cache.set(segment.path, await readSegment(store, segment, parseEntry))
  }
  return segments.flatMap((segment) => cache.get(segment.path) ?? [])
}

/** What writes a ledger. `cache` gets what is written, so that it need not be read again after the commit. */
export interface LedgerParts {
  readonly store: Store
  readonly clock: Clock
  readonly cache?: Map<string, readonly LedgerEntry[]>
}

/** Writes the new entries and merges a full tier; returns the segments that the next commit must name. */
export async function appendLedger(
  { store, clock, cache }: LedgerParts,
  segments: readonly Segment[],
  entries: readonly LedgerEntry[],
): Promise<readonly Segment[]> {
  if (entries.length === 0) return segments
  // The new entries go straight into the merged segment, when there is to be one.
  const added = { path: '', entries: entries.length, sizeBytes: 0, crc32: 0 }
  const merge = planMerge([...segments, added])
  const kept = segments.filter((segment) => !merge.includes(segment))
  const old = segments.filter((segment) => merge.includes(segment))
  const all = [...(await readLedger(store, old, new Map(cache))), ...entries]
  const written = await writeSegment({ store, clock }, 'ledger', all)
  cache?.set(written.path, all)
  return [...kept, written]
}
