import type { Writable } from 'node:stream'
import type { Clock } from '@tributary/delta'
import { type GlobalFlags, isSet } from './global-flags.ts'

const TERMINAL_EVERY_MS = 100
const CI_EVERY_MS = 10_000
const CLEAR_LINE = '\r\x1b[2K'

/** What is said to people: stderr. */
export interface Words {
  /** An outcome or a hint; `-q` leaves it out. */
  readonly say: (text: string) => void
  /** Only with `-v`. */
  readonly detail: (text: string) => void
  /** Said even with `-q`. */
  readonly warn: (text: string) => void
  /** The one line of progress: ten times a second on a terminal, every ten seconds in CI, nowhere else. */
  readonly progress: (text: () => string) => void
  /** Takes the line of progress away. */
  readonly clear: () => void
}

/** Opens stderr for words. */
export function openWords(
  stderr: Writable & { readonly isTTY?: boolean },
  options: { readonly clock: Pick<Clock, 'now'>; readonly flags: GlobalFlags; readonly environment: NodeJS.ProcessEnv },
): Words {
  const { clock, flags, environment } = options
  // A reader of stderr that went away must not end the work.
  stderr.on('error', () => undefined)
  const isCi = isSet(environment['CI'])
  const isTerminal = stderr.isTTY === true && environment['TERM'] !== 'dumb' && !isCi
  const everyMs =
    flags.quiet || !flags.progress ? undefined : isTerminal ? TERMINAL_EVERY_MS : isCi ? CI_EVERY_MS : undefined
  let shownAtMs = isCi ? clock.now() : 0
  let isShown = false
  const clear = (): void => {
    if (isShown) stderr.write(CLEAR_LINE)
    isShown = false
  }
  const line = (text: string): void => {
    clear()
    stderr.write(`${text}\n`)
  }
  return {
    say: (text) => void (flags.quiet || line(text)),
    detail: (text) => void (flags.verbose > 0 && line(text)),
    warn: (text) => line(text),
    progress: (text) => {
      const nowMs = clock.now()
      if (everyMs === undefined || nowMs - shownAtMs < everyMs) return
      shownAtMs = nowMs
      if (!isTerminal) return line(text())
      stderr.write(`${CLEAR_LINE}${text()}`)
      isShown = true
    },
    clear,
  }
}
