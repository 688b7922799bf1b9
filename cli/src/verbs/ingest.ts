import type { Engine } from '@tributary/delta'
import { type IngestSummary, ingest, type Lake, missingLanding, readStatus } from '@tributary/pipeline'
import { type Command, Option } from 'commander'
import { flagsInvalid } from '../errors.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { followIngest } from '../ingest-words.ts'
import type { Invocation } from '../invocation.ts'
import { sayLeftOut } from '../landing-words.ts'
import { writeJson } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { plainLine } from '../table-format.ts'
import { INTERVAL_SECONDS, parseListenPlace, SWEEP_SECONDS, watchLanding } from '../watch-landing.ts'
import { type LogForm, openWatchWords } from '../watch-words.ts'
import { withEngine } from '../with-engine.ts'

interface IngestFlags {
  readonly table?: readonly string[]
  readonly watch?: boolean
  readonly dryRun?: boolean
  readonly failOn?: 'quarantine'
  readonly interval?: number
  readonly metrics?: string
  readonly log?: LogForm
}

/** `ingest`: applies all that waits; with `--watch` it goes on. */
export function addIngest(command: Command, invocation: Invocation): void {
  command
    .option('--table <name>', 'only this table; may be given again', (name: string, names: readonly string[] = []) => [
      ...names,
      name,
    ])
    .option('--watch', 'go on: told by the queue, or looking at the landing again and again')
    .option('--dry-run', 'say which files wait and write nothing')
    .addOption(
      new Option('--fail-on <finding>', 'exit 6 also for rows that were quarantined by earlier runs').choices([
        'quarantine',
      ]),
    )
    .option(
      '--interval <seconds>',
      `pause of --watch between two looks at the landing (${INTERVAL_SECONDS}; with a queue ${SWEEP_SECONDS})`,
      Number,
    )
    .option('--metrics <port>', 'with --watch and a queue: serve /metrics and /healthz, on 127.0.0.1 or HOST:PORT')
    .addOption(
      new Option('--log <form>', 'with --watch: words for people, or a JSON object a line').choices(['text', 'json']),
    )
    .action((flags: IngestFlags) => runIngest(invocation, flags))
}

async function runIngest(invocation: Invocation, flags: IngestFlags): Promise<void> {
  if (flags.watch === true && flags.dryRun === true)
    throw flagsInvalid('--watch applies files and --dry-run does not', 'Give one of them')
  if (flags.interval !== undefined && !(flags.interval > 0))
    throw flagsInvalid('--interval is no number of seconds', 'Write --interval 5')
  const lake = await openProject(invocation)
  if (flags.watch === true && flags.table !== undefined && lake.config.queue !== undefined)
    throw flagsInvalid('the queue tells of all tables and --table names some', 'Leave --table out')
  if (flags.metrics !== undefined && (flags.watch !== true || lake.config.queue === undefined))
    throw flagsInvalid('--metrics is for --watch with a queue', 'Leave it out')
  if (flags.log !== undefined && flags.watch !== true) throw flagsInvalid('--log is for --watch', 'Leave it out')
  const words = await openWatchWords(invocation, flags.log ?? 'text')
  const listen = flags.metrics === undefined ? undefined : parseListenPlace(flags.metrics)
  const release = invocation.interrupts.finishFirst(() =>
    words.tell('ending', 'finishing the commit under way; Ctrl-C again stops at once', {}),
  )
  try {
    await withEngine(invocation, (engine) =>
      flags.watch === true
        ? watchLanding(invocation, { lake, engine }, { ...flags, listen, words })
        : runOnce(invocation, { lake, engine }, flags),
    )
  } finally {
    release()
  }
}

interface Parts {
  readonly lake: Lake
  readonly engine: Engine
}

async function runOnce(invocation: Invocation, { lake, engine }: Parts, flags: IngestFlags): Promise<void> {
  const { words, interrupts } = invocation
  const following = followIngest(invocation)
  const message = await missingLanding(lake)
  if (message !== undefined) following.onEvent({ kind: 'warning', table: 'landing', message })
  const summary = await ingest(lake, engine, {
    ...(flags.table === undefined ? {} : { tables: flags.table }),
    dryRun: flags.dryRun === true,
    onEvent: following.onEvent,
    signal: interrupts.signal,
    cut: interrupts.cut,
  })
  words.clear()
  if (invocation.flags.json) await writeJson(invocation, summary)
  else if (flags.dryRun === true) await writeWaiting(invocation, summary)
  sayLeftOut(words, summary)
  if (interrupts.signal.aborted) {
    words.warn(`interrupted after ${following.commits()} commits; each of them is complete. Run again to go on`)
    return invocation.end(EXIT.interrupted)
  }
  if (flags.dryRun !== true) invocation.end(await exitCodeOf(lake, summary, flags))
}

/** A stopped table beats quarantined rows; older quarantine counts only when that was asked for. */
async function exitCodeOf(lake: Lake, { tables, refused }: IngestSummary, { failOn }: IngestFlags): Promise<ExitCode> {
  if (refused.length > 0 || tables.some(({ stopped }) => stopped !== null)) return EXIT.failed
  if (tables.some(({ quarantined }) => quarantined > 0)) return EXIT.findings
  if (failOn !== 'quarantine') return EXIT.done
  const status = await readStatus(lake)
  const names = new Set(tables.map(({ table }) => table))
  return status.tables.some(({ table, quarantinedRows }) => names.has(table) && quarantinedRows > 0)
    ? EXIT.findings
    : EXIT.done
}

async function writeWaiting({ data }: Invocation, { tables }: IngestSummary): Promise<void> {
  for (const { table, wouldApply } of tables)
    for (const file of wouldApply ?? []) await data.write(plainLine([table, file]))
}
