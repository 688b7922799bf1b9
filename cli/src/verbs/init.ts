import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { storeAt } from '@tributary/delta'
import { type ConfigProposal, proposeConfig } from '@tributary/pipeline'
import type { Command } from 'commander'
import { bucketNotYet, needsYes, outputFailed } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface InitFlags {
  readonly from: string
  readonly lake: string
}

/** `init`: looks at a landing folder and writes a first tributary.yaml. */
export function addInit(command: Command, invocation: Invocation): void {
  command
    .requiredOption('--from <dir>', 'the landing: the folder or s3://bucket/prefix that DMS writes')
    .option('--lake <dir>', 'where the tables shall be', 'lake')
    .action((flags: InitFlags) => init(invocation, flags))
}

async function init(invocation: Invocation, { from, lake }: InitFlags): Promise<void> {
  for (const place of [from, lake]) if (/^[a-z0-9]+:\/\//i.test(place) && !isInS3(place)) throw bucketNotYet(place)
  const path = resolve(invocation.flags.config ?? 'tributary.yaml')
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists && !invocation.flags.yes) throw needsYes(`${path} exists and would be overwritten`)
  const folder = dirname(path)
  const places = { landing: fromFolder(folder, from), lake: fromFolder(folder, lake) }
  const proposal = await withEngine(invocation, (engine) =>
    proposeConfig(storeAt(isInS3(from) ? from : resolve(from)), engine, places),
  )
  await mkdir(folder, { recursive: true })
  await writeFile(path, proposal.yaml).catch((cause: unknown) => {
    throw outputFailed(path, cause)
  })
  await tell(invocation, path, proposal)
}

function isInS3(place: string): boolean {
  return /^s3a?:\/\//i.test(place)
}

/** Relative to the project file, so that the folder can be moved as a whole; a bucket stays where it is. */
function fromFolder(folder: string, place: string): string {
  if (isInS3(place)) return place
  const below = relative(folder, resolve(place))
  if (below === '') return '.'
  return below.startsWith('..') ? resolve(place) : below
}

async function tell(
  invocation: Invocation,
  path: string,
  { settings, tables, ignored }: ConfigProposal,
): Promise<void> {
  const { words, data } = invocation
  if (invocation.flags.json)
    await writeJson(invocation, { schema: 'tributary.init/1', path, settings, tables, ignored })
  else {
    const rows = tables.map(({ table, loadFiles, changeFiles, key, columns, doubts }) => [
      table,
      String(loadFiles),
      String(changeFiles),
      key.join(', '),
      String(columns.length),
      doubts.length === 0 ? null : doubts.join('; '),
    ])
    await data.write(tableText(invocation, ['table', 'load files', 'change files', 'key', 'columns', 'look at'], rows))
  }
  words.say(
    `dms: ${Object.entries(settings)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ')}`,
  )
  if (ignored.length > 0)
    words.say(
      `${countText(ignored.length)} objects are no table data, such as ${ignored[0]?.key ?? ''}: ${ignored[0]?.why ?? ''}`,
    )
  words.say(`wrote ${path}`)
  words.say('→ read it, then: tributary ingest --dry-run')
}
