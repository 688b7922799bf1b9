// A refresh: one cut of the inputs, the keys that their changes can touch, the rows of these keys computed anew, and one commit with what
// differs and with the versions that it was computed from. Who loses a race begins anew and finds that less is left to do, or nothing.

import type { Clock, Engine, Snapshot, Store, StructType } from '@tributary/delta'
import { findNamedTable, keepLog, type Lake, pinPlaceOf } from '@tributary/pipeline'
import { featureContended, featureInvalid } from '../errors.ts'
import { type ComparedRows, compareRows } from './compare-rows.ts'
import { orSqlFailed } from './compile.ts'
import { type CompiledFeatures, compiledFeature } from './compiled-feature.ts'
import { decideMode } from './decide-mode.ts'
import type { FeatureDefinition } from './definition.ts'
import { type FailedCheck, failedChecks } from './feature-checks.ts'
import { AFFECTED, stageFresh } from './feature-rows.ts'
import { type FeatureState, parseFeatureState, specHash } from './feature-state.ts'
import { findAffected } from './find-affected.ts'
import { openHeads, versionsOf } from './inputs.ts'
import { keepFiles } from './keep-files.ts'
import { resultSql, rowsOfKeysSql } from './key-queries.ts'
import { type KnownTables, knownTables } from './known-tables.ts'
import { appendServed } from './served-history.ts'
import {
  changeFeatureTable,
  createFeatureTable,
  featureStore,
  keepFeatureRows,
  readFeature,
  rewriteFeatureTable,
  type WrittenVersion,
} from './write-feature.ts'

/** How a refresh is to be done. */
export interface RefreshOptions {
  /** Compute everything, whatever the mode. */
  readonly full?: boolean
  /** Say what would be done and write nothing. */
  readonly dryRun?: boolean
  /** What `:as_of` stands for; now when it is left out. */
  readonly asOfMs?: number
  /** What the process knows from refreshes before, for who refreshes again and again. */
  readonly memory?: RefreshMemory
}

/** What refreshes of any features of one lake leave for those that follow. */
export interface RefreshMemory {
  readonly tables: KnownTables
  readonly compiled: CompiledFeatures
}

/** Nothing is known yet. */
export function refreshMemory(): RefreshMemory {
  return { tables: knownTables(), compiled: new Map() }
}

/** What a refresh did. */
export interface RefreshOutcome {
  readonly feature: string
  readonly kind: 'refreshed' | 'unchanged' | 'would-refresh' | 'checks-failed'
  readonly mode: 'incremental' | 'full' | 'none'
  readonly reason: string
  /** The table's version afterwards. */
  readonly version: number | undefined
  readonly asOfMs: number
  readonly from: FeatureState['inputs']
  readonly to: FeatureState['inputs']
  /** Keys that were computed. */
  readonly affected: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  /** Rows that were left out because their key holds a NULL. */
  readonly withoutKey: number
  readonly failures: readonly FailedCheck[]
  readonly ms: number
}

const ATTEMPTS_MAX = 5

/**
 * Brings a feature's table to the newest versions of its inputs. Throws `FEATURE_SQL_REFUSED`, `FEATURE_SQL_FAILED`,
 * `FEATURE_NOT_INCREMENTAL`, `FEATURE_KEY_REPEATED`, `FEATURE_CONTENDED`, `TABLE_UNKNOWN`, and what reading and writing tables throws. A check that fails is an outcome.
 */
export async function refreshFeature(
  lake: Lake,
  engine: Engine,
  definition: FeatureDefinition,
  options: RefreshOptions = {},
): Promise<RefreshOutcome> {
  const startedMs = lake.clock.now()
  const { memory = refreshMemory() } = options
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const fork = await engine.fork()
    try {
      const outcome = await orSqlFailed(definition, () =>
        refreshOnce({ lake, engine: fork, definition, options, memory }),
      )
      if (outcome === undefined) continue
      await afterwards({ lake, engine: fork, definition, options, memory }, outcome)
      return { ...outcome, ms: lake.clock.now() - startedMs }
    } finally {
      await fork.close()
    }
  }
  throw featureContended(definition.name, ATTEMPTS_MAX)
}

interface Refresh {
  readonly lake: Lake
  readonly engine: Engine
  readonly definition: FeatureDefinition
  readonly options: RefreshOptions
  readonly memory: RefreshMemory
}

// What may fail without harm: the rows are committed, and the next refresh does what is left undone here.
async function afterwards(
  { lake, engine, definition, options, memory }: Refresh,
  { kind }: RefreshOutcome,
): Promise<void> {
  if (options.dryRun === true || (kind !== 'refreshed' && kind !== 'unchanged')) return
  const written = [definition.name]
  if (
    definition.keepsHistory &&
    (await appendServed({ engine, clock: lake.clock }, lake, definition, memory.tables)) > 0
  )
    written.push(`${definition.name}__history`)
  for (const name of written) {
    const table = await readFeature(featureStore(lake, name), memory.tables)
    if (table === undefined) continue
    await keepLog(engine, lake.clock, table, pinPlaceOf(table.store))
    const kept = await keepFiles({ engine, clock: lake.clock }, table)
    if (kept !== table) await keepLog(engine, lake.clock, kept, pinPlaceOf(kept.store))
  }
}

