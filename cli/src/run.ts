import { type Command, CommanderError } from 'commander'
import { paintFor } from './colors.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { describeFailure, failureJson, failureText, stackOf } from './failure.ts'
import { globalFlags, wantsJson } from './global-flags.ts'
import { listenForInterrupts } from './interrupts.ts'
import type { Invocation } from './invocation.ts'
import { CLI_FOLDER } from './places.ts'
import { commandsOf, createProgram } from './program.ts'
import { openDataStream, ReaderGone } from './streams.ts'
import { VERBS } from './verbs.ts'
import { openWords } from './words.ts'

/** Runs one command line and returns its exit code. */
export async function run(host: NodeJS.Process): Promise<ExitCode> {
  const args = host.argv.slice(2)
  const data = openDataStream(host.stdout, host.env)
  let code: ExitCode = EXIT.done
  let invocation: Invocation | undefined
  const program = createProgram((root) => {
    const end = (ended: ExitCode): void => {
      code = ended
    }
    invocation = beginInvocation(root, { host, data, end })
    return invocation
  })
  try {
    if (args.length === 1 && (args[0] === '--version' || args[0] === '-V'))
      await data.write(`tributary ${await readVersion()}\n`)
    else await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    invocation?.words.clear()
    if (error instanceof ReaderGone) return EXIT.done
    if (invocation?.interrupts.cut.aborted === true) {
      // Whatever it is: it comes of being given up.
      invocation.words.warn('interrupted')
      return EXIT.interrupted
    }
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    // It went to stderr, so that a script does not take it for data: without a verb there is nothing to do.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    return reportFailure(error, { host, args, commands: commandsOf(program), invocation })
  }
}

function beginInvocation(
  program: Command,
  { host, data, end }: Pick<Invocation, 'data' | 'end'> & { readonly host: NodeJS.Process },
): Invocation {
  const folder: unknown = program.opts()['C']
  if (typeof folder === 'string') enterFolder(host, folder)
  const environment = host.env
  const flags = globalFlags(program, environment)
  const paintData = paintFor(host.stdout, { color: flags.color, environment })
  return {
    flags,
    verbs: VERBS,
    environment,
    data,
    words: openWords(host.stderr, {
      clock: { now: () => performance.timeOrigin + performance.now() },
      flags,
      environment,
    }),
    paint: paintFor(host.stderr, { color: flags.color, environment }),
    style: { width: data.columns, dim: (text) => paintData('dim', text), bold: (text) => paintData('bold', text) },
    interrupts: listenForInterrupts(host),
    end,
  }
}

function enterFolder(host: NodeJS.Process, folder: string): void {
  try {
    host.chdir(folder)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new CommanderError(EXIT.usage, 'tributary.folder', `cannot change to the folder ${folder} (${reason})`)
  }
}

async function reportFailure(
  error: unknown,
  {
    host,
    args,
    commands,
    invocation,
  }: {
    readonly host: NodeJS.Process
    readonly args: readonly string[]
    readonly commands: readonly string[]
    readonly invocation: Invocation | undefined
  },
): Promise<ExitCode> {
  const failure = await describeFailure(error, { args, commands })
  const paint =
    invocation?.paint ?? paintFor(host.stderr, { color: !args.includes('--no-color'), environment: host.env })
  host.stderr.write(wantsJson(args, host.env) ? failureJson(failure) : failureText(failure, paint))
  if ((invocation?.flags.verbose ?? 0) > 1) host.stderr.write(`${stackOf(error)}\n`)
  return failure.exitCode
}

async function readVersion(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(new URL('package.json', CLI_FOLDER), 'utf8')
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}
