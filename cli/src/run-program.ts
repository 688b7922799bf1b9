import { spawn } from 'node:child_process'

/** Runs another program to its end and returns its exit code. What it says on stderr is shown. */
export function runProgram(
  program: string,
  args: readonly string[],
  { stdout = 'inherit', env }: { readonly stdout?: 'inherit' | 'ignore'; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  return new Promise((ended, failed) => {
    const child = spawn(program, args, { stdio: ['ignore', stdout, 'inherit'], ...(env === undefined ? {} : { env }) })
    child.on('error', failed)
    child.on('close', (code) => ended(code ?? 1))
  })
}
