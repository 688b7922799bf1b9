import {
  listQuarantine,
  type QuarantinedRow,
  type ReplayOutcome,
  readQuarantined,
  replayQuarantine,
} from '@tributary/pipeline'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { followIngest } from '../ingest-words.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson, writeList } from '../list-output.ts'
import { openProject, openTable } from '../open-table.ts'
import { parseWhole } from '../parse-number.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

const LIMIT = 100

/** `quarantine ls|show|replay`: the rows that could not be applied. */
export function addQuarantine(command: Command, invocation: Invocation): void {
  command.usage('ls | show <table> | replay <table>')
  command
    .command('ls')
    .description('how many rows wait, by table')
    .action(() => list(invocation))
  command
    .command('show')
    .description('the rows that wait, with file, line, column, text and reason')
    .argument('<table>', 'a configured table or its path')
    .option('--limit <n>', 'how many rows', parseWhole, LIMIT)
    .action((name: string, flags: { readonly limit: number }) => show(invocation, name, flags))
  command
    .command('replay')
    .description('read the rows again, after the settings were corrected')
    .argument('<table>', 'a configured table')
    .option('--dry-run', 'say which rows would apply and write nothing')
    .action((name: string, flags: { readonly dryRun?: boolean }) => replay(invocation, name, flags))
}

async function list(invocation: Invocation): Promise<void> {
  const items = await listQuarantine(await openProject(invocation))
  await writeList(invocation, {
    schema: 'tributary.quarantine/1',
    items,
    columns: ['table', 'rows', 'files'],
    cells: ({ table, rows, files }) => [table, String(rows), String(files)],
  })
}

async function show(invocation: Invocation, name: string, { limit }: { readonly limit: number }): Promise<void> {
  const { name: table, store } = await openTable(invocation, name)
  const rows = await readQuarantined(store)
  const shown = rows.slice(0, limit)
  if (invocation.flags.json)
    return writeJson(invocation, { schema: 'tributary.quarantined-rows/1', table, total: rows.length, items: shown })
  await invocation.data.write(tableText(invocation, COLUMNS, shown.map(cellsOf)))
  if (rows.length > shown.length)
    invocation.words.say(`${countText(rows.length - shown.length)} more: --limit ${rows.length}`)
}

const COLUMNS = ['file', 'line', 'row', 'column', 'text', 'reason', 'record']

function cellsOf(row: QuarantinedRow): readonly (string | null)[] {
  const line = row.line === undefined ? null : String(row.line)
  return [row.file, line, String(row.row), row.column ?? null, row.text ?? null, row.reason, row.raw]
}

async function replay(invocation: Invocation, name: string, { dryRun }: { readonly dryRun?: boolean }): Promise<void> {
  const lake = await openProject(invocation)
  const isDry = dryRun === true
  const { onEvent } = followIngest(invocation)
  const outcome = await withEngine(invocation, (engine) =>
    replayQuarantine(lake, engine, name, { dryRun: isDry, onEvent }),
  )
  if (invocation.flags.json)
    await writeJson(invocation, { schema: 'tributary.replay/1', table: name, dryRun: isDry, ...outcome })
  else if (outcome.rows.length > 0)
    await invocation.data.write(tableText(invocation, COLUMNS, outcome.rows.slice(0, LIMIT).map(cellsOf)))
  invocation.words.say(`${name}  ${outcomeText(outcome, isDry)}`)
  if (outcome.still > 0 && dryRun !== true) invocation.end(EXIT.findings)
}

function outcomeText({ applied, superseded, noop, still }: ReplayOutcome, isDry: boolean): string {
  return [
    `${countText(applied)} rows ${isDry ? 'would apply' : 'applied'}`,
    ...(superseded === 0 ? [] : [`${countText(superseded)} superseded by what came later`]),
    ...(noop === 0 ? [] : [`${countText(noop)} without effect`]),
    `${countText(still)} still wait`,
  ].join(', ')
}
