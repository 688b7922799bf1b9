// A segment is an immutable NDJSON file under `_tributary/`. A commit adds one small segment; when a tier is
// full its segments are merged into one of the next tier, so that an entry is rewritten log(n) times in all
// and the list in the domain metadata stays short.
import { crc32 } from 'node:zlib'
import { type Clock, type Store, TributaryError } from '@tributary/delta/log'
import { segmentCorrupt, segmentLost } from '../errors.ts'
import type { Segment } from './table-state.ts'

const TIER_FANOUT = 8

/** Writes entries as one durable segment; nothing refers to it until a commit does. */
export async function writeSegment(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  kind: 'ledger' | 'quarantine',
  entries: readonly unknown[],
): Promise<Segment> {
  const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  const path = `_tributary/${kind}/${clock.uuid()}.ndjson`
  await store.create(path, bytes)
  return { path, entries: entries.length, sizeBytes: bytes.length, crc32: crc32(bytes) }
}

/** Reads and checks a segment. Throws `SEGMENT_LOST` or `SEGMENT_CORRUPT`. */
export async function readSegment<T>(store: Store, segment: Segment, parseEntry: (json: unknown) => T): Promise<T[]> {
  const bytes = await store.read(segment.path).catch((error: unknown) => {
    throw error instanceof TributaryError && error.code === 'FILE_NOT_FOUND' ? segmentLost(segment.path) : error
  })
  if (bytes.length !== segment.sizeBytes || crc32(bytes) !== segment.crc32) throw segmentCorrupt(segment.path)
  const entries: T[] = []
  for (const line of Buffer.from(bytes).toString('utf8').split('\n')) {
    if (line !== '') entries.push(parseEntry(JSON.parse(line)))
  }
  if (entries.length !== segment.entries) throw segmentCorrupt(segment.path)
  return entries
}

/** The tier that a segment of so many entries belongs to. */
function tierOf(segment: Segment): number {
  return Math.floor(Math.log(Math.max(1, segment.entries)) / Math.log(TIER_FANOUT))
}

/** Which segments to merge into one so that no tier holds more than its fan-out; none when the list is short. */
export function planMerge(segments: readonly Segment[]): readonly Segment[] {
  const tiers = new Map<number, Segment[]>()
  for (const segment of segments) tiers.set(tierOf(segment), [...(tiers.get(tierOf(segment)) ?? []), segment])
  let merge: Segment[] = []
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const here = tiers.get(tier) ?? []
    if (merge.length === 0 && here.length < TIER_FANOUT) continue
    // A merge of a full tier may fill the next one: take that along, so that a commit merges once.
    if (merge.length > 0 && here.length + 1 < TIER_FANOUT) break
    merge = [...merge, ...here]
  }
  return merge
}
