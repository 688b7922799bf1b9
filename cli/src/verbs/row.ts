import { systemClock } from '@tributary/delta'
import { type RowLife, readSnapshotAt, rowLife } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openTable } from '../open-table.ts'
import { parseNames } from '../parse-number.ts'
import { timeText } from '../quantity.ts'
import { withEngine } from '../with-engine.ts'

interface RowFlags {
  readonly at?: string
  readonly key?: readonly string[]
  readonly full?: boolean
}

/** `row`: the life of one row, change by change. */
export function addRow(command: Command, invocation: Invocation): void {
  command
    .argument('<table>', 'a configured table or the path of any Delta table')
    .argument('<key>', 'the key; parts of a longer one with slashes between: 2013-01-01T10:00:00Z/UA/1545')
    .option('--at <version|time>', 'the row as it was then, and its life until then')
    .option('--key <columns>', 'key columns of a table that Tributary does not write: a,b', parseNames)
    .option('--full', 'all columns of inserts and deletes too')
    .action((name: string, key: string, flags: RowFlags) => row(invocation, { name, key }, flags))
}

async function row(
  invocation: Invocation,
  { name, key }: { readonly name: string; readonly key: string },
  flags: RowFlags,
): Promise<void> {
  const table = await openTable(invocation, name)
  const keyColumns = flags.key ?? (table.key.length > 0 ? table.key : undefined)
  const version =
    flags.at === undefined
      ? undefined
      : (await readSnapshotAt(table.store, flags.at, { nowMs: systemClock.now() })).version
  const life = await withEngine(invocation, (engine) =>
    rowLife(engine, table.store, key, {
      ...(version === undefined ? {} : { version }),
      ...(keyColumns === undefined ? {} : { key: keyColumns }),
    }),
  )
  if (invocation.flags.json) return writeJson(invocation, life)
  await invocation.data.write(
    tableText(
      invocation,
      ['time', 'op', 'version', 'changes', 'from'],
      life.changes.map((change) => cellsOf(change, flags)),
    ),
  )
  if (life.completeFrom > 0)
    invocation.words.say(`what came before v${life.completeFrom} is not known: it was cleaned up`)
  if (life.row === null) invocation.words.say(`the row is not there at v${life.version}`)
}

function cellsOf(change: RowLife['changes'][number], { full }: RowFlags): readonly (string | null)[] {
  const isUpdate = change.op === 'U'
  const changed = isUpdate || full === true ? change.changed : []
  const texts = changed.map(({ column, from, to }) =>
    isUpdate
      ? `${column} ${valueText(from)}→${valueText(to)}`
      : `${column} ${valueText(change.op === 'D' ? from : to)}`,
  )
  const place =
    change.file === null ? change.commitFiles.at(0) : change.row === null ? change.file : `${change.file}:${change.row}`
  return [
    timeText(change.sourceAt ?? change.committedAt),
    change.op,
    `v${change.version}`,
    texts.length === 0 ? null : texts.join('  '),
    place?.split('/').at(-1) ?? null,
  ]
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return '∅'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
