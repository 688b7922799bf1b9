import type { Command } from 'commander'
import type { Paint } from './colors.ts'
import type { ExitCode } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import type { Interrupts } from './interrupts.ts'
import type { DataStream } from './streams.ts'
import type { TableStyle } from './table-format.ts'
import type { Words } from './words.ts'

/** Gives a verb its arguments, flags and action. */
export type AddVerb = (command: Command, invocation: Invocation) => void

/** A verb as `--help` lists it; its module is loaded only when it runs. */
export interface Verb {
  readonly name: string
  readonly summary: string
  /** Left out of `--help`. */
  readonly hidden?: boolean
  readonly load: () => Promise<AddVerb>
}

/** One run of the command: what its verb may read, write and say. */
export interface Invocation {
  readonly flags: GlobalFlags
  /** All verbs, for help and completion. */
  readonly verbs: readonly Verb[]
  readonly environment: NodeJS.ProcessEnv
  /** stdout. */
  readonly data: DataStream
  /** stderr. */
  readonly words: Words
  /** Colours for words. */
  readonly paint: Paint
  /** How tables on stdout look. */
  readonly style: TableStyle
  readonly interrupts: Interrupts
  /** The exit code, when it is not 0. */
  readonly end: (code: ExitCode) => void
}
