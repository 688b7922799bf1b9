import { showTable, type TableDescription } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openTable } from '../open-table.ts'
import { parseWhole } from '../parse-number.ts'
import { bytesText, countText, timeText } from '../quantity.ts'
import { plainLine } from '../table-format.ts'

/** `show`: what a table is, without what is in it. */
export function addShow(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .option('--version <n>', 'the table at this version', parseWhole)
    .action(async (name: string, { version }: { readonly version?: number }) => {
      const described = await showTable(await openTable(invocation, name), version === undefined ? {} : { version })
      if (invocation.flags.json) return writeJson(invocation, described)
      await invocation.data.write(describeText(invocation, described))
    })
}

function describeText(invocation: Invocation, table: TableDescription): string {
  const facts = [...generalFacts(table), ...pipelineFacts(table)]
  const columns = table.columns.map(({ name, type, nullable }) => [name, type, nullable ? 'yes' : 'no'])
  const snippets = Object.entries(table.snippets).map(([program, snippet]) => [program, snippet])
  if (!invocation.data.isTerminal || invocation.flags.plain)
    return [...facts, ...columns.map((column) => ['column', ...column])].map(plainLine).join('')
  return [
    ...facts.map(([name, value]) => `${name.padEnd(12)} ${value}\n`),
    '\n',
    tableText(invocation, ['column', 'type', 'nullable'], columns),
    '\nread it with\n',
    ...snippets.map(([program = '', snippet = '']) => `  ${program.padEnd(10)} ${snippet}\n`),
  ].join('')
}

function generalFacts(table: TableDescription): readonly (readonly [string, string])[] {
  const { size, protocol } = table
  const features = [...new Set([...protocol.readerFeatures, ...protocol.writerFeatures])]
  return [
    ['table', table.table],
    ['at', table.url],
    ['version', `v${table.version}, committed ${timeText(table.committedAt)}`],
    [
      'size',
      `${size.rows === null ? 'rows not known' : `${countText(size.rows)} rows`}, ${countText(size.files)} files, ${bytesText(size.sizeBytes)}`,
    ],
    ['partitions', table.partitionColumns.length === 0 ? 'none' : table.partitionColumns.join(', ')],
    [
      'protocol',
      `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}${features.length === 0 ? '' : `: ${features.join(', ')}`}`,
    ],
  ]
}

function pipelineFacts({ pipeline }: TableDescription): readonly (readonly [string, string])[] {
  if (pipeline === null) return [['pipeline', 'none: another program writes this table']]
  const { read, applied, superseded, noop, quarantined } = pipeline.totals
  return [
    ['key', pipeline.key.join(', ')],
    ['sequence', pipeline.sequence ?? 'none: files apply in the order of their names'],
    [
      'generation',
      `${pipeline.generation}, batch ${pipeline.batch}${pipeline.sourceAt === null ? '' : `, source at ${timeText(pipeline.sourceAt)}`}`,
    ],
    [
      'changes',
      `${countText(read)} read = ${countText(applied)} applied + ${countText(superseded)} superseded + ${countText(noop)} no-op + ${countText(quarantined)} quarantined`,
    ],
    ['quarantine', `${countText(pipeline.quarantinedRows)} rows wait`],
  ]
}
