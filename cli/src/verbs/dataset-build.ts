import { basename } from 'node:path'
import { storeAt } from '@tributary/delta'
import {
  buildDataset,
  type GuardFinding,
  type Manifest,
  planDataset,
  readDefinition,
  readGitState,
} from '@tributary/ml'
import { resolveTime } from '@tributary/pipeline'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { CONFIG_FILE, openProject, projectFolder } from '../open-table.ts'
import { parseNames } from '../parse-number.ts'
import { bytesText, countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

/** Sorts of a whole year of flights stay in memory; more is spilled. */
export const DATASET_MEMORY_MIB = 1024

interface CutFlags {
  readonly until?: string
  readonly atVersions?: readonly string[]
  readonly pin?: boolean
}

/** `dataset plan` and `dataset build`. */
export function addDatasetBuild(command: Command, invocation: Invocation): void {
  command
    .command('plan')
    .description('what a build would read and give; extracts the rows of the spine only')
    .argument('<name>', 'a definition: datasets/NAME.yml')
    .option('--until <time>', 'the value of :until')
    .option('--at-versions <list>', 'tables at older versions: shop.orders=412,shop.items=90', parseNames)
    .action((name: string, flags: CutFlags) => plan(invocation, name, flags))
  command
    .command('build')
    .description('extract, check and publish; exit 6 when a guard fails')
    .argument('<name>', 'a definition: datasets/NAME.yml')
    .option('--until <time>', 'the value of :until (the end of the data)')
    .option('--at-versions <list>', 'tables at older versions: shop.orders=412,shop.items=90', parseNames)
    .option('--pin', 'keep the versions of the sources readable')
    .action((name: string, flags: CutFlags) => build(invocation, name, flags))
}

async function plan(invocation: Invocation, name: string, flags: CutFlags): Promise<void> {
  const lake = await openProject(invocation)
  const definition = await readDefinition(storeAt(projectFolder(invocation).folder), name)
  const planned = await withEngine(
    invocation,
    (engine) => planDataset(lake, engine, definition, { untilMs: untilOf(flags), versions: versionsOf(flags) }),
    { memoryMiB: DATASET_MEMORY_MIB },
  )
  if (invocation.flags.json) return writeJson(invocation, { schema: 'tributary.dataset-plan/1', ...planned })
  const { columns, sources, rows, knownUntil, warnings, rewrites, parts } = planned
  await invocation.data.write(
    tableText(
      invocation,
      ['column', 'type', 'from'],
      columns.map((column) => [column.name, column.type, column.from]),
    ),
  )
  for (const { table, version } of sources) invocation.words.say(`${table}  v${version}`)
  for (const rewrite of rewrites) invocation.words.say(`rewritten: ${rewrite}`)
  for (const warning of warnings) invocation.words.warn(`warning: ${warning}`)
  for (const [part, count] of Object.entries(parts))
    invocation.words.say(`  ${part.padEnd(8)} ${countText(count)} rows`)
  invocation.words.say(`${countText(rows)} rows in the spine; the sources are known until ${knownUntil ?? 'no time'}`)
}

async function build(invocation: Invocation, name: string, flags: CutFlags): Promise<void> {
  const lake = await openProject(invocation)
  const { folder, isLocal } = projectFolder(invocation)
  const definition = await readDefinition(storeAt(folder), name)
  const paths = [basename(invocation.flags.config ?? CONFIG_FILE), 'datasets', 'features']
  const git = isLocal ? await readGitState(folder, paths) : undefined
  const options = { untilMs: untilOf(flags), versions: versionsOf(flags), pins: flags.pin === true, git }
  const outcome = await withEngine(invocation, (engine) => buildDataset(lake, engine, definition, options), {
    memoryMiB: DATASET_MEMORY_MIB,
  })
  if (outcome.kind === 'refused') {
    if (invocation.flags.json)
      await writeJson(invocation, { schema: 'tributary.dataset-refused/1', dataset: name, guards: outcome.findings })
    sayFindings(invocation, outcome.findings)
    invocation.words.warn(`${name}: nothing was published`)
    return invocation.end(EXIT.findings)
  }
  if (invocation.flags.json) await writeJson(invocation, outcome.manifest)
  sayFindings(invocation, outcome.manifest.guards)
  saySplits(invocation, outcome.manifest)
  invocation.words.say(`${name}@${outcome.manifest.id}${outcome.isNew ? '' : ' was there already'}`)
}

/** What the guards found, but for those that passed. */
function sayFindings(invocation: Invocation, findings: readonly GuardFinding[]): void {
  for (const { guard, outcome, message } of findings) {
    if (outcome === 'passed') invocation.words.detail(`${guard}: ${message}`)
    else invocation.words.warn(`${outcome === 'failed' ? 'guard failed' : 'warning'}: ${guard}: ${message}`)
  }
}

/** One line a part. */
export function saySplits(invocation: Invocation, { splits, left_out: leftOut }: Manifest): void {
  for (const [part, { rows, files, label_mean: mean }] of Object.entries(splits)) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    const label = mean === null ? '' : `, label mean ${Number(mean.toPrecision(4))}`
    invocation.words.say(
      `  ${part.padEnd(8)} ${countText(rows)} rows, ${files.length} files, ${bytesText(bytes)}${label}`,
    )
  }
  for (const [name, rows] of Object.entries(leftOut))
    if (rows > 0) invocation.words.say(`  ${countText(rows)} rows left out: ${name}`)
}

function untilOf({ until }: CutFlags): number | undefined {
  return until === undefined ? undefined : resolveTime(until)
}

function versionsOf({ atVersions = [] }: CutFlags): ReadonlyMap<string, number> {
  return new Map(
    atVersions.map((text) => {
      const [, table, version] = /^(.+)=v?(\d{1,15})$/.exec(text) ?? []
      if (table === undefined) throw flagsInvalid(`${text} names no version`, 'Write --at-versions TABLE=VERSION,…')
      return [table, Number(version)]
    }),
  )
}
