// The state in a table's log has a format number. A newer one is refused by name: whoever wrote it knows what we do not. An older one is
// brought up step by step when it is read, and written in the newest form with the next commit; the log itself is never rewritten.

import { ledgerFormatUnknown, tableStateCorrupt } from '../errors.ts'

/** The format that this version of Tributary writes. */
export const STATE_FORMAT = 1

/** What turns a state of one format into one of the next; the step at `n` leads from format `n + 1` to `n + 2`. */
export type UpgradeStep = (state: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/** None yet: format 1 is the first. A change of the format adds its step here, and a test with a state as the old version wrote it. */
const STEPS: readonly UpgradeStep[] = []

/** A state in the newest format, not yet checked. Throws `LEDGER_FORMAT_UNKNOWN` for a newer one, `TABLE_STATE_CORRUPT` where there is no format. */
export function upgradeState(json: unknown, steps: readonly UpgradeStep[] = STEPS): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || !('format' in json)) throw tableStateCorrupt('it has no format')
  const { format } = json
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1)
    throw tableStateCorrupt(`its format is ${JSON.stringify(format)}`)
  const newest = steps.length + 1
  if (format > newest) throw ledgerFormatUnknown(format)
  return steps
    .slice(format - 1)
    .reduce<Readonly<Record<string, unknown>>>(
      (state, step, index) => ({ ...step(state), format: format + index + 1 }),
      { ...json },
    )
}
