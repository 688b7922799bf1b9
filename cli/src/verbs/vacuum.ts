import { readSnapshot, systemClock } from '@tributary/delta'
import { planTableVacuum, type TableVacuum, vacuumTable } from '@tributary/pipeline'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { parseDuration } from '../parse-number.ts'
import { bytesText, countText, durationText } from '../quantity.ts'

interface VacuumFlags {
  readonly dryRun?: boolean
  readonly retain?: number
  readonly shortRetention?: boolean
}

/** `vacuum`: delete the files that no version within the retention needs. */
export function addVacuum(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .option(
      '--retain <duration>',
      "how long removed files stay; the table's own retention, 7d, unless set",
      parseDuration,
    )
    .option('--short-retention', "a retention below the table's is meant: nobody reads or writes older versions")
    .option('--dry-run', 'say what would be deleted and delete nothing')
    .action((name: string, flags: VacuumFlags) => run(invocation, name, flags))
}

async function run(invocation: Invocation, name: string, flags: VacuumFlags): Promise<void> {
  const { name: table, store, place } = await openUpkeep(invocation, name)
  const snapshot = await readSnapshot(store)
  const plan = await planTableVacuum(
    systemClock,
    { snapshot, place },
    {
      ...(flags.retain === undefined ? {} : { retainMs: flags.retain }),
      allowShortRetention: flags.shortRetention === true,
    },
  )
  invocation.words.say(planText(table, plan))
  const entries = [...plan.files, ...plan.sidecars]
  if (flags.dryRun === true) {
    if (invocation.flags.json) return writeJson(invocation, report(table, plan, false))
    const rows = entries.map(({ path, sizeBytes }) => [path, String(sizeBytes)])
    return invocation.data.write(tableText(invocation, ['file', 'bytes'], rows))
  }
  if (entries.length > 0) {
    const what = `vacuum deletes ${countText(entries.length)} files of ${table} for good`
    await confirm(invocation, what, flags.shortRetention === true ? table : 'yes')
    await vacuumTable(snapshot, plan)
  }
  if (invocation.flags.json) await writeJson(invocation, report(table, plan, true))
  invocation.words.say(`${table}: ${countText(entries.length)} files deleted, ${bytesText(plan.sizeBytes)}`)
}

function planText(table: string, { files, sidecars, sizeBytes, retainMs, pins }: TableVacuum): string {
  const kept = pins.length === 0 ? '' : `; pinned: ${pins.join(', ')}`
  return `${table}: ${countText(files.length)} data files and ${countText(sidecars.length)} sidecars, ${bytesText(sizeBytes)}, that no version of the last ${durationText(retainMs)} needs${kept}`
}

function report(table: string, plan: TableVacuum, isDone: boolean) {
  const { version, retainMs, sizeBytes, pins } = plan
  const files = [...plan.files, ...plan.sidecars].map((entry) => ({ path: entry.path, bytes: entry.sizeBytes }))
  return { schema: 'tributary.vacuum/1', table, version, retainMs, pins, files, bytes: sizeBytes, deleted: isDone }
}
