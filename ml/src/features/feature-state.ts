import { createHash } from 'node:crypto'
import type { Action, Snapshot } from '@tributary/delta'
import { z } from 'zod'
import { featureStateCorrupt } from '../errors.ts'
import type { FeatureDefinition } from './definition.ts'

/** The domain in which a feature's table tells what it was computed from. */
export const FEATURE_DOMAIN = 'tributary.feature'

const state = z.object({
  format: z.literal(1),
  feature: z.string(),
  entity: z.array(z.string()),
  spec: z.string(),
  asOf: z.number(),
  inputs: z.array(z.object({ table: z.string(), id: z.string(), version: z.number().int() })),
  mode: z.enum(['incremental', 'full']),
  reason: z.string(),
  affected: z.number().int(),
  changed: z.number().int(),
  keys: z.number().int(),
  refreshedAt: z.number(),
})

/** What the newest refresh of a feature did: in the same commit as its rows, so both are there or none. */
export type FeatureState = z.output<typeof state>

/** The state of a feature's table, undefined where it was never refreshed. Throws `FEATURE_STATE_CORRUPT`. */
export function parseFeatureState({ domains, store }: Pick<Snapshot, 'domains' | 'store'>): FeatureState | undefined {
  const text = domains.get(FEATURE_DOMAIN)
  if (text === undefined) return undefined
  const parsed = state.safeParse(jsonOf(text), { jitless: true })
  if (!parsed.success) throw featureStateCorrupt(store.url, parsed.error.issues[0]?.message ?? 'it is no JSON')
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The action that stores a state. */
export function stateAction(newState: FeatureState): Action {
  return {
    domainMetadata: { domain: FEATURE_DOMAIN, configuration: JSON.stringify(newState), removed: false },
  }
}

// Raised when the same SQL begins to be computed in another way, so that rows of both ways never stand side by side.
const METHOD = 1

/** Stands for all that the rows depend on besides the inputs. */
export function specHash({ entity, sql }: Pick<FeatureDefinition, 'entity' | 'sql'>): string {
  return createHash('sha256')
    .update(JSON.stringify({ method: METHOD, entity, sql }))
    .digest('hex')
    .slice(0, 16)
}
