import { systemClock } from '@tributary/delta'
import {
  acknowledgeCursor,
  changePairs,
  changeRecordsSql,
  changeRowsSql,
  listChanges,
  type PlannedChanges,
  planChanges,
  readSourceTimes,
  readWithCursor,
  resolveVersion,
  rowLife,
  summarizeChanges,
  type TableChanges,
} from '@tributary/pipeline'
import { type Command, Option } from 'commander'
import { type ChangesFlags, changesWish, chooseWork, parseOps } from '../changes-flags.ts'
import { intervalText, writeSummary } from '../changes-summary.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { writeJson, writeList } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { openUpkeep, type UpkeepTable } from '../open-upkeep.ts'
import { parseNames, parseWhole } from '../parse-number.ts'
import { countText } from '../quantity.ts'
import { writeLife } from '../row-life.ts'
import { addRowFlags, assertWritable, syncOutput, writeLines, writeRows } from '../row-output.ts'
import { withEngine } from '../with-engine.ts'

/** `changes`: the rows that were inserted, updated and deleted, or their number. */
export function addChanges(command: Command, invocation: Invocation): void {
  addRowFlags(command.argument('[table]', 'a configured table or the path of any Delta table'), ['json-changes'])
    .option('--since <version|time>', 'what came after it: v12, a time, or 15m (tributary help times)')
    .option('--until <version|time>', 'up to and with it; the newest version when reading begins')
    .option('--from-version <n>', 'from this version, its own changes included', parseWhole)
    .option('--to-version <n>', 'up to this version, its own changes included', parseWhole)
    .addOption(new Option('--by <clock>', 'whose times --since and --until are').choices(['commit', 'source']))
    .option('--net', 'only what differs between the two ends')
    .option('--summary', 'numbers instead of rows: the default on a terminal')
    .option('--rows', 'rows, also on a terminal')
    .option('--op <kinds>', 'only these: insert,update,delete', parseOps)
    .option(
      '--columns <names>',
      'only these columns beside the key, and no update that changed none of them',
      parseNames,
    )
    .option('--key <value>', 'the life of the row with this key; with --derive the columns of the key: a,b')
    .option('--derive', 'derive the changes of a table that has no change feed; needs --key')
    .option('--all', 'every table of the project, one line each')
    .option('--cursor <name>', 'what came after the last time this name was used; moves on when all is written')
    .option('--bootstrap', 'a cursor that is new begins with all rows, as inserts')
    .option('--peek', 'the cursor stays until --ack')
    .option('--ack', 'what the last --peek handed out has arrived')
    .option('--reset', 'forget where the cursor was')
    .addHelpText('after', EXAMPLES)
    .action((name: string | undefined, flags: ChangesFlags) => changes(invocation, name, flags))
}

const EXAMPLES = `
  tributary changes shop.orders --since 15m
  tributary changes shop.orders --since v12 --op update --columns amount -o json-changes
  tributary changes shop.orders --cursor nightly --bootstrap -o ndjson
  tributary changes --all --since 1h`

async function changes(invocation: Invocation, name: string | undefined, flags: ChangesFlags): Promise<void> {
  const { json, plain } = invocation.flags
  const work = chooseWork(name, flags, { isShown: invocation.data.isTerminal && !json && !plain })
  if (name === undefined) return changesOfAll(invocation, flags)
  const { output, ...rest } = flags
  if (work === 'rows')
    assertWritable(invocation, output === 'json-changes' ? rest : { ...rest, ...(output && { output }) })
  const table = await openUpkeep(invocation, name)
  if (work === 'acknowledge') return acknowledge(invocation, table, flags)
  if (work === 'row') return lifeOfRow(invocation, table, flags)
  const wish = changesWish(flags)
  if (flags.cursor === undefined) {
    const planned = await planChanges(table.store, wish)
    return writeChanges(invocation, { table: table.name, planned, isSummary: work === 'summary' }, flags)
  }
  const place = { ...table.place, name: flags.cursor }
  const { planned, take, offer } = await readWithCursor({ store: table.store, place }, wish)
  await writeChanges(invocation, { table: table.name, planned, isSummary: work === 'summary' }, flags)
  // Numbers hand nothing out. An error, a reader that went away and Ctrl-C do not come here.
  if (work === 'summary') return
  await syncOutput(flags)
  await (flags.peek === true ? offer : take)(systemClock)
}

