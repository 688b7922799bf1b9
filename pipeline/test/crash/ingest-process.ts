// The real command in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const COMMAND = join(import.meta.dirname, '../../../bin/tributary')

export interface IngestProcess {
  readonly process: ChildProcess
  /** Exit code, or null when a signal ended it. */
  readonly done: Promise<number | null>
  /** All that it wrote to stderr so far. */
  readonly errors: () => string
  readonly output: () => string
}

/** Starts `tributary -C FOLDER ingest --json`. */
export function startIngest(folder: string): IngestProcess {
  const child = spawn(COMMAND, ['-C', folder, 'ingest', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const done = once(child, 'close').then(() => child.exitCode)
  return { process: child, done, errors: () => errors, output: () => output }
}
