// One fresh process, from its start to its end, with what it cost. A small shell stands in between: it tells the process's number
// before the work begins and, when the process is gone, its own counters of I/O and of waited-for children, to which Linux has then
// added the process. That is exact, where a last sample of /proc/<pid> would miss what was done after it.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** What one process took. */
export interface Measured {
  /** From start to end, including the start of the runtime. */
  readonly ms: number
  /** The last line of standard output, when it was JSON: what the process measured of itself. */
  readonly own: Readonly<Record<string, number>>
  /** Processor time of all threads, in the kernel's steps of 10 ms: what a busy machine distorts least. */
  readonly cpuMs: number
  /** Highest `RssAnon` seen, with its children's, sampled every 10 ms: memory of its own, without file pages that it has mapped. */
  readonly anonKib: number
  /** `VmHWM` of the largest of them: highest resident memory of all kinds, kept by the kernel. */
  readonly residentKib: number
  /** `rchar`, `wchar`: bytes through read and write calls, whether or not the page cache answered. */
  readonly readBytes: number
  readonly writtenBytes: number
  /** `write_bytes`: bytes that dirtied the page cache. */
  readonly dirtiedBytes: number
  /** Whether the process ever had DuckDB's library mapped. */
  readonly hasDuckdb: boolean
}

const SAMPLE_MS = 10
const SCRIPT =
  '"$@" 3>&- & child=$!; echo $child >&3; wait $child; code=$?; cat /proc/$$/io /proc/$$/stat >&3; exit $code'

/** Where a command runs, and what it finds in its environment beside ours; undefined takes a variable away. */
export interface MeasureOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Runs a command in a fresh process. Throws, with what it said, when it does not end well. */
export async function measure(command: readonly string[], options: MeasureOptions): Promise<Measured> {
  const startedMs = performance.now()
  const shell = spawn('sh', ['-c', SCRIPT, 'sh', ...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const { stdout, stderr } = shell
  const side = shell.stdio[3]
  if (stdout === null || stderr === null || !(side instanceof Readable))
    throw new Error('the shell was started without its pipes')
  const watched = { anonKib: 0, residentKib: 0, hasDuckdb: false }
  let notes = ''
  let sampling: NodeJS.Timeout | undefined
  side.setEncoding('utf8')
  side.on('data', (chunk: string) => {
    notes += chunk
    const pid = /^(\d+)\n/.exec(notes)?.[1]
    if (pid !== undefined) sampling ??= setInterval(() => sample(pid, watched), SAMPLE_MS)
  })
  const ended = new Promise<{ code: number | null; ms: number }>((resolve, reject) => {
    shell.on('error', reject)
    shell.on('exit', (code) => resolve({ code, ms: performance.now() - startedMs }))
  })
  const [out, err, { code, ms }] = await Promise.all([text(stdout), text(stderr), ended])
  clearInterval(sampling)
  if (code !== 0) throw new Error(`${command.join(' ')}: exit ${code}\n${err}${out}`)
  return { ms, own: parseOwn(out), ...watched, ...parseCounters(notes) }
}

function sample(pid: string, watched: { anonKib: number; residentKib: number; hasDuckdb: boolean }): void {
  watched.hasDuckdb ||= readProc(`/proc/${pid}/maps`).includes('duckdb')
  const statuses = familyOf(pid).map((member) => readProc(`/proc/${member}/status`))
  const anonKib = statuses.reduce((sum, status) => sum + kib(status, 'RssAnon'), 0)
  watched.anonKib = Math.max(watched.anonKib, anonKib)
  for (const status of statuses) watched.residentKib = Math.max(watched.residentKib, kib(status, 'VmHWM'))
}

/** A process and what it started: Spark's work is done by a child of Python. */
function familyOf(pid: string): readonly string[] {
  const children = readProc(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return [pid, ...children.flatMap(familyOf)]
}

// The process may end between two reads: then there is nothing to see any more.
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function kib(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

const TICK_MS = 10

function parseCounters(notes: string): Pick<Measured, 'readBytes' | 'writtenBytes' | 'dirtiedBytes' | 'cpuMs'> {
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(notes)?.[1] ?? Number.NaN)
  // proc(5): after the name in parentheses come the state and 12 numbers, then the children's ticks in user and in kernel mode.
  const [, user, system] = /\) \S+(?: -?\d+){12} (\d+) (\d+)/.exec(notes) ?? []
  return {
    readBytes: count('rchar'),
    writtenBytes: count('wchar'),
    dirtiedBytes: count('write_bytes'),
    cpuMs: (Number(user) + Number(system)) * TICK_MS,
  }
}

function parseOwn(out: string): Readonly<Record<string, number>> {
  const line = out.trim().split('\n').at(-1) ?? ''
  return line.startsWith('{"ms":') ? (JSON.parse(line) as Record<string, number>) : {}
}
