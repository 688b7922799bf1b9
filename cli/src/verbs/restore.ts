import { readSnapshot, systemClock } from '@tributary/delta'
import { planTableRestore, readSnapshotAt, restoreTable, type TableRestore } from '@tributary/pipeline'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { countText } from '../quantity.ts'

/** `restore`: make a table what it was. */
export function addRestore(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .argument('<version>', 'a version or a time (tributary help versions)')
    .option('--dry-run', 'say what would change and write nothing')
    .action((name: string, at: string, flags: { readonly dryRun?: boolean }) => run(invocation, { name, at }, flags))
}

async function run(
  invocation: Invocation,
  { name, at }: { readonly name: string; readonly at: string },
  flags: { readonly dryRun?: boolean },
): Promise<void> {
  const { name: table, store, lake } = await openUpkeep(invocation, name)
  const [current, target] = [await readSnapshot(store), await readSnapshotAt(store, at, { nowMs: systemClock.now() })]
  const project = lake === undefined ? undefined : { lake, table }
  const restoring = await planTableRestore(systemClock, { current, target }, project)
  for (const line of planLines(table, restoring)) invocation.words.say(line)
  if (flags.dryRun === true) {
    if (invocation.flags.json) return writeJson(invocation, report(table, restoring, null))
    const { added, removed } = restoring.plan
    const rows = [...added.map(({ path }) => ['+', path]), ...removed.map(({ path }) => ['-', path])]
    return invocation.data.write(tableText(invocation, ['change', 'file'], rows))
  }
  await confirm(invocation, `restore makes ${table} what it was at version ${restoring.plan.toVersion}`)
  const version = await restoreTable(systemClock, restoring)
  if (invocation.flags.json) await writeJson(invocation, report(table, restoring, version))
  invocation.words.say(`${table}: version ${version} is version ${restoring.plan.toVersion} again`)
}

function planLines(table: string, { plan, again }: TableRestore): readonly string[] {
  const { added, removed, metadataChanges, fromVersion, toVersion } = plan
  return [
    `${table}: v${fromVersion} → v${toVersion}   + ${countText(added.length)} files  − ${countText(removed.length)} files${metadataChanges ? '  schema or properties change' : ''}`,
    ...(again.length === 0
      ? []
      : [`the next ingest reads ${countText(again.length)} files again; leave one out with tributary resolve --skip`]),
  ]
}

function report(table: string, { plan, again }: TableRestore, version: number | null) {
  const { fromVersion, toVersion, metadataChanges } = plan
  return {
    schema: 'tributary.restore/1',
    table,
    fromVersion,
    toVersion,
    filesAdded: plan.added.length,
    filesRemoved: plan.removed.length,
    metadataChanges,
    again,
    version,
  }
}
