import { createInterface } from 'node:readline/promises'
import { needsYes } from './errors.ts'
import { isSet } from './global-flags.ts'
import type { Invocation } from './invocation.ts'

/**
 * Goes on when `--yes` was given or a person types yes; where much is at stake, `typed` is what has to be typed instead.
 * Throws `NEEDS_YES`, also where nobody can be asked.
 */
export async function confirm(
  { flags, environment, interrupts }: Invocation,
  what: string,
  typed = 'yes',
): Promise<void> {
  if (flags.yes) return
  const canAsk = flags.input && process.stdin.isTTY && process.stderr.isTTY && !isSet(environment['CI'])
  if (!canAsk) throw needsYes(what)
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const question = typed === 'yes' ? `${what}. Go on? (yes/no) ` : `${what}. Type ${typed} to go on: `
  const answer = await asking.question(question, { signal: interrupts.signal }).finally(() => asking.close())
  const isMeant = typed === 'yes' ? answer.trim().toLowerCase() === typed : answer.trim() === typed
  if (!isMeant) throw needsYes(what)
}
