// The command on watch, in a process of its own, with what it says of its commits and how much memory it holds.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '@tributary/delta'
import { type Collector, openCollector } from './collector.ts'

const COMMAND = join(import.meta.dirname, '../../../bin/tributary')
const WAIT_MS_MAX = 60_000

/** A worker that is at work. */
export interface Watching {
  readonly process: ChildProcess
  /** Landing files in its commits so far. */
  readonly files: () => number
  /** The same by table. */
  readonly filesOf: (table: string) => number
  /** How often it warned. */
  readonly warnings: () => number
  /** The last lines that it wrote. */
  readonly said: () => string
  /**
   * Memory of its own after its garbage was collected, without what it shares with files, in MiB; for a worker that was started to be
   * measured. V8 collects when it must: without that one would measure its patience.
   */
  readonly ownMiB: () => Promise<number>
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

/** Starts `tributary ingest --watch --log json`. */
export function startWatching(
  folder: string,
  options: {
    readonly flags?: readonly string[]
    readonly environment?: Readonly<Record<string, string>>
    readonly isMeasured?: boolean
  } = {},
): Watching {
  const flags = options.flags ?? ['--interval', '0.1']
  const child = spawn(COMMAND, ['-C', folder, 'ingest', '--watch', '--log', 'json', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ...options.environment,
      ...(options.isMeasured ? { NODE_OPTIONS: '--inspect=127.0.0.1:0' } : {}),
    },
  })
  let collector: Promise<Collector> | undefined
  const taken = new Map<string, number>()
  const lines: string[] = []
  let warnings = 0
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, inspector] = /^Debugger listening on (ws:\S+)$/.exec(line) ?? []
    if (inspector !== undefined) collector = openCollector(inspector)
    lines.push(line)
    if (lines.length > 20) lines.shift()
    const { event, table = '', files = 0 } = parseEvent(line)
    if (event === 'warning') warnings += 1
    if (event === 'committed') taken.set(table, (taken.get(table) ?? 0) + files)
  })
  return {
    process: child,
    files: () => [...taken.values()].reduce((sum, files) => sum + files, 0),
    filesOf: (table) => taken.get(table) ?? 0,
    warnings: () => warnings,
    said: () => lines.join('\n'),
    ownMiB: async () => {
      await (await collector)?.collect()
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
    },
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      // A process with an inspector waits for whoever looks at it.
      const open = await collector
      open?.close()
      const ended = once(child, 'close')
      child.kill(signal)
      await ended
    },
  }
}

/** Waits until it is true, or says what the worker said last. */
export async function untilTrue(worker: Watching, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const untilMs = systemClock.now() + WAIT_MS_MAX; systemClock.now() < untilMs; await systemClock.sleep(20)) {
    if (await isTrue()) return
    if (worker.process.exitCode !== null) break
  }
  throw new Error(
    `it did not come true; the worker (exit code ${worker.process.exitCode}) said last:\n${worker.said()}`,
  )
}

function parseEvent(line: string): { readonly event?: string; readonly table?: string; readonly files?: number } {
  return line.startsWith('{') ? (JSON.parse(line) as ReturnType<typeof parseEvent>) : {}
}
