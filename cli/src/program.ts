import { suggest } from '@tributary/pipeline/suggest'
import { Command, CommanderError } from 'commander'
import { addGlobalFlags } from './global-flags.ts'
import type { Invocation } from './invocation.ts'
import { VERBS } from './verbs.ts'

/** The command line. `begin` is called once the global flags are known and before the verb's module is loaded. */
export function createProgram(begin: (program: Command) => Invocation): Command {
  const program = new Command('tributary')
    .description('AWS DMS change files in, live Delta tables out')
    .usage('<verb> [arguments] [flags]')
    .helpCommand(false)
    // Our own sentence names the nearest verb.
    .showSuggestionAfterError(true)
    // Errors are told in our own form. What else goes to stderr is the help of a command that lacks a verb.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
  addGlobalFlags(program)
  for (const { name, summary, hidden } of VERBS) {
    program
      .command(name, { hidden: hidden === true })
      .summary(summary)
      .description(summary)
      .copyInheritedSettings(program)
  }
  program.addHelpText(
    'after',
    '\nA TABLE is a name from tributary.yaml, or a path to any Delta table.\nTopics: tributary help config | times | versions | exit-codes | formats',
  )
  program.hook('preSubcommand', async (parent, command) => {
    const verb = VERBS.find(({ name }) => name === command.name())
    if (parent !== program || verb === undefined) return
    const invocation = begin(program)
    const add = await verb.load()
    add(command, invocation)
    for (const nested of command.commands) nested.copyInheritedSettings(program)
  })
  program.on('command:*', (words: readonly string[]) => throwUnknownVerb(words[0] ?? ''))
  return program
}

/** The names of the commands that a parsed line asks for: `feature`, `get`. */
export function commandsOf(program: Command): readonly string[] {
  const named = program.commands.find((command) => command.name() === program.args[0])
  return named === undefined ? [] : [named.name(), ...commandsOf(named)]
}

function throwUnknownVerb(typed: string): never {
  const near = suggest(
    typed,
    VERBS.filter(({ hidden }) => hidden !== true).map(({ name }) => name),
  )
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`
  throw new CommanderError(2, 'tributary.unknownVerb', `unknown command "${typed}".${hint}`)
}
