import { readSnapshot, systemClock } from '@tributary/delta'
import { type Adoption, adoptTable, assertFed, type Holds, planAdoption, releaseTable } from '@tributary/pipeline'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import type { Invocation } from '../invocation.ts'
import { writeJson } from '../list-output.ts'
import { openProject, openTable } from '../open-table.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface AdoptFlags {
  readonly holds?: string
  readonly dryRun?: boolean
}

/** `adopt`: feed a Delta table that another program wrote. */
export function addAdopt(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table, whose folder in the lake holds a Delta table')
    .option('--holds <what>', 'what of the landing its rows hold already: all, none, or the key of the last such file')
    .option('--dry-run', 'check everything, say what would change and write nothing')
    .action((name: string, flags: AdoptFlags) => adopt(invocation, name, flags))
}

async function adopt(invocation: Invocation, name: string, flags: AdoptFlags): Promise<void> {
  const lake = await openProject(invocation)
  const adoption = await withEngine(invocation, (engine) => planAdoption({ lake, engine }, name, holdsOf(flags.holds)))
  for (const line of planLines(adoption)) invocation.words.say(line)
  const { table } = adoption
  if (flags.dryRun !== true) await confirm(invocation, `adopt makes ${table.name} a table that Tributary feeds`)
  const version = flags.dryRun === true ? null : await adoptTable({ lake }, adoption)
  if (invocation.flags.json) await writeJson(invocation, report(adoption, version))
  if (version !== null) invocation.words.say(`${table.name}: adopted in version ${version}\n→ tributary ingest`)
}

function holdsOf(text: string | undefined): Holds | undefined {
  if (text === undefined) return undefined
  return text === 'all' || text === 'none' ? { kind: text } : { kind: 'until', file: text }
}

function planLines({ table, rows, held, waiting, replacing, features }: Adoption): readonly string[] {
  const loads = replacing.length
  return [
    `${table.name}: ${countText(rows)} rows, unique by ${table.key.join(', ')}; no data file is rewritten`,
    ...(features.length === 0 ? [] : [`its protocol gets ${features.join(', ')}`]),
    `${countText(held.length)} landing files count as applied, ${countText(waiting.length)} wait`,
    ...(loads === 0 ? [] : [`${countText(loads)} of those are a load: the next ingest replaces all rows by it`]),
  ]
}

function report({ table, rows, held, waiting, features }: Adoption, version: number | null) {
  const keysOf = (files: Adoption['held']): readonly string[] => files.map(({ key }) => key)
  return {
    schema: 'tributary.adopt/1',
    table: table.name,
    rows,
    features,
    held: keysOf(held),
    waiting: keysOf(waiting),
    version,
  }
}

/** `release`: take a table out of Tributary's hands; its rows and files stay. */
export function addRelease(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or its path')
    .option('--dry-run', 'say what would change and write nothing')
    .action((name: string, flags: { readonly dryRun?: boolean }) => release(invocation, name, flags))
}

async function release(invocation: Invocation, name: string, flags: { readonly dryRun?: boolean }): Promise<void> {
  const { name: table, store } = await openTable(invocation, name)
  const snapshot = await readSnapshot(store)
  assertFed(table, snapshot)
  invocation.words.say(`${table}: ledger, tombstones and quarantine are given up; rows and files stay`)
  if (flags.dryRun !== true) await confirm(invocation, `release takes ${table} out of Tributary's hands`)
  const version = flags.dryRun === true ? null : await releaseTable(systemClock, table, snapshot)
  if (invocation.flags.json) await writeJson(invocation, { schema: 'tributary.release/1', table, fed: true, version })
  if (version !== null)
    invocation.words.say(`${table}: released in version ${version}; take it out of tributary.yaml too`)
}
