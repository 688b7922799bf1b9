// Errors of the command line itself. Those of the command's grammar (unknown flags and the like) are commander's.
import { TributaryError } from '@tributary/delta/log'

/** Two flags of one line contradict each other, or one lacks what it needs. */
export function flagsInvalid(problem: string, fix: string): TributaryError {
  return new TributaryError('invalid', 'FLAGS_INVALID', `${problem}. ${fix}.`)
}

/** Parquet is no text for a terminal. */
export function terminalRefused(format: string): TributaryError {
  return new TributaryError(
    'invalid',
    'TERMINAL_REFUSED',
    `${format} is not written to a terminal. Name a file with --out FILE, or send the output through a pipe.`,
  )
}

/** Something would be overwritten or done for good, and nobody said yes. */
export function needsYes(what: string): TributaryError {
  return new TributaryError('invalid', 'NEEDS_YES', `${what}. Add --yes if that is meant.`)
}

/** A place in a kind of store that this version cannot open. */
export function bucketNotYet(url: string): TributaryError {
  return new TributaryError(
    'unsupported',
    'BUCKET_NOT_YET',
    `${url} cannot be opened: this version knows folders and S3. Give the path of a folder or s3://bucket/prefix.`,
  )
}

/** `--out` cannot be written. */
export function outputFailed(path: string, cause: unknown): TributaryError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TributaryError(
    'invalid',
    'OUTPUT_FAILED',
    `Could not write ${path}: ${reason}. Name another file with --out.`,
    { cause },
  )
}

/** The data or the Python of the demo were not installed. */
export function demoNotSetUp(path: string, target = 'setup'): TributaryError {
  return new TributaryError(
    'not-found',
    'DEMO_NOT_SET_UP',
    `There is no ${path}: what the demo needs is not installed. Run make ${target} in the checkout.`,
  )
}

/** The demo showed a fault of ours. */
export function demoFailed(problem: string): TributaryError {
  return new TributaryError(
    'corrupt',
    'DEMO_FAILED',
    `The demo failed: ${problem}. Run it again with -v and report it.`,
  )
}
