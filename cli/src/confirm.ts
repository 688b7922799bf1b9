import { createInterface } from 'node:readline/promises'
import { needsYes } from './errors.ts'
import { isSet } from './global-flags.ts'
import type { Invocation } from './invocation.ts'

/** Goes on when `--yes` was given or a person types yes. Throws `NEEDS_YES`, also where nobody can be asked. */
export async function confirm({ flags, environment, interrupts }: Invocation, what: string): Promise<void> {
  if (flags.yes) return
  const canAsk = flags.input && process.stdin.isTTY && process.stderr.isTTY && !isSet(environment['CI'])
  if (!canAsk) throw needsYes(what)
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await asking
    .question(`${what}. Go on? (yes/no) `, { signal: interrupts.signal })
    .finally(() => asking.close())
  if (answer.trim().toLowerCase() !== 'yes') throw needsYes(what)
}
