import { readFile } from 'node:fs/promises'
import { suggest } from '@tributary/pipeline/suggest'
import { type Command, CommanderError } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Invocation, Verb } from '../invocation.ts'
import { CLI_FOLDER } from '../places.ts'

const TOPICS: readonly string[] = ['config', 'times', 'versions', 'exit-codes', 'formats']
/** Other names under which a topic is looked for. */
const SYNONYMS: Readonly<Record<string, string>> = { settings: 'config', configuration: 'config' }

/** `help`: the list of verbs, one verb's flags, or a page on a topic. */
export function addHelp(command: Command, invocation: Invocation): void {
  command.argument('[topic]', `a verb, or one of: ${TOPICS.join(', ')}`).action(async (topic: string | undefined) => {
    await invocation.data.write(await helpText(command, invocation, topic))
  })
}

async function helpText(command: Command, invocation: Invocation, topic: string | undefined): Promise<string> {
  const program = command.parent ?? command
  if (topic === undefined) return wholeHelp(program)
  const page = SYNONYMS[topic] ?? topic
  if (TOPICS.includes(page)) return readFile(new URL(`help/${page}.md`, CLI_FOLDER), 'utf8')
  const verb = invocation.verbs.find(({ name }) => name === topic)
  const described = program.commands.find((known) => known.name() === topic)
  if (verb === undefined || described === undefined) throw unknownTopic(topic, invocation.verbs)
  // This verb's own flags are there already.
  if (described !== command) (await verb.load())(described, invocation)
  return wholeHelp(described)
}

/** What `--help` prints: examples and topics too. */
function wholeHelp(command: Command): string {
  let help = ''
  command.configureOutput({
    writeOut: (text) => {
      help += text
    },
  })
  command.outputHelp()
  return help
}

function unknownTopic(topic: string, verbs: readonly Verb[]): CommanderError {
  const near = suggest(topic, [...TOPICS, ...verbs.map(({ name }) => name)])
  const hint = near === undefined ? ` Topics are ${TOPICS.join(', ')}.` : ` Did you mean "${near}"?`
  return new CommanderError(EXIT.usage, 'tributary.unknownTopic', `no help on "${topic}".${hint}`)
}
