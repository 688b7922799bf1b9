import { readSnapshot, type Snapshot, type Store } from '@tributary/delta'
import { parsePoint } from './version-text.ts'

/** A table as it was at a version or time that a person wrote. Throws `VERSION_TEXT_INVALID`, and what `readSnapshot` throws. */
export async function readSnapshotAt(
  store: Store,
  text: string,
  { nowMs }: { readonly nowMs: number },
): Promise<Snapshot> {
  const point = parsePoint(text)
  if (point.kind === 'version') return readSnapshot(store, { version: point.version })
  return readSnapshot(store, { timestampMs: point.kind === 'time' ? point.timestampMs : nowMs - point.durationMs })
}
