import { removeOf, type StructType, scanSql, writeDataFiles } from '@tributary/delta'
import { placeColumns } from '../upsert/locate.ts'
import type { PreparedBatch } from './commit-batch.ts'
import type { TableRun } from './run.ts'
import { configuredSettings } from './table-metadata.ts'

/** Writes the whole table again in wider types, in one commit that takes in no file (design §3.2). */
export async function prepareWiden(
  { session, table, lake, engine }: TableRun,
  schema: StructType,
): Promise<PreparedBatch> {
  const { snapshot } = session
  if (snapshot === undefined) return emptyBatch(schema)
  const scan = await scanSql(engine, { ...snapshot, schema }, { extraColumns: placeColumns })
  const added = await writeDataFiles(engine, session.store, lake.clock, {
    relation: scan,
    schema,
    partitionColumns: table.partitionBy,
    extraColumns: placeColumns,
    rows: 'many',
    settings: configuredSettings(table, snapshot),
  })
  const removed = snapshot.files.map((file) => ({ remove: { ...removeOf(file, lake.clock.now()), dataChange: false } }))
  return {
    ...emptyBatch(schema),
    actions: [...removed, ...added.map((file) => ({ add: { ...file, dataChange: false } }))],
    added,
  }
}

function emptyBatch(schema: StructType): PreparedBatch {
  const metrics = { inserted: 0, updated: 0, deleted: 0 }
  return { operation: 'WIDEN', schema, actions: [], added: [], entries: [], rejects: [], state: {}, metrics }
}
