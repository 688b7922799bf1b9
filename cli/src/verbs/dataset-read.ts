import {
  EXPORT_TARGETS,
  explainRow,
  exportDataset,
  findDataset,
  listDatasets,
  NOT_WRITTEN,
  readStats,
  removeDataset,
  verdictText,
  verifyDataset,
} from '@tributary/ml'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { confirm } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson, writeList } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { parseNames, parseWhole } from '../parse-number.ts'
import { countText, timeText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'
import { DATASET_MEMORY_MIB, saySplits } from './dataset-build.ts'

const ID = 'an id or its beginning, NAME@ID, or NAME for the newest'

/** `dataset list`, `show`, `stats`, `verify`, `explain`, `export` and `rm`. */
export function addDatasetRead(command: Command, invocation: Invocation): void {
  command
    .command('list')
    .description('published datasets')
    .action(() => list(invocation))
  const withId = (name: string, description: string): Command =>
    command.command(name).description(description).argument('<id>', ID)
  withId('show', 'parts, sources and guards of a dataset').action((id: string) => show(invocation, id))
  withId('stats', 'statistics of the columns of each part').action((id: string) => stats(invocation, id))
  withId('verify', 'check files and rows, and make the rows again; exit 6 when they differ').action((id: string) =>
    verify(invocation, id),
  )
  withId('explain', 'where each value of a row comes from')
    .requiredOption('--row <key>', 'the key of a row, its values with commas between')
    .action((id: string, flags: { readonly row: string }) => explain(invocation, id, flags))
  withId('export', 'write a dataset for a training program')
    .addOption(
      new Option('--for <program>', 'who reads it')
        .choices(EXPORT_TARGETS)
        .argParser(parseTarget)
        .makeOptionMandatory(),
    )
    .option('--drop <columns>', 'leave columns out: a,b', parseNames)
    .option('--instances <n>', 'so many instances of a training job share the files of each part', parseWhole)
    .action((id: string, flags: ExportFlags) => exportFor(invocation, id, flags))
  withId('rm', 'delete a dataset, its files and its pins').action((id: string) => remove(invocation, id))
}

interface ExportFlags {
  readonly for: string
  readonly drop?: readonly string[]
  readonly instances?: number
}

/** Forms that are not written pass too: why is said together with the way on. */
function parseTarget(name: string): string {
  if (EXPORT_TARGETS.some((known) => known === name) || name in NOT_WRITTEN) return name
  throw new InvalidArgumentError(`Allowed choices are ${EXPORT_TARGETS.join(', ')}.`)
}

async function list(invocation: Invocation): Promise<void> {
  const items = await listDatasets(await openProject(invocation))
  await writeList(invocation, {
    schema: 'tributary.datasets/1',
    items,
    columns: ['dataset', 'id', 'rows', 'created'],
    cells: ({ name, id, splits, created_at: created }) => [
      name,
      id,
      String(Object.values(splits).reduce((sum, { rows }) => sum + rows, 0)),
      timeText(created),
    ],
  })
}

async function show(invocation: Invocation, id: string): Promise<void> {
  const manifest = await findDataset(await openProject(invocation), id)
  if (invocation.flags.json) return writeJson(invocation, manifest)
  await invocation.data.write(
    tableText(
      invocation,
      ['column', 'type', 'from'],
      manifest.columns.map(({ name, type, from }) => [name, type, from]),
    ),
  )
  invocation.words.say(`${manifest.name}@${manifest.id}  ${timeText(manifest.created_at)}`)
  saySplits(invocation, manifest)
  const { git } = manifest.spec
  if (git !== undefined) invocation.words.say(`  defined in commit ${git.commit}${git.dirty ? ', with changes' : ''}`)
  for (const { table, version, pinned } of manifest.sources)
    invocation.words.say(`  ${table} v${version}${pinned ? ', pinned' : ''}`)
  for (const { guard, outcome, message } of manifest.guards) invocation.words.say(`  ${outcome}: ${guard}: ${message}`)
}

async function stats(invocation: Invocation, id: string): Promise<void> {
  const lake = await openProject(invocation)
  const found = await readStats(lake, await findDataset(lake, id))
  if (invocation.flags.json) return writeJson(invocation, found)
  const rows = Object.entries(found.splits).flatMap(([part, { columns }]) =>
    Object.entries(columns).map(([column, one]) => [
      part,
      column,
      (one.null_share * 100).toFixed(2),
      String(one.distinct),
      one.min === null ? null : String(one.min),
      one.max === null ? null : String(one.max),
      one.mean === null ? null : String(Number(one.mean.toPrecision(6))),
      one.sd === null ? null : String(Number(one.sd.toPrecision(6))),
    ]),
  )
  await invocation.data.write(
    tableText(invocation, ['part', 'column', 'null %', 'distinct', 'min', 'max', 'mean', 'sd'], rows),
  )
  for (const [part, { ages }] of Object.entries(found.splits))
    for (const [feature, { unmatched_share: share, median }] of Object.entries(ages))
      invocation.words.say(
        `${part}  ${feature}: ${(share * 100).toFixed(1)} % without a value, half of the others are older than ${median ?? 0} s`,
      )
}

async function verify(invocation: Invocation, id: string): Promise<void> {
  const lake = await openProject(invocation)
  const manifest = await findDataset(lake, id)
  const verdict = await withEngine(invocation, (engine) => verifyDataset(lake, engine, manifest), {
    memoryMiB: DATASET_MEMORY_MIB,
  })
  const dataset = `${manifest.name}@${manifest.id}`
  if (invocation.flags.json)
    await writeJson(invocation, {
      schema: 'tributary.dataset-verdict/1',
      dataset,
      verdict: verdictText(verdict),
      ...verdict,
    })
  else await invocation.data.write(`${dataset}  ${verdictText(verdict)}\n`)
  if (verdict.kind === 'files-damaged' || verdict.kind === 'rows-differ') invocation.end(EXIT.findings)
}

async function explain(invocation: Invocation, id: string, { row }: { readonly row: string }): Promise<void> {
  const lake = await openProject(invocation)
  const manifest = await findDataset(lake, id)
  const explained = await withEngine(invocation, (engine) => explainRow(lake, engine, manifest, row), {
    memoryMiB: DATASET_MEMORY_MIB,
  })
  if (invocation.flags.json) return writeJson(invocation, explained)
  const rows = explained.features.flatMap(({ feature, table, version, count, origins }) =>
    origins.length === 0
      ? [[feature, `${table} v${version}`, null, null, 'no row was known']]
      : origins.map(({ known_at: knownAt, place, values }, index) => [
          index === 0 && count > 1 ? `${feature} (${count} rows)` : feature,
          `${table} v${version}`,
          knownAt,
          place,
          Object.entries(values)
            .map(([name, value]) => `${name}=${value ?? 'NULL'}`)
            .join(' '),
        ]),
  )
  await invocation.data.write(tableText(invocation, ['feature', 'table', 'known at', 'place', 'values'], rows))
  invocation.words.say(`${explained.dataset}, row ${row}, at ${explained.at}`)
}

async function exportFor(invocation: Invocation, id: string, { for: target, ...options }: ExportFlags): Promise<void> {
  const lake = await openProject(invocation)
  const manifest = await findDataset(lake, id)
  const summary = await withEngine(invocation, (engine) =>
    exportDataset(lake, engine, manifest, { target, ...options }),
  )
  if (invocation.flags.json) return writeJson(invocation, summary)
  if (summary.input_data_config !== undefined)
    await invocation.data.write(`${JSON.stringify(summary.input_data_config, null, 2)}\n`)
  for (const file of summary.files) invocation.words.say(file)
  invocation.words.say(`${countText(summary.columns.length)} columns: ${summary.columns.join(', ')}`)
}

async function remove(invocation: Invocation, id: string): Promise<void> {
  const lake = await openProject(invocation)
  const manifest = await findDataset(lake, id)
  await confirm(invocation, `${manifest.name}@${manifest.id} will be deleted for good`)
  await removeDataset(lake, manifest)
  invocation.words.say(`${manifest.name}@${manifest.id} deleted`)
}
