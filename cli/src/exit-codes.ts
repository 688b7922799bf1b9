import type { ErrorKind } from '@tributary/delta'

/** What a process says by its exit code; the same for every verb (`tributary help exit-codes`). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreadable: 4,
  refused: 5,
  findings: 6,
  retry: 7,
  interrupted: 130,
} as const

/** One of `EXIT`. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code of an error, by what a caller can do about it. */
export const EXIT_OF_KIND: Readonly<Record<ErrorKind, ExitCode>> = {
  invalid: EXIT.usage,
  'not-found': EXIT.notFound,
  unsupported: EXIT.unreadable,
  expired: EXIT.unreadable,
  refused: EXIT.refused,
  conflict: EXIT.retry,
  unavailable: EXIT.retry,
  corrupt: EXIT.failed,
}
