// What the parts of the training demo share: the project, the stream, and words that are kept beside being said.
import { fileURLToPath } from 'node:url'
import type { Engine } from '@tributary/delta'
import type { FeatureDefinition } from '@tributary/ml'
import type { Lake } from '@tributary/pipeline'
import type { Invocation } from '../invocation.ts'
import { CLI_FOLDER } from '../places.ts'
import { type Cell, formatTable, PLAIN_STYLE } from '../table-format.ts'
import type { FlightsStep } from './flights-landing.ts'
import type { StepTaker } from './ml-stream.ts'
import { timedLine } from './ml-words.ts'

/** How much of the year, and where. */
export interface MlDemo {
  readonly folder: string
  readonly days: number
  readonly hours: number
  /** Whether Python trains: without, the demo ends with its datasets. */
  readonly train: boolean
  /** Whether the figures found are those that are expected from now on. */
  readonly keep: boolean
}

/** Where the parts of the demo lie in the checkout. */
export const ROOT: string = fileURLToPath(new URL('..', CLI_FOLDER))

/** What the parts of the demo work with. */
export interface Stage {
  readonly invocation: Invocation
  readonly demo: MlDemo
  readonly folder: string
  readonly engine: Engine
  readonly steps: AsyncIterator<FlightsStep>
  /** When the stream pauses and the model is asked. */
  readonly nowMs: number
  /** All that was said so far. */
  readonly said: string[]
}

/** The project once its tables are loaded. */
export interface Project extends StepTaker {
  readonly lake: Lake
  readonly features: readonly FeatureDefinition[]
}

/** Says a line. */
export function say({ invocation, said }: Stage, line: string): void {
  invocation.words.say(line)
  said.push(line)
}

/** Shows a table between empty lines. */
export async function show(
  { invocation, said }: Stage,
  { columns, rows }: { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] },
): Promise<void> {
  const style = invocation.data.isTerminal ? invocation.style : PLAIN_STYLE
  await invocation.data.write(`\n${formatTable(columns, rows, style)}`)
  said.push('', formatTable(columns, rows, PLAIN_STYLE).trimEnd())
}

/** Says what was done, after the time that it took. */
export async function timed<T>(stage: Stage, work: () => Promise<T>, text: (result: T) => string): Promise<T> {
  const startedMs = performance.now()
  const result = await work()
  say(stage, timedLine(performance.now() - startedMs, text(result)))
  return result
}

/** Whether somebody wants it to end. */
export function isEnding({ invocation }: Stage): boolean {
  return invocation.interrupts.signal.aborted
}
