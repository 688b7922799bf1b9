import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import type { Paint } from './colors.ts'
import { EXIT, EXIT_OF_KIND, type ExitCode } from './exit-codes.ts'
import { visibleText } from './text-width.ts'

/** What is said of an error, in the parts of the error form. */
export interface Failure {
  readonly code: string
  /** The whole message. */
  readonly message: string
  readonly what: string
  readonly cause: string | undefined
  readonly fix: string | undefined
  readonly see: string | undefined
  readonly retryable: boolean
  readonly exitCode: ExitCode
}

/** Puts any error of a command line into the form. An unexpected one is written to a report file first, and the form names the file. */
export async function describeFailure(
  error: unknown,
  { args, commands }: { readonly args: readonly string[]; readonly commands: readonly string[] },
): Promise<Failure> {
  if (error instanceof CommanderError) return usageFailure(error, commands)
  // Loaded here and not above: `--help` must not wait for it.
  const { TributaryError } = await import('@tributary/delta')
  if (!(error instanceof TributaryError)) return unexpectedFailure(error, args)
  const isRetryable = error.kind === 'conflict' || error.kind === 'unavailable'
  const parts = splitMessage(error.message)
  return {
    code: error.code,
    message: error.message,
    ...parts,
    see: seeFor(error.code),
    retryable: isRetryable,
    exitCode: EXIT_OF_KIND[error.kind],
  }
}

/** `error:`, `cause:`, `fix:` and `see:`, a line each where there is something to say. */
export function failureText(failure: Failure, paint: Paint): string {
  const lines = [`${paint('red', 'error:')} ${visibleLines(failure.what)}`]
  if (failure.cause !== undefined) lines.push(`${paint('bold', 'cause:')} ${visibleLines(failure.cause)}`)
  if (failure.fix !== undefined) lines.push(`${paint('bold', 'fix:')} ${visibleLines(failure.fix)}`)
  if (failure.see !== undefined) lines.push(`${paint('bold', 'see:')} ${failure.see}`)
  return lines.map((line) => `${line}\n`).join('')
}

/** The error as `--json` gives it. */
export function failureJson({ code, message, fix, see, retryable }: Failure): string {
  return `${JSON.stringify({ error: { code, message, hint: fix ?? null, retryable, docs: see ?? null } })}\n`
}

/** A message of the house's form (problem: cause. Remedy.) in its parts. */
export function splitMessage(message: string): Pick<Failure, 'what' | 'cause' | 'fix'> {
  const sentences = message.split(/(?<=[.!?])\s+(?=[A-Z"`'])/)
  const fix = sentences.length > 1 ? sentences.at(-1) : undefined
  const problem = (fix === undefined ? sentences : sentences.slice(0, -1)).join(' ')
  const colon = problem.search(/: (?=\S)/)
  if (colon < 0) return { what: problem, cause: undefined, fix }
  return { what: problem.slice(0, colon), cause: problem.slice(colon + 2), fix }
}

function usageFailure(error: CommanderError, commands: readonly string[]): Failure {
  const message = error.message.replace(/^error: /, '').replace(/\n\((Did you mean .*)\)$/, '. $1')
  const fix = ['tributary', ...commands, '--help'].join(' ')
  return {
    code: 'USAGE',
    message,
    what: message,
    cause: undefined,
    fix,
    see: 'tributary help',
    retryable: false,
    exitCode: EXIT.usage,
  }
}

async function unexpectedFailure(error: unknown, args: readonly string[]): Promise<Failure> {
  const { redact } = await import('@tributary/delta/log')
  const what = redact(error instanceof Error ? error.message : String(error))
  const path = join(tmpdir(), `tributary-error-${process.pid}-${Math.trunc(performance.timeOrigin)}.txt`)
  const report = [
    `tributary ${args.join(' ')}`,
    `node ${process.version} ${process.platform} ${process.arch}`,
    '',
    stackOf(error),
    '',
  ]
  const isWritten = await writeFile(path, redact(report.join('\n')), { mode: 0o600 }).then(
    () => true,
    () => false,
  )
  const fix = isWritten
    ? `This is a bug of Tributary. Please send the report ${path}`
    : 'This is a bug of Tributary. Run again with -vv and send what it prints'
  return {
    code: 'UNEXPECTED',
    message: what,
    what,
    cause: undefined,
    fix,
    see: undefined,
    retryable: false,
    exitCode: EXIT.failed,
  }
}

/** The stack of an error and of what caused it: `-vv` and the report show it. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? error.message
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`
}

function seeFor(code: string): string {
  if (code === 'CONFIG_INVALID') return 'tributary help config'
  if (code.startsWith('TIMESTAMP')) return 'tributary help times'
  if (code.startsWith('VERSION')) return 'tributary help versions'
  return `docs/errors.md, ${code}`
}

/** Line breaks of an error's own text stay; whatever else moves a cursor is shown. */
function visibleLines(text: string): string {
  return text.split('\n').map(visibleText).join('\n  ')
}
