import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Duck } from './engine.ts'
import { BENCH, PYTHON } from './places.ts'

/** On what and of what the figures are; nothing in it names the machine or its folders. */
export interface Circumstances {
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  /** The commit that was measured, with `+` when the working tree differs from it. */
  readonly commit: string
}

/** Asks the machine, the runtimes and Git. */
export async function readCircumstances(duck: Duck): Promise<Circumstances> {
  const cores = cpus()
  const engine = await duck.row('SELECT version() AS version')
  const modules =
    'import deltalake, pyarrow, platform; print(deltalake.__version__, pyarrow.__version__, platform.python_version())'
  const [deltalake = '?', pyarrow = '?', python = '?'] = output(PYTHON, ['-c', modules]).split(' ')
  return {
    machine: `${cores.length} × ${cores[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, load ${loadavg()[0]?.toFixed(1)} at the start`,
    versions: {
      node: process.version,
      duckdb: engine.version ?? '?',
      'delta-rs (deltalake)': deltalake,
      pyarrow,
      python,
    },
    commit: commitText(),
  }
}

function commitText(): string {
  try {
    const root = join(BENCH, '..')
    const commit = output('git', ['-C', root, 'rev-parse', '--short', 'HEAD'])
    return output('git', ['-C', root, 'status', '--porcelain']) === '' ? commit : `${commit}+`
  } catch {
    return 'none'
  }
}

function output(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
