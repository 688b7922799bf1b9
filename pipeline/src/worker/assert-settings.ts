import { allowsDeletionVectors, assertPlainlyWritable, type Snapshot } from '@tributary/delta'
import { settingsChanged, tableNotOurs } from '../errors.ts'
import type { TablePlan } from './plan.ts'
import type { TableRun } from './run.ts'

// A rewrite follows the clustering, types are read as they are widened, and the checkpoint follows the policy.
const KEPT_FEATURES = ['clustering', 'typeWidening', 'typeWidening-preview', 'v2Checkpoint']

/**
 * Refuses a table to which another program gave rules that a batch would break (law 9): mapped columns, constraints, ids of rows, a
 * written change feed, and what nobody here knows. Throws `UNSUPPORTED_WRITER_FEATURE` with their names.
 */
export function assertFeedable({ protocol, metadata }: Pick<Snapshot, 'protocol' | 'metadata'>): void {
  assertPlainlyWritable(protocol, metadata, KEPT_FEATURES)
}

/**
 * Refuses settings that no longer fit the table as it was made: half of its rows would follow the old ones. A reload
 * replaces all rows, so it may come with another key or sequence. Throws `SETTINGS_CHANGED`, `TABLE_NOT_OURS` and what `assertFeedable` throws.
 */
export function assertSettings({ table, session }: TableRun, plan?: Pick<TablePlan, 'kind'>): void {
  const { snapshot, state } = session
  if (snapshot === undefined) return
  if (state === undefined) throw tableNotOurs(table.name, snapshot.store.url)
  assertFeedable(snapshot)
  const refuse = (setting: string, from: string, to: string): void => {
    if (from !== to) throw settingsChanged(table.name, setting, { from, to })
  }
  if (plan?.kind !== 'load') {
    refuse('key', list(state.key), list(table.key))
    refuse('sequence', state.sequence ?? 'none', table.sequence ?? 'none')
  }
  refuse('partitionBy', list(snapshot.metadata.partitionColumns), list(table.partitionBy))
  if (table.write === 'merge-on-read' && !allowsDeletionVectors(snapshot.protocol, snapshot.metadata))
    refuse('write', 'copy-on-write', table.write)
  const columns = new Set(snapshot.schema.fields.map(({ name }) => name))
  for (const [source, name] of table.rename)
    if (columns.has(source) && !columns.has(name)) refuse('rename', `no other name for ${source}`, `${source}: ${name}`)
}

function list(names: readonly string[]): string {
  return `[${names.join(', ')}]`
}