/** Undefined when somebody else committed first. */
async function refreshOnce(refresh: Refresh): Promise<RefreshOutcome | undefined> {
  const { lake, engine, definition, options } = refresh
  const { tables, compiled } = refresh.memory
  const store = featureStore(lake, definition.name)
  const current = await readFeature(store, tables)
  const state = current === undefined ? undefined : parseFeatureState(current)
  const asOfMs = options.asOfMs ?? lake.clock.now()
  const heads = openHeads((name) => findNamedTable(lake, name), tables)
  const { query, schema } = await compiledFeature(engine, definition, heads, compiled)
  assertChecks(definition, schema)
  const [to, spec] = [versionsOf(heads), specHash(definition)]
  const isFullAsked = options.full === true
  const mode = decideMode({
    definition,
    state,
    spec,
    inputs: to,
    asOfMs,
    hasEdges: query.edges.length > 0,
    isFullAsked,
  })
  const facts = {
    feature: definition.name,
    asOfMs,
    from: state?.inputs ?? [],
    to,
    version: current?.version,
    ...NOTHING,
  }
  const found = await findAffected({ engine, definition, query, heads, state, asOfMs }, mode)
  if (found.kind === 'none') return refreshNothing(refresh, { current, state, reason: found.reason }, facts)
  const isFull = found.kind === 'full'
  const sql = await (isFull
    ? resultSql(engine, query, { names: found.now, asOfMs })
    : rowsOfKeysSql(engine, query, { names: found.now, asOfMs, keys: AFFECTED }))
  const fresh = await stageFresh(engine, definition, schema, sql)
  const rows = await compareRows(engine, definition, { current, schema, isFull, fresh: fresh.count })
  const { withoutKey } = fresh
  const affected = found.affected ?? fresh.count
  const done = { ...facts, ...rows.counts, mode: found.kind, reason: found.reason, withoutKey, affected }
  const failures = await failedChecks(engine, definition.checks, rows.after)
  if (failures.length > 0) return { ...done, kind: 'checks-failed', failures }
  if (options.dryRun === true) return { ...done, kind: 'would-refresh' }
  const newState = stateOf({ definition, spec, clock: lake.clock }, done, rows.keys)
  const version = await writeRows({ refresh, store, current, schema, newState }, rows)
  return version === undefined ? undefined : { ...done, kind: 'refreshed', version }
}

type Facts = Omit<RefreshOutcome, 'kind' | 'mode' | 'reason'>

/** Rows that nothing has touched are as of the later time now. Undefined when somebody else committed first. */
async function refreshNothing(
  { lake, engine, options }: Refresh,
  {
    current,
    state,
    reason,
  }: { readonly current: Snapshot | undefined; readonly state: FeatureState | undefined; readonly reason: string },
  facts: Facts,
): Promise<RefreshOutcome | undefined> {
  const done = { ...facts, kind: 'unchanged', mode: 'none', reason } as const
  if (current === undefined || state === undefined) return done
  if (facts.asOfMs <= state.asOf || options.dryRun === true) return { ...done, asOfMs: state.asOf }
  const later = { ...state, asOf: facts.asOfMs, refreshedAt: lake.clock.now() }
  const version = await keepFeatureRows({ engine, clock: lake.clock }, current, { state: later, reason })
  return version === undefined ? undefined : { ...done, version }
}

const NOTHING = { affected: 0, inserted: 0, updated: 0, deleted: 0, withoutKey: 0, failures: [], ms: 0 }

function assertChecks({ name, checks }: FeatureDefinition, { fields }: StructType): void {
  const unknown = checks.find(({ column }) => !fields.some((field) => field.name === column))
  if (unknown !== undefined)
    throw featureInvalid(`feature ${name}`, 1, `checks: ${unknown.column} is no column of its SQL. Correct the name`)
}

type Done = Pick<RefreshOutcome, 'asOfMs' | 'to' | 'reason' | 'affected' | 'inserted' | 'updated' | 'deleted'> & {
  readonly mode: 'incremental' | 'full'
}

function stateOf(
  { definition, spec, clock }: { readonly definition: FeatureDefinition; readonly spec: string; readonly clock: Clock },
  { asOfMs, to, mode, reason, affected, inserted, updated, deleted }: Done,
  keys: number,
): FeatureState {
  return {
    format: 1,
    feature: definition.name,
    entity: [...definition.entity],
    spec,
    asOf: asOfMs,
    inputs: to,
    mode,
    reason,
    affected,
    changed: inserted + updated + deleted,
    keys,
    refreshedAt: clock.now(),
  }
}

interface Target {
  readonly refresh: Refresh
  readonly store: Store
  readonly current: Snapshot | undefined
  readonly schema: StructType
  readonly newState: FeatureState
}

function writeRows(
  { refresh, store, current, schema, newState: state }: Target,
  { difference }: ComparedRows,
): Promise<WrittenVersion> {
  const { engine, lake, definition } = refresh
  const work = { engine, clock: lake.clock }
  if (current === undefined) return createFeatureTable(work, store, { schema, state })
  if (difference === undefined) return rewriteFeatureTable(work, current, { schema, state })
  return changeFeatureTable(work, current, { definition, difference, state })
}
