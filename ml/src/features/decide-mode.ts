import type { FeatureDefinition } from './definition.ts'
import type { FeatureState } from './feature-state.ts'

/** What is known before any row is read. */
export interface RefreshFacts {
  readonly definition: Pick<FeatureDefinition, 'mode'>
  /** Undefined at the first refresh. */
  readonly state: FeatureState | undefined
  readonly spec: string
  readonly inputs: FeatureState['inputs']
  readonly asOfMs: number
  readonly hasEdges: boolean
  readonly isFullAsked: boolean
}

/** How a feature is to be refreshed, and why. */
export type RefreshMode =
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'incremental'; readonly reason: string }
  /** `isAllowed`: nobody can follow changes here, so `mode: incremental` has nothing against it. */
  | { readonly kind: 'full'; readonly reason: string; readonly isAllowed: boolean }

/** Decides without reading rows. A full computation that could not be helped is always told. */
export function decideMode({
  definition,
  state,
  spec,
  inputs,
  asOfMs,
  hasEdges,
  isFullAsked,
}: RefreshFacts): RefreshMode {
  if (state === undefined) return { kind: 'full', reason: 'this is the first refresh', isAllowed: true }
  if (isFullAsked) return { kind: 'full', reason: 'a full computation was asked for', isAllowed: true }
  if (state.spec !== spec) return { kind: 'full', reason: 'the SQL or the entity has changed', isAllowed: true }
  const before = new Map(state.inputs.map((input) => [input.table, input]))
  const replaced = inputs.find(({ table, id }) => before.get(table)?.id !== id)
  if (replaced !== undefined)
    return { kind: 'full', reason: `${replaced.table} is another table than at the last refresh`, isAllowed: false }
  const restored = inputs.find(({ table, version }) => version < (before.get(table)?.version ?? 0))
  if (restored !== undefined)
    return { kind: 'full', reason: `${restored.table} has lost versions since the last refresh`, isAllowed: false }
  const moved = inputs.filter(({ table, version }) => before.get(table)?.version !== version)
  const isLater = hasEdges && state.asOf !== asOfMs
  if (moved.length === 0 && !isLater) return { kind: 'none', reason: 'no input has a new version' }
  if (definition.mode === 'full') return { kind: 'full', reason: 'its mode is full', isAllowed: true }
  const news = moved.map(({ table, version }) => `${table} v${before.get(table)?.version ?? 0} → v${version}`)
  return { kind: 'incremental', reason: [...news, ...(isLater ? ['time went on'] : [])].join(', ') }
}
