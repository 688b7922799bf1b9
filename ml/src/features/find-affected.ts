import type { Engine } from '@tributary/delta'
import { featureNotIncremental } from '../errors.ts'
import { affectedSql, keyQueries } from './affected-keys.ts'
import type { FeatureQuery } from './compile.ts'
import type { decideMode } from './decide-mode.ts'
import type { FeatureDefinition } from './definition.ts'
import { AFFECTED } from './feature-rows.ts'
import type { FeatureState } from './feature-state.ts'
import { createViews, type InputHeads, readStates, versionsOf } from './inputs.ts'

/** Where the affected keys are looked for. */
export interface Search {
  readonly engine: Engine
  readonly definition: FeatureDefinition
  readonly query: FeatureQuery
  readonly heads: InputHeads
  readonly state: FeatureState | undefined
  readonly asOfMs: number
}

/** The answer: the keys are in the temporary table `feature_affected`, or all are affected, or none. */
export type Affected =
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'incremental' | 'full'
      readonly reason: string
      readonly now: readonly string[]
      readonly affected?: number
    }

/** Puts the affected keys into a temporary table, or says why all keys are. Throws `FEATURE_NOT_INCREMENTAL`. */
export async function findAffected(
  { engine, definition, query, heads, state, asOfMs }: Search,
  mode: ReturnType<typeof decideMode>,
): Promise<Affected> {
  if (mode.kind === 'none') return mode
  const now = await createViews(engine, query, heads.snapshots, 'feature_now')
  const full = (reason: string, isAllowed = false): Affected => {
    if (definition.mode === 'incremental' && !isAllowed) throw featureNotIncremental(definition.name, reason)
    return { kind: 'full', reason, now }
  }
  if (mode.kind === 'full' || state === undefined) return full(mode.reason, mode.kind === 'full' && mode.isAllowed)
  const states = await readStates(engine, query, heads, { state, now })
  if ('kind' in states) return full(states.reason)
  const queries = await keyQueries(engine, query, states, { fromMs: state.asOf, toMs: asOfMs })
  const keys = await affectedSql(engine, query, now, queries)
  await engine.run(`CREATE TEMP TABLE ${AFFECTED} AS ${keys}`)
  const [row] = await engine.all(`SELECT count(*) AS n FROM ${AFFECTED}`)
  const affected = Number(row?.['n'])
  const shareMax = definition.affectedShareMax ?? (definition.mode === 'auto' ? AFFECTED_SHARE_MAX : 1)
  if (affected > shareMax * Math.max(state.keys, 1) && shareMax < 1)
    return full(
      `${affected} keys are affected, more than ${Math.round(shareMax * 100)} % of the ${state.keys} that it has`,
    )
  const isMoved = versionsOf(heads).some(
    ({ table, version }) => state.inputs.find((input) => input.table === table)?.version !== version,
  )
  // Time alone went on and crossed nothing: no row has to be computed.
  if (affected === 0 && !isMoved)
    return { kind: 'none', reason: 'no input has a new version, and no row crossed an edge of time' }
  return { kind: 'incremental', reason: mode.reason, now, affected }
}

// Beyond it finding the keys and joining them costs more than it saves.
const AFFECTED_SHARE_MAX = 0.5
