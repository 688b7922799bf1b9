import { allowsDeletionVectors } from '@tributary/delta'
import { settingsChanged, tableNotOurs } from '../errors.ts'
import type { TablePlan } from './plan.ts'
import type { TableRun } from './run.ts'

/**
 * Refuses settings that no longer fit the table as it was made: half of its rows would follow the old ones. A reload
 * replaces all rows, so it may come with another key or sequence. Throws `SETTINGS_CHANGED` and `TABLE_NOT_OURS`.
 */
export function assertSettings({ table, session }: TableRun, plan?: Pick<TablePlan, 'kind'>): void {
  const { snapshot, state } = session
  if (snapshot === undefined) return
  if (state === undefined) throw tableNotOurs(table.name, snapshot.store.url)
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
