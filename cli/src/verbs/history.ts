import { type HistoryEntry, readHistory } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { writeList } from '../list-output.ts'
import { openTable } from '../open-table.ts'
import { parseWhole } from '../parse-number.ts'
import { bytesText, timeText } from '../quantity.ts'

const LIMIT = 20

/** `history`: the versions of a table, the newest first. */
export function addHistory(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .option('--limit <n>', 'how many versions', parseWhole, LIMIT)
    .action(async (name: string, { limit }: { readonly limit: number }) => {
      const { store } = await openTable(invocation, name)
      const items = await readHistory(store, { limit })
      await writeList(invocation, { schema: 'tributary.history/1', items, columns: COLUMNS, cells: cellsOf })
    })
}

const COLUMNS = ['version', 'time', 'operation', 'changes', 'files', 'bytes', 'source', 'engine']

function cellsOf(entry: HistoryEntry): readonly (string | null)[] {
  const { metrics } = entry
  const changes = ['inserted', 'updated', 'deleted'].map(
    (name, index) => `${'+~-'[index] ?? ''}${metrics[name] ?? '0'}`,
  )
  const source = entry.sourceFiles.at(0)
  const more = entry.sourceFileCount > 1 ? ` +${entry.sourceFileCount - 1}` : ''
  return [
    `v${entry.version}`,
    timeText(entry.timestamp),
    entry.operation === null ? null : `${entry.operation}${entry.schemaChanged ? ', schema' : ''}`,
    'inserted' in metrics ? changes.join(' ') : null,
    `+${entry.filesAdded} -${entry.filesRemoved}`,
    `+${bytesText(entry.bytesAdded)} -${bytesText(entry.bytesRemoved)}`,
    source === undefined ? null : `${source.split('/').at(-1) ?? source}${more}`,
    entry.engine,
  ]
}
