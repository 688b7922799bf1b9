import { type Clock, planVacuum, type Snapshot, type StoreEntry, vacuum } from '@tributary/delta'
import { type PinPlace, readPins } from './pins.ts'
import { findDeadSidecars } from './sidecars.ts'

/** What a vacuum of a table deletes, and what it leaves for whom. */
export interface TableVacuum {
  readonly version: number
  readonly retainMs: number
  /** Data files and deletion vectors. */
  readonly files: readonly StoreEntry[]
  /** Files of ours under `_tributary/`. */
  readonly sidecars: readonly StoreEntry[]
  readonly sizeBytes: number
  /** Names of the pins whose versions stay. */
  readonly pins: readonly string[]
}

/**
 * Find what may go: data files as VACUUM does, and sidecars that no readable version names. Pinned versions keep everything.
 * Throws `RETENTION_TOO_SHORT`, `PIN_UNREADABLE`, `PIN_CORRUPT`, `UNSUPPORTED_WRITER_FEATURE`.
 */
export async function planTableVacuum(
  clock: Clock,
  { snapshot, place }: { readonly snapshot: Snapshot; readonly place: PinPlace },
  options: { readonly retainMs?: number; readonly allowShortRetention?: boolean } = {},
): Promise<TableVacuum> {
  const pins = await readPins(place)
  const keepVersions = [...new Set(pins.map(({ version }) => version))]
  const { files, retainMs, version } = await planVacuum(clock, snapshot, { ...options, keepVersions })
  const sidecars = await findDeadSidecars(snapshot, { cutoffMs: clock.now() - retainMs, keepVersions })
  const sizeBytes = [...files, ...sidecars].reduce((sum, entry) => sum + entry.sizeBytes, 0)
  return { version, retainMs, files, sidecars, sizeBytes, pins: pins.map(({ name }) => name) }
}

/** Delete what was planned. Throws `STORE_FAILED`; the next vacuum finds what is left. */
export async function vacuumTable(snapshot: Snapshot, plan: TableVacuum): Promise<void> {
  await vacuum(snapshot, { files: [...plan.files, ...plan.sidecars] })
}
