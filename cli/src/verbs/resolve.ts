import { listChoices, type Resolution, resolveTable } from '@tributary/pipeline'
import { type Command, Option } from 'commander'
import { confirm } from '../confirm.ts'
import { flagsInvalid } from '../errors.ts'
import { followIngest } from '../ingest-words.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { withEngine } from '../with-engine.ts'

interface ResolveFlags {
  readonly skip?: string
  readonly reason?: string
  readonly acceptSchema?: boolean
  readonly truncate?: boolean
}

/** `resolve`: the ways on for a table that stopped. Without a flag it only names them. */
export function addResolve(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table')
    .addOption(
      new Option('--skip <file>', 'never apply this landing file; needs --reason').conflicts([
        'acceptSchema',
        'truncate',
      ]),
    )
    .addOption(
      new Option('--accept-schema', 'take new and missing columns as they are, and go on').conflicts([
        'truncate',
        'reason',
      ]),
    )
    .option(
      '--truncate',
      'the source was truncated: empty the live table, of the rows of later files too; so give it when all earlier files are taken in and no later one is; needs --reason',
    )
    .option('--reason <text>', 'why; kept in the ledger')
    .action((name: string, flags: ResolveFlags) => resolve(invocation, name, flags))
}

async function resolve(invocation: Invocation, name: string, flags: ResolveFlags): Promise<void> {
  const resolution = resolutionOf(flags)
  if (resolution === undefined) return show(invocation, name)
  const lake = await openProject(invocation)
  if (resolution.kind === 'truncate')
    await confirm(invocation, `resolve --truncate deletes all rows of ${name} in one commit`)
  const { onEvent } = followIngest(invocation)
  await withEngine(invocation, (engine) => resolveTable(lake, engine, name, resolution, { onEvent }))
  if (invocation.flags.json)
    await writeJson(invocation, { schema: 'tributary.resolve/1', table: name, resolution, stop: null, choices: [] })
  invocation.words.say('→ tributary ingest')
}

async function show(invocation: Invocation, name: string): Promise<void> {
  const found = await listChoices(await openProject(invocation), name)
  if (invocation.flags.json) {
    return writeJson(invocation, {
      schema: 'tributary.resolve/1',
      table: name,
      resolution: null,
      stop: found?.stop ?? null,
      choices: found?.choices ?? [],
    })
  }
  if (found === undefined) return invocation.words.say(`${name} did not stop`)
  invocation.words.say(`${name} stopped at ${found.stop.at}: ${found.stop.code}`)
  invocation.words.say(found.stop.message)
  await invocation.data.write(
    tableText(
      invocation,
      ['command', 'effect'],
      found.choices.map(({ command, effect }) => [command, effect]),
    ),
  )
}

function resolutionOf({ skip, reason, acceptSchema, truncate }: ResolveFlags): Resolution | undefined {
  if (acceptSchema === true) return { kind: 'accept-schema' }
  if (skip === undefined && truncate !== true) {
    if (reason !== undefined)
      throw flagsInvalid('--reason says why, and nothing says what', 'Add --skip FILE or --truncate')
    return undefined
  }
  if (reason === undefined) throw flagsInvalid('There is no reason to keep in the ledger', "Add --reason 'why'")
  return skip === undefined ? { kind: 'truncate', reason } : { kind: 'skip', file: skip, reason }
}
