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
    const { added, removed, kept } = changedFiles(restoring)
    const rows = [...added.map((path) => ['+', path]), ...removed.map((path) => ['-', path])]
    rows.push(...kept.map((path) => ['deleted rows', path]))
    return invocation.data.write(tableText(invocation, ['change', 'file'], rows))
  }
  await confirm(invocation, `restore makes ${table} what it was at version ${restoring.plan.toVersion}`)
  const version = await restoreTable(systemClock, restoring)
  if (invocation.flags.json) await writeJson(invocation, report(table, restoring, version))
  invocation.words.say(`${table}: version ${version} is version ${restoring.plan.toVersion} again`)
}

/** Paths that come, go, and stay with other deleted rows: the log knows only of the first two, and has the last in both. */
function changedFiles({ plan }: TableRestore) {
  const added = new Set(plan.added.map(({ path }) => path))
  const removed = new Set(plan.removed.map(({ path }) => path))
  const kept = [...added].filter((path) => removed.has(path))
  return {
    added: [...added].filter((path) => !removed.has(path)),
    removed: [...removed].filter((path) => !added.has(path)),
    kept,
  }
}

function planLines(table: string, restoring: TableRestore): readonly string[] {
  const { plan, again } = restoring
  const { added, removed, kept } = changedFiles(restoring)
  const parts = [
    `${table}: v${plan.fromVersion} → v${plan.toVersion}`,
    `+ ${countText(added.length)} files  − ${countText(removed.length)} files`,
    ...(kept.length === 0
      ? []
      : [
          `other deleted rows in ${kept.length === 1 ? 'a file' : `${countText(kept.length)} files`} that stay${kept.length === 1 ? 's' : ''}`,
        ]),
    ...(plan.metadataChanges ? ['schema or properties change'] : []),
  ]
  return [
    parts.join('   '),
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
