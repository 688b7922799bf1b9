import type { Paint } from './colors.ts'
import type { ExitCode } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import type { Interrupts } from './interrupts.ts'
import type { DataStream } from './streams.ts'
import type { TableStyle } from './table-format.ts'
import type { Words } from './words.ts'

/** One run of the command: what its verb may read, write and say. */
export interface Invocation {
  readonly flags: GlobalFlags
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
