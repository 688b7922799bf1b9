import {
  type Action,
  commit,
  commitTransaction,
  createTableActions,
  encodeSchema,
  parseSchema,
  protocolActions,
  readSnapshot,
  removeOf,
  replaceRows,
  type Snapshot,
  type Store,
  type StructType,
  TributaryError,
  type WriteWork,
  writeTableRows,
} from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import type { FeatureDefinition } from './definition.ts'
import { FRESH, type RowDifference } from './feature-rows.ts'
import { type FeatureState, stateAction } from './feature-state.ts'
import type { KnownTables } from './known-tables.ts'

/** The store of a feature's table, `<lake>/features/NAME`. */
export function featureStore(lake: Lake, name: string): Store {
  return lake.tableStore(`features.${name}`)
}

/** A feature's table, undefined where it was never refreshed. */
export async function readFeature(store: Store, tables?: KnownTables): Promise<Snapshot | undefined> {
  try {
    return await (tables === undefined ? readSnapshot(store) : tables.latest(store))
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'TABLE_NOT_FOUND') return undefined
    throw error
  }
}

/** What became of a commit; undefined when somebody else was first. */
export type WrittenVersion = number | undefined

/** Makes a feature's table with its first rows and state, all in version 0. */
export async function createFeatureTable(
  { engine, clock }: WriteWork,
  store: Store,
  { schema, state }: { readonly schema: StructType; readonly state: FeatureState },
): Promise<WrittenVersion> {
  const actions = createTableActions(clock, {
    schema,
    name: `features.${state.feature}`,
    deletionVectors: true,
    domainMetadata: true,
    // Other features, and readers of other programs, follow it by its change feed.
    configuration: { 'delta.enableChangeDataFeed': 'true' },
  })
  const [{ protocol }, { metaData: metadata }] = actions
  const table = {
    store,
    protocol,
    metadata,
    schema: parseSchema(metadata.schemaString),
    domains: new Map<string, string>(),
  }
  const { adds } = await writeTableRows(engine, clock, table, { relation: `SELECT * FROM ${FRESH}` })
  const outcome = await commit(store, clock, {
    readVersion: undefined,
    actions: [...actions, ...adds.map((add): Action => ({ add })), stateAction(state)],
    info: infoOf(state),
  })
  return outcome.kind === 'committed' ? outcome.version : undefined
}

/** Writes all rows anew under other columns. */
export async function rewriteFeatureTable(
  { engine, clock }: WriteWork,
  snapshot: Snapshot,
  { schema, state }: { readonly schema: StructType; readonly state: FeatureState },
): Promise<WrittenVersion> {
  const metaData = { ...snapshot.metadata, schemaString: encodeSchema(schema) }
  const { adds } = await writeTableRows(
    engine,
    clock,
    { ...snapshot, metadata: metaData, schema },
    { relation: `SELECT * FROM ${FRESH}` },
  )
  const nowMs = clock.now()
  const outcome = await commitTransaction(clock, {
    snapshot,
    actions: [
      ...protocolActions(snapshot.protocol, schema),
      { metaData },
      ...snapshot.files.map((file): Action => ({ remove: removeOf(file, nowMs) })),
      ...adds.map((add): Action => ({ add })),
      stateAction(state),
    ],
    info: infoOf(state),
    reads: { kind: 'table' },
  })
  return outcome.kind === 'committed' ? outcome.version : undefined
}

/** Writes the rows that differ. */
export async function changeFeatureTable(
  work: WriteWork,
  snapshot: Snapshot,
  {
    definition,
    difference,
    state,
  }: { readonly definition: FeatureDefinition; readonly difference: RowDifference; readonly state: FeatureState },
): Promise<WrittenVersion> {
  const outcome = await replaceRows(work, snapshot, {
    key: definition.entity,
    fresh: difference.fresh,
    gone: difference.gone,
    places: difference.places,
    actions: [stateAction(state)],
    info: infoOf(state),
  })
  return outcome.kind === 'committed' ? outcome.version : undefined
}

/** Says that the rows are as of a later time, and that none of them differs. */
export async function keepFeatureRows(
  { clock }: WriteWork,
  snapshot: Snapshot,
  { state, reason }: { readonly state: FeatureState; readonly reason: string },
): Promise<WrittenVersion> {
  const outcome = await commitTransaction(clock, {
    snapshot,
    actions: [stateAction(state)],
    info: { operation: 'REFRESH FEATURE', operationParameters: { mode: 'none', reason } },
    reads: { kind: 'nothing' },
  })
  return outcome.kind === 'committed' ? outcome.version : undefined
}

function infoOf({ mode, reason, affected, changed }: FeatureState) {
  return {
    operation: 'REFRESH FEATURE',
    operationParameters: { mode, reason },
    operationMetrics: { numAffectedKeys: String(affected), numChangedRows: String(changed) },
  }
}
