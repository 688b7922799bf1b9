// What a feature served, and when: `features.NAME__history`. It is written from the change feed of the feature's own table, after each
// commit, and remembers up to which version: what a run that died left out the next one adds, and racing runs add nothing twice.

import {
  type Action,
  changesSql,
  commit,
  commitTransaction,
  createTableActions,
  encodeSchema,
  parseSchema,
  quoteName,
  type Snapshot,
  type StructField,
  type StructType,
  scanSql,
  TributaryError,
  type WriteWork,
  writeTableRows,
} from '@tributary/delta'
import type { Lake } from '@tributary/pipeline'
import type { FeatureDefinition } from './definition.ts'
import { featureStore, readFeature } from './write-feature.ts'

const SERVED_FIELDS: readonly StructField[] = [
  { name: '__served_at', type: 'timestamp', nullable: true, metadata: {} },
  { name: '__version', type: 'long', nullable: true, metadata: {} },
  { name: '__op', type: 'string', nullable: true, metadata: {} },
]
const APP_ID = 'tributary.feature-history'

/** Brings the table of served rows up to a version of the feature's table. Says how many rows it added. */
export async function appendServed(work: WriteWork, lake: Lake, definition: FeatureDefinition): Promise<number> {
  const feature = await readFeature(featureStore(lake, definition.name))
  if (feature === undefined) return 0
  const store = featureStore(lake, `${definition.name}__history`)
  const history = await readFeature(store)
  const done = history?.transactions.get(APP_ID)?.version
  if (done !== undefined && done >= feature.version) return 0
  const relation =
    done === undefined ? await wholeSql(work, feature) : await changesSince(work, feature, { definition, done })
  const actions: readonly Action[] = [
    { txn: { appId: APP_ID, version: feature.version, lastUpdated: work.clock.now() } },
  ]
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
  const schema = widened(history.schema, feature.schema)
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
    actions: [...(isWider ? [{ metaData }] : []), ...adds.map((add): Action => ({ add })), ...actions],
    info,
    reads: { kind: 'nothing' },
    appIds: [APP_ID],
  })
  return count
}

function servedSchema({ fields }: StructType): StructType {
  return { type: 'struct', fields: [...fields, ...SERVED_FIELDS] }
}

/** Columns that the feature got later come at the end; those that it lost stay. */
function widened(history: StructType, feature: StructType): StructType {
  const known = new Set(history.fields.map(({ name }) => name.toLowerCase()))
  return {
    type: 'struct',
    fields: [...history.fields, ...feature.fields.filter(({ name }) => !known.has(name.toLowerCase()))],
  }
}

async function wholeSql({ engine }: WriteWork, feature: Snapshot): Promise<string> {
  const servedAt = `make_timestamptz(${Math.round(feature.timestampMs) * 1000})`
  return `SELECT *, ${servedAt} AS __served_at, ${feature.version}::BIGINT AS __version, 'I' AS __op FROM (${await scanSql(engine, feature)})`
}

async function changesSince(
  work: WriteWork,
  feature: Snapshot,
  { definition, done }: { readonly definition: FeatureDefinition; readonly done: number },
): Promise<string> {
  const range = { fromVersion: done + 1, toVersion: feature.version }
  try {
    const { sql } = await changesSql(work.engine, feature.store, { ...range, key: definition.entity, feed: true })
    const columns = feature.schema.fields.map(({ name }) => quoteName(name)).join(', ')
    return `SELECT ${columns}, _commit_timestamp AS __served_at, _commit_version AS __version,
      CASE _change_type WHEN 'insert' THEN 'I' WHEN 'delete' THEN 'D' ELSE 'U' END AS __op
      FROM (${sql}) WHERE _change_type <> 'update_preimage'`
  } catch (error) {
    // The versions between are gone, which takes a run that died and a vacuum after it: the rows as they are now are a new beginning.
    if (error instanceof TributaryError && ['VERSION_EXPIRED', 'DATA_FILE_MISSING', 'LOG_GAP'].includes(error.code))
      return wholeSql(work, feature)
    throw error
  }
}