interface ChangesOutput {
  readonly table: string
  readonly planned: PlannedChanges
  readonly isSummary: boolean
}

async function writeChanges(
  invocation: Invocation,
  { table, planned, isSummary }: ChangesOutput,
  flags: ChangesFlags,
): Promise<void> {
  const view = flags.op === undefined ? {} : { ops: flags.op }
  const { output, ...rest } = flags
  await withEngine(invocation, async (engine) => {
    if (isSummary) return writeSummary(invocation, await summarizeChanges(engine, { table, planned }, view))
    tellInterval(invocation, { table, planned }, flags)
    if (output === 'json-changes') {
      const { fromVersion, toVersion } = planned.request
      const sourceTimes = await readSourceTimes(planned.newest.store, {
        fromVersion: planned.isSnapshot ? toVersion : fromVersion,
        toVersion,
      })
      const sql = changeRecordsSql(await changePairs(engine, planned, view), { ...planned, sourceTimes })
      return writeLines(invocation, engine, sql, flags)
    }
    const rows = await changeRowsSql(engine, planned, view)
    await writeRows(invocation, engine, rows, { ...rest, ...(output && { output }) })
  })
}

/** What a time or a cursor has come to, once; versions need no word. */
function tellInterval(
  { words }: Invocation,
  { table, planned }: Pick<ChangesOutput, 'table' | 'planned'>,
  { since, until, cursor }: ChangesFlags,
): void {
  const isOpen = cursor !== undefined || [since, until].some((text) => text !== undefined && !/^v?\d+$/i.test(text))
  const interval = {
    ...planned,
    commits: planned.until - planned.since,
    from: null,
    to: null,
    snapshot: planned.isSnapshot,
  }
  const text = `${table}  ${intervalText(interval)}`
  if (isOpen) words.say(text)
  else words.detail(text)
}

async function acknowledge(invocation: Invocation, table: UpkeepTable, { cursor = '' }: ChangesFlags): Promise<void> {
  const moved = await acknowledgeCursor(systemClock, { ...table.place, name: cursor })
  if (invocation.flags.json) await writeJson(invocation, moved)
  invocation.words.say(
    moved.version === null
      ? `${table.name}: nothing was handed out to ${cursor} yet`
      : `${table.name}: the cursor ${cursor} stands at v${moved.version}`,
  )
}

async function lifeOfRow(invocation: Invocation, table: UpkeepTable, flags: ChangesFlags): Promise<void> {
  const { since, until, fromVersion = 0, by, key = '' } = flags
  const options = { nowMs: systemClock.now(), ...(by === undefined ? {} : { by }) }
  const after = since === undefined ? fromVersion - 1 : await resolveVersion(table.store, since, options)
  const version = until === undefined ? flags.toVersion : await resolveVersion(table.store, until, options)
  const life = await withEngine(invocation, (engine) =>
    rowLife(engine, table.store, key, {
      ...(version === undefined ? {} : { version }),
      ...(table.key.length === 0 ? {} : { key: table.key }),
    }),
  )
  await writeLife(invocation, { ...life, changes: life.changes.filter((change) => change.version > after) }, {})
}

async function changesOfAll(invocation: Invocation, flags: ChangesFlags): Promise<void> {
  const lake = await openProject(invocation)
  const items = await withEngine(invocation, (engine) => Array.fromAsync(listChanges(engine, lake, changesWish(flags))))
  await writeList(invocation, { schema: 'tributary.changes-list/1', items, columns: ALL_COLUMNS, cells: cellsOf })
  const troubled = items.flatMap(({ table, problem }) => (problem === null ? [] : [{ table, ...problem }]))
  for (const { table, message } of troubled) invocation.words.say(`${table}: ${message}`)
  // A table that has not been loaded yet has no changes, and that is no failure.
  if (troubled.some(({ code }) => code !== 'TABLE_NOT_FOUND')) invocation.end(EXIT.unreadable)
}

const ALL_COLUMNS = ['table', 'versions', 'commits', 'insert', 'update', 'delete', 'keys']

function cellsOf({ table, since, until, keys, problem, ...counts }: TableChanges): readonly (string | null)[] {
  if (problem !== null) return [table, problem.code, null, null, null, null, null]
  const { commits, inserted, updated, deleted } = counts
  return [
    table,
    `${since === null || since < 0 ? 'start' : `v${since}`} → v${until}`,
    ...[commits, inserted, updated, deleted].map(countText),
    keys === null ? null : countText(keys),
  ]
}
