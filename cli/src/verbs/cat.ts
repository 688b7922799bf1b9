import { readSnapshot, readVersions, scanSql, systemClock } from '@tributary/delta'
import { readSnapshotAt } from '@tributary/pipeline'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { openTable } from '../open-table.ts'
import { parseWhole } from '../parse-number.ts'
import { addRowFlags, assertWritable, type RowFlags, writeRows } from '../row-output.ts'
import { withEngine } from '../with-engine.ts'

interface CatFlags extends RowFlags {
  readonly version?: number
  readonly timestamp?: string
}

/** `cat`: the rows of a table. */
export function addCat(command: Command, invocation: Invocation): void {
  addRowFlags(command.argument('<table>', 'a configured table or the path of any Delta table'))
    .option('--version <n>', 'the table at this version', parseWhole)
    .option('--timestamp <time>', 'the table at this time (tributary help times)')
    .action((name: string, flags: CatFlags) => cat(invocation, name, flags))
}

async function cat(invocation: Invocation, name: string, flags: CatFlags): Promise<void> {
  if (flags.version !== undefined && flags.timestamp !== undefined)
    throw flagsInvalid('--version and --timestamp both name a version', 'Give one of them')
  assertWritable(invocation, flags)
  const { store } = await openTable(invocation, name)
  const { timestamp, version } = flags
  const snapshot =
    timestamp === undefined
      ? await readSnapshot(store, version === undefined ? {} : { version })
      : await readSnapshotAt(store, timestamp, { nowMs: systemClock.now() })
  await withEngine(invocation, (engine) =>
    readVersions([snapshot], async () => {
      const sql = await scanSql(engine, snapshot)
      await writeRows(invocation, engine, { sql, fields: snapshot.schema.fields }, flags)
    }),
  )
}
