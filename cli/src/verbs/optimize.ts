import { type OptimizePlan, type OptimizeSummary, planOptimize, readSnapshot, systemClock } from '@tributary/delta'
import { optimizeTable } from '@tributary/pipeline'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { parseNames, parseWhole } from '../parse-number.ts'
import { bytesText, countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface OptimizeFlags {
  readonly dryRun?: boolean
  readonly columns?: readonly string[]
  readonly purge?: boolean
  readonly targetMb?: number
}

/** `optimize`: the same rows in better files. */
export function addOptimize(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .option('--columns <names>', 'sort rows so that each file holds a small range of these columns', parseNames)
    .option('--purge', 'rewrite every file with deleted rows, not only those with many')
    .option('--target-mb <n>', 'size of a data file to aim at', parseWhole)
    .option('--dry-run', 'say what would be rewritten and write nothing')
    .action((name: string, flags: OptimizeFlags) => run(invocation, name, flags))
}

async function run(invocation: Invocation, name: string, flags: OptimizeFlags): Promise<void> {
  const { name: table, store, place } = await openUpkeep(invocation, name)
  const snapshot = await readSnapshot(store)
  const options = {
    ...(flags.columns === undefined ? {} : { columns: flags.columns }),
    ...(flags.purge === true ? { deadShareMin: 0 } : {}),
    ...(flags.targetMb === undefined ? {} : { targetBytes: Math.max(1, flags.targetMb) * 1024 * 1024 }),
    signal: invocation.interrupts.signal,
  }
  const plan = planOptimize(snapshot, options)
  invocation.words.say(planText(table, plan))
  if (flags.dryRun === true) {
    if (invocation.flags.json) return writeJson(invocation, report(table, plan, null))
    const rows = plan.bins.map(({ files, liveBytes }) => [
      String(files.length),
      bytesText(liveBytes),
      files[0]?.path ?? null,
    ])
    return invocation.data.write(tableText(invocation, ['files', 'bytes', 'first file'], rows))
  }
  const done = await withEngine(invocation, (engine) =>
    optimizeTable({ engine, clock: systemClock }, { snapshot, place }, options),
  )
  if (invocation.flags.json) await writeJson(invocation, report(table, plan, done))
  invocation.words.say(doneText(table, done))
  if (done.filesLeft > 0) invocation.end(EXIT.refused)
}

function planText(table: string, { bins, clusterBy }: OptimizePlan): string {
  const files = bins.reduce((sum, bin) => sum + bin.files.length, 0)
  const bytes = bins.reduce((sum, bin) => sum + bin.liveBytes, 0)
  const how = clusterBy.length === 0 ? '' : `, clustered by ${clusterBy.join(', ')}`
  return files === 0
    ? `${table}: nothing to rewrite`
    : `${table}: ${countText(files)} files, ${bytesText(bytes)}, in ${countText(bins.length)} pieces${how}`
}

function doneText(table: string, done: OptimizeSummary): string {
  if (done.versions.length === 0 && done.filesLeft === 0) return `${table}: every file is as it should be`
  const left = done.filesLeft === 0 ? '' : `, ${done.filesLeft} left to a faster writer: run again`
  return `${table}: ${done.filesRemoved} files became ${done.filesAdded}, ${bytesText(done.bytesRemoved)} became ${bytesText(done.bytesAdded)}${left}`
}

function report(table: string, { version, bins, clusterBy, targetBytes }: OptimizePlan, done: OptimizeSummary | null) {
  const pieces = bins.map(({ files, liveBytes }) => ({ files: files.length, bytes: Math.round(liveBytes) }))
  return { schema: 'tributary.optimize/1', table, version, clusterBy, targetBytes, pieces, done }
}
