import { TributaryError } from '@tributary/delta'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { openProjectIfAny } from '../open-table.ts'

const TAKES_TABLES: ReadonlySet<string> = new Set([
  'cat',
  'changes',
  'history',
  'show',
  'row',
  'check',
  'resolve',
  'optimize',
  'vacuum',
  'restore',
  'pin',
  'unpin',
  'adopt',
  'release',
])

/** `__complete`: what could stand where the last of the words is, a line each. For the scripts of `completion`. */
export function addComplete(command: Command, invocation: Invocation): void {
  command.argument('[words...]').action(async (words: readonly string[]) => {
    const typed = words.at(-1) ?? ''
    const candidates = await candidatesFor(command, invocation, words)
    const fitting = candidates.filter((candidate) => candidate.startsWith(typed))
    if (fitting.length > 0) await invocation.data.write(`${fitting.join('\n')}\n`)
  })
}

async function candidatesFor(
  command: Command,
  invocation: Invocation,
  words: readonly string[],
): Promise<readonly string[]> {
  const program = command.parent ?? command
  const before = words.slice(0, -1)
  const verb = invocation.verbs.find(({ name }) => before.includes(name))
  const shown = invocation.verbs.filter(({ hidden }) => hidden !== true).map(({ name }) => name)
  if (verb === undefined) return [...shown, ...flagsOf(program)]
  const described = program.commands.find((known) => known.name() === verb.name)
  if (described === undefined) return []
  if (described !== command) (await verb.load())(described, invocation)
  const flags = [...flagsOf(described), ...flagsOf(program)]
  if ((words.at(-1) ?? '').startsWith('-')) return flags
  const nested = described.commands.map((known) => known.name())
  if (nested.length > 0 && !nested.some((name) => before.includes(name))) return nested
  const choices = described.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
  const topics = verb.name === 'help' ? [...shown, 'times', 'versions', 'exit-codes', 'formats'] : []
  const wantsTable = TAKES_TABLES.has(verb.name) || before.at(-1) === '--table' || verb.name === 'quarantine'
  return [...choices, ...topics, ...(wantsTable ? await tableNames(invocation) : [])]
}

function flagsOf(command: Command): readonly string[] {
  return command.options.flatMap(({ long }) => long ?? [])
}

async function tableNames(invocation: Invocation): Promise<readonly string[]> {
  try {
    return (await openProjectIfAny(invocation))?.config.tables.map(({ name }) => name) ?? []
  } catch (error) {
    // A faulty project file is no reason to disturb somebody who is typing.
    if (error instanceof TributaryError) return []
    throw error
  }
}
