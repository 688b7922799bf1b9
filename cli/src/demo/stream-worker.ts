// The worker of the streaming demo: the command as a user runs it, a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

/** A running `ingest --watch`. */
export interface StreamWorker {
  /** Its last words, if it has ended. */
  readonly lastWords: () => string | undefined
  readonly commits: () => number
  /** Asks it to end, and waits until it has. */
  readonly close: () => Promise<void>
}

const LAST_LINES = 5

/** Starts it; what it says goes to `log`. */
export function startStreamWorker(
  command: string,
  {
    folder,
    log,
    environment,
  }: { readonly folder: string; readonly log: string; readonly environment: NodeJS.ProcessEnv },
): StreamWorker {
  // A group of its own: on Ctrl-C the demo asks it to end.
  const child: ChildProcess = spawn(command, ['-C', folder, '--no-color', 'ingest', '--watch'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment,
    detached: true,
  })
  const written = createWriteStream(log)
  let tail = ''
  let commits = 0
  child.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString()
    written.write(text)
    commits += [...text.matchAll(/ {2}(?:LOAD|UPSERT) {2}/g)].length
    tail = `${tail}${text}`
      .split('\n')
      .slice(-LAST_LINES - 1)
      .join('\n')
  })
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    lastWords: () => (hasEnded() ? tail : undefined),
    commits: () => commits,
    close: async () => {
      const ended = once(child, 'close')
      if (!hasEnded()) child.kill('SIGTERM')
      if (!hasEnded()) await ended
      written.end()
    },
  }
}
