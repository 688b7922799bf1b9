// What a feature served, and when: `features.NAME__history`. It is written from the change feed of the feature's own table, after each
// commit, and remembers up to which version: what a run that died left out the next one adds, and racing runs add nothing twice.

import {
  type Action,
  commit,
  commitTransaction,
  createTableActions,
  encodeSchema,
  parseSchema,
  protocolActions,
  type Snapshot,
  type StructType,
  type WriteWork,
  writeTableRows,
} from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import type { FeatureDefinition } from './definition.ts'
import type { KnownTables } from './known-tables.ts'
import { SERVED_FIELDS, servedSql } from './served-rows.ts'
import { featureStore, readFeature } from './write-feature.ts'

/** Brings the table of served rows up to a version of the feature's table. Says how many rows it added. */
export async function appendServed(
  work: WriteWork,
  lake: Lake,
  definition: FeatureDefinition,
  tables?: KnownTables,
): Promise<number> {
  const feature = await readFeature(featureStore(lake, definition.name), tables)
  if (feature === undefined) return 0
  const appId = appIdOf(feature)
  const store = featureStore(lake, `${definition.name}__history`)
  const history = await readFeature(store, tables)
  const done = history?.transactions.get(appId)?.version
  if (done !== undefined && done >= feature.version) return 0
  const relation = await servedSql(work, feature, { entity: definition.entity, history, done })
  const actions: readonly Action[] = [{ txn: { appId, version: feature.version, lastUpdated: work.clock.now() } }]
  const info = { operation: 'WRITE', operationParameters: { mode: 'Append' } }
  if (history === undefined) {
    const created = createTableActions(work.clock, {
      schema: servedSchema(feature.schema),
      name: `features.${definition.name}__history`,
    })
    const [{ protocol }, { metaData: metadata }] = created
    const table = {
      store,
      protocol,
      metadata,
      schema: parseSchema(metadata.schemaString),
      domains: new Map<string, string>(),
    }
    const { adds, count } = await writeTableRows(work.engine, work.clock, table, { relation })
    await commit(store, work.clock, {
      readVersion: undefined,
      actions: [...created, ...adds.map((add): Action => ({ add })), ...actions],
      info,
    })
    return count
  }
  const schema = widened(history.schema, servedSchema(feature.schema))
  const metaData = { ...history.metadata, schemaString: encodeSchema(schema) }
  const isWider = schema.fields.length > history.schema.fields.length
  const { adds, count } = await writeTableRows(
    work.engine,
    work.clock,
    { ...history, schema, metadata: metaData },
    { relation },
  )
  // A conflict is a rival with the same rows.
  await commitTransaction(work.clock, {
    snapshot: history,
    actions: [
      ...protocolActions(history.protocol, schema),
      ...(isWider ? [{ metaData }] : []),
      ...adds.map((add): Action => ({ add })),
      ...actions,
    ],
    info,
    reads: { kind: 'nothing' },
    appIds: [appId],
  })
  return count
}

/** By the table's id, so that one that was made anew begins anew in the history too. */
function appIdOf({ metadata }: Snapshot): string {
  return `tributary.feature-history/${metadata.id}`
}

function servedSchema({ fields }: StructType): StructType {
  return { type: 'struct', fields: [...fields, ...SERVED_FIELDS] }
}

/** Columns that came later are at the end; those that the feature lost stay. */
function widened(history: StructType, served: StructType): StructType {
  const known = new Set(history.fields.map(({ name }) => name.toLowerCase()))
  return {
    type: 'struct',
    fields: [...history.fields, ...served.fields.filter(({ name }) => !known.has(name.toLowerCase()))],
  }
}
