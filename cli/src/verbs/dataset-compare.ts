import { writeFile } from 'node:fs/promises'
import { diffDatasets, driftBetween, driftPage, findDataset } from '@tributary/ml'
import type { Command } from 'commander'
import { outputFailed } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { countText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'
import { DATASET_MEMORY_MIB } from './dataset-build.ts'

interface DriftFlags {
  readonly part?: string
  readonly alpha?: number
  readonly html?: string
  readonly failOnDrift?: boolean
}

/** `dataset diff` and `dataset drift`. */
export function addDatasetCompare(command: Command, invocation: Invocation): void {
  command
    .command('diff')
    .description('rows, columns, labels and source versions that differ')
    .argument('<from>', 'a dataset')
    .argument('<to>', 'another with the same key')
    .action((from: string, to: string) => diff(invocation, { from, to }))
  command
    .command('drift')
    .description('columns whose distribution moved, told from chance')
    .argument('<reference>', 'a dataset')
    .argument('<compared>', 'a dataset')
    .option('--part <name>', 'compare one part only')
    .option(
      '--alpha <p>',
      'how often a false alarm is accepted, over all columns (as the definition says, or 0.01)',
      Number,
    )
    .option('--html <file>', 'write the report as one page')
    .option('--fail-on-drift', 'exit 6 when a column drifted')
    .action((reference: string, compared: string, flags: DriftFlags) =>
      drift(invocation, { reference, compared }, flags),
    )
}

async function diff(invocation: Invocation, names: { readonly from: string; readonly to: string }): Promise<void> {
  const lake = await openProject(invocation)
  const pair = { from: await findDataset(lake, names.from), to: await findDataset(lake, names.to) }
  const found = await withEngine(invocation, (engine) => diffDatasets(lake, engine, pair), {
    memoryMiB: DATASET_MEMORY_MIB,
  })
  if (invocation.flags.json) return writeJson(invocation, found)
  const changed = Object.entries(found.columns).filter(([, rows]) => rows > 0)
  await invocation.data.write(
    tableText(
      invocation,
      ['column', 'rows changed'],
      changed.map(([name, rows]) => [name, String(rows)]),
    ),
  )
  const { added, removed, changed: rows, same, moved } = found.rows
  invocation.words.say(
    `${found.from} → ${found.to}: ${countText(added)} rows added, ${countText(removed)} removed, ${countText(rows)} changed, ${countText(same)} the same, ${countText(moved)} in another part`,
  )
  for (const change of found.schema_changes) invocation.words.say(`  column ${change}`)
  for (const { table, from, to } of found.sources)
    if (from !== to)
      invocation.words.say(
        `  ${table} v${from ?? '–'} → v${to ?? '–'}${from === null || to === null ? '' : `: tributary changes ${table} --since v${from} --until v${to}`}`,
      )
}

async function drift(
  invocation: Invocation,
  names: { readonly reference: string; readonly compared: string },
  { part, alpha, html, failOnDrift }: DriftFlags,
): Promise<void> {
  const lake = await openProject(invocation)
  const pair = {
    reference: await findDataset(lake, names.reference),
    compared: await findDataset(lake, names.compared),
  }
  const report = await withEngine(
    invocation,
    (engine) => driftBetween(lake, engine, pair, { part, ...(alpha === undefined ? {} : { alpha }) }),
    { memoryMiB: DATASET_MEMORY_MIB },
  )
  if (html !== undefined)
    await writeFile(html, driftPage(report)).catch((cause: unknown) => Promise.reject(outputFailed(html, cause)))
  const drifted = report.columns.filter(({ verdict }) => verdict === 'drifted')
  if (failOnDrift === true && drifted.length > 0) invocation.end(EXIT.findings)
  if (invocation.flags.json) return writeJson(invocation, report)
  await invocation.data.write(
    tableText(
      invocation,
      ['column', 'verdict', 'psi', 'p', 'effect'],
      report.columns
        .toSorted((a, b) => a.p - b.p)
        .map(({ column, verdict, psi, p, effect }) => [
          column,
          verdict,
          psi.toFixed(4),
          p.toPrecision(2),
          effect.toFixed(3),
        ]),
    ),
  )
  invocation.words.say(
    `${drifted.length} of ${report.columns.length} columns drifted from ${report.reference} to ${report.compared}`,
  )
}
