// Pins keep versions from our own VACUUM and from nobody else's: what others have deleted is a finding, what they may delete a warning.
import { deletedFileRetentionMs, type LiveFile, type RemoveFile, readSnapshot, type Snapshot } from '@tributary/delta'
import { type Pin, type PinPlace, readPins } from '../maintain/pins.ts'
import { checkDataFile } from './check-data-file.ts'
import { attempt, type Finding } from './finding.ts'

/** Where the pins of a table are, and what time it is. */
export interface PinCheck {
  readonly place: PinPlace
  readonly nowMs: number
}

/** What was found of a table's pins. */
export interface PinFindings {
  readonly findings: readonly Finding[]
  readonly warnings: readonly Finding[]
}

const HOUR_MS = 3_600_000

/** Looks whether pinned versions are still whole, and for how long. Reads files that only they need. */
export async function checkPins(newest: Snapshot, { place, nowMs }: PinCheck): Promise<PinFindings> {
  const pins = await attempt(() => readPins(place))
  if ('finding' in pins) return { findings: [pins.finding], warnings: [] }
  const live = { paths: new Set(newest.files.map(({ path }) => path)), files: new Set(newest.files.map(identityOf)) }
  // What is live stays. A file that got a deletion vector since is still there; the vector that it had may not be.
  const isOnlyPinned = (file: LiveFile): boolean =>
    !live.paths.has(file.path) ||
    (file.deletionVector !== undefined && file.deletionVector.storageType !== 'i' && !live.files.has(identityOf(file)))
  const cutoffMs = nowMs - deletedFileRetentionMs(newest.metadata)
  // A file that left so long ago that the log has forgotten it is as free to go as one that left before the cutoff.
  const protectedFiles = new Set(
    newest.tombstones.filter((file) => (file.deletionTimestamp ?? 0) > cutoffMs).map(identityOf),
  )
  const findings: Finding[] = []
  const warnings: Finding[] = []
  for (const pin of pins.value) {
    const pinned = await attempt(() => readSnapshot(newest.store, { version: pin.version }))
    const needed = 'value' in pinned ? pinned.value.files.filter(isOnlyPinned) : []
    const broken = 'finding' in pinned ? pinned.finding : await firstFault(newest, needed)
    if (broken !== undefined) findings.push(pinBroken(pin, broken))
    else if (needed.some((file) => !protectedFiles.has(identityOf(file))))
      warnings.push(pinUnprotected(pin, deletedFileRetentionMs(newest.metadata) / HOUR_MS))
  }
  return { findings, warnings }
}

async function firstFault({ store }: Snapshot, files: readonly LiveFile[]): Promise<Finding | undefined> {
  for (const file of files) {
    const [fault] = (await checkDataFile(store, file)).findings
    if (fault !== undefined) return fault
  }
  return undefined
}

/** One file with one deletion vector. */
function identityOf({ path, deletionVector }: Pick<LiveFile | RemoveFile, 'path' | 'deletionVector'>): string {
  return JSON.stringify([path, deletionVector?.pathOrInlineDv ?? null, deletionVector?.offset ?? null])
}

function pinBroken({ name, version }: Pin, { path, message }: Finding): Finding {
  return {
    code: 'PIN_BROKEN',
    message: `The pin ${name} keeps version ${version}, which is no longer whole: ${message.split(': ')[0]}. Another program's VACUUM knows no pins. Restore the file from a backup, or remove the pin with tributary unpin.`,
    ...(path === undefined ? {} : { path }),
  }
}

function pinUnprotected({ name, version }: Pin, hours: number): Finding {
  return {
    code: 'PIN_UNPROTECTED',
    message: `The pin ${name} keeps version ${version}, whose files left the table longer ago than the ${hours} hours of delta.deletedFileRetentionDuration: a VACUUM of another program, which knows no pins, deletes them. Set that property to as long as the pin shall live, let only tributary vacuum clean the table, or remove the pin.`,
  }
}
