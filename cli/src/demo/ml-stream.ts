// The year flows in: each step of the source's clock is written into the landing, ingested, and in the last week followed by the features.
import type { Engine } from '@tributary/delta'
import { type FeatureDefinition, refreshFeature, refreshMemory } from '@tributary/ml'
import { type IngestOptions, ingest, type Lake, spareTime } from '@tributary/pipeline'
import { demoFailed } from '../errors.ts'
import type { FlightsStep } from './flights-landing.ts'

/** Where steps go. */
export interface Inflow {
  readonly lake: Lake
  readonly engine: Engine
  readonly features: readonly FeatureDefinition[]
  readonly signal: AbortSignal
}

/** What steps of one kind came to. */
export interface StepTotals {
  readonly kind: FlightsStep['kind']
  steps: number
  changes: number
  commits: number
  ms: number
  /** Of the time, what refreshes took. */
  refreshMs: number
  refreshes: number
  /** Keys that were computed, by feature: one number a refresh. */
  readonly affected: Map<string, number[]>
}

/** Takes steps in, one after the other, and counts. */
export interface StepTaker {
  /** Throws `DEMO_FAILED` where a table stops. */
  readonly take: (step: FlightsStep) => Promise<StepTotals>
  /** Ends when nothing goes on beside the steps any more. */
  readonly settled: () => Promise<void>
}

/** Begins with nothing known of the tables. */
export function stepTaker({ lake, engine, features, signal }: Inflow): StepTaker {
  const sessions: NonNullable<IngestOptions['sessions']> = new Map()
  let totals: StepTotals | undefined
  // As a worker does: what is known of the tables is kept from step to step, and files are merged beside the next one.
  const upkeep = spareTime()
  const memory = refreshMemory()
  // Features do not read one another: each core has one at work.
  const refreshAll = async (into: StepTotals, asOfMs: number): Promise<void> => {
    const refreshes = features.map((definition) => refreshFeature(lake, engine, definition, { asOfMs, memory }))
    for (const { feature, affected } of await Promise.all(refreshes))
      into.affected.set(feature, [...(into.affected.get(feature) ?? []), affected])
    into.refreshes += features.length
  }
  return {
    take: async (step) => {
      if (totals?.kind !== step.kind)
        totals = {
          kind: step.kind,
          steps: 0,
          changes: 0,
          commits: 0,
          ms: 0,
          refreshMs: 0,
          refreshes: 0,
          affected: new Map(),
        }
      const startedMs = performance.now()
      const { tables } = await ingest(lake, engine, { sessions, upkeep, signal })
      for (const { table, stopped, commits } of tables) {
        if (stopped !== null) throw demoFailed(`${table} stopped: ${stopped.message}`)
        totals.commits += commits
      }
      const ingestedMs = performance.now()
      if (step.kind === 'hour') await refreshAll(totals, Date.parse(step.until))
      totals.steps += 1
      totals.changes += step.changes
      totals.refreshMs += performance.now() - ingestedMs
      totals.ms += performance.now() - startedMs
      return totals
    },
    settled: async () => {
      await upkeep.settled()
      for (const { index } of sessions.values()) await index?.building
    },
  }
}
