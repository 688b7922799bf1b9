import type { Figure } from './figures.ts'
import type { Bench, Run } from './rounds.ts'

/** What one suite found. */
export interface Outcome {
  /** What was done, in a sentence. */
  readonly work: string
  readonly runs: readonly Run[]
  readonly figures: readonly Figure[]
}

/** A suite: `dataset/operation`. */
export type Suite = (bench: Bench) => Promise<Outcome>
