import type { Clock } from '../clock.ts'
import { tableExists } from '../errors.ts'
import { readSnapshot, type Snapshot } from '../log/snapshot.ts'
import { parseSchema } from '../protocol/parse-schema.ts'
import type { Store } from '../store/store.ts'
import { assertFeedColumns } from './alter-properties.ts'
import { commit } from './commit.ts'
import { createTableActions, type TableDefinition } from './create-table.ts'
import { rowChecks } from './row-rules.ts'
import { sealCommit } from './seal-commit.ts'

/** Make a table by its version 0. Throws `TABLE_EXISTS`, `TABLE_DEFINITION_INVALID`, `EXPRESSION_UNSUPPORTED`, `ALTERATION_INVALID`. */
export async function createNewTable(store: Store, clock: Clock, definition: TableDefinition): Promise<Snapshot> {
  const actions = createTableActions(clock, definition)
  const [{ protocol }, { metaData: metadata }] = actions
  const schema = parseSchema(metadata.schemaString)
  // A rule that we cannot enforce is better refused now than at the first row.
  rowChecks({ protocol, metadata, schema })
  assertFeedColumns({ schema }, metadata)
  const info = {
    operation: 'CREATE TABLE',
    operationParameters: {
      partitionBy: JSON.stringify(metadata.partitionColumns),
      properties: JSON.stringify(metadata.configuration),
    },
  }
  const outcome = await commit(store, clock, {
    readVersion: undefined,
    ...sealCommit(clock, undefined, { actions, info }),
  })
  if (outcome.kind === 'conflicted') throw tableExists(store.url)
  return readSnapshot(store, { version: 0 })
}
