import { type Clock, cleanLog, type Engine, isCheckpointDue, type Snapshot, writeCheckpoint } from '@tributary/delta'
import { type PinPlace, readPins } from './pins.ts'

/** After a commit: a checkpoint where the table's interval asks for one, and then the cleanup of the log, which leaves what is pinned. */
export async function keepLog(engine: Engine, clock: Clock, snapshot: Snapshot, place: PinPlace): Promise<void> {
  if (!isCheckpointDue(snapshot)) return
  await writeCheckpoint(engine, clock, snapshot)
  const pins = await readPins(place)
  await cleanLog(clock, snapshot, { keepVersions: pins.map(({ version }) => version) })
}
