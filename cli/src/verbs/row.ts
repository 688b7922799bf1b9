import { systemClock } from '@tributary/delta'
import { readSnapshotAt, rowLife } from '@tributary/pipeline'
import type { Command } from 'commander'
import type { Invocation } from '../invocation.ts'
import { openUpkeep, type UpkeepTable } from '../open-upkeep.ts'
import { parseNames } from '../parse-number.ts'
import { writeLife } from '../row-life.ts'
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
    .addHelpText('after', TIMES)
    .action((name: string, key: string, flags: RowFlags) => row(invocation, { name, key }, flags))
}

const TIMES = `
The time of a change is in UTC: when the source committed it, which a row tells itself where dms
has a TimestampColumnName; of a delete it is that of the newest change in its commit. Where the
files carry no such time it is that of the commit in the table.`

async function row(
  invocation: Invocation,
  { name, key }: { readonly name: string; readonly key: string },
  flags: RowFlags,
): Promise<void> {
  const table = await openUpkeep(invocation, name)
  const keyColumns = flags.key ?? (table.key.length > 0 ? table.key : undefined)
  const version =
    flags.at === undefined
      ? undefined
      : (await readSnapshotAt(table.store, flags.at, { nowMs: systemClock.now() })).version
  const life = await withEngine(invocation, (engine) =>
    rowLife(engine, table.store, key, {
      ...(version === undefined ? {} : { version }),
      ...(keyColumns === undefined ? {} : { key: keyColumns }),
      timestampColumn: timestampColumnOf(table),
    }),
  )
  await writeLife(invocation, life, flags)
}

function timestampColumnOf({ name, lake }: UpkeepTable): string | undefined {
  const source = lake?.config.dms.TimestampColumnName
  if (source === undefined) return undefined
  return lake?.config.tables.find((table) => table.name === name)?.rename.get(source) ?? source
}
