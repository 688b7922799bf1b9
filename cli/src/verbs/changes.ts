import { changesSql, systemClock } from '@tributary/delta'
import { type ChangesWish, planChanges } from '@tributary/pipeline'
import { type Command, Option } from 'commander'
import { flagsInvalid } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { openTable } from '../open-table.ts'
import { parseNames, parseWhole } from '../parse-number.ts'
import { addRowFlags, assertWritable, type RowFlags, writeRows } from '../row-output.ts'
import { withEngine } from '../with-engine.ts'

interface ChangesFlags extends RowFlags {
  readonly since?: string
  readonly until?: string
  readonly fromVersion?: number
  readonly toVersion?: number
  readonly net?: boolean
  readonly derive?: boolean
  readonly key?: readonly string[]
  readonly by?: 'commit' | 'source'
}

/** `changes`: the rows that were inserted, updated and deleted, with version and time. */
export function addChanges(command: Command, invocation: Invocation): void {
  addRowFlags(command.argument('<table>', 'a configured table or the path of any Delta table'))
    .option('--since <version|time>', 'what came after it: v12, a time, or 15m (tributary help times)')
    .option('--until <version|time>', 'up to and with it')
    .option('--from-version <n>', 'from this version, its own changes included', parseWhole)
    .option('--to-version <n>', 'up to this version, its own changes included', parseWhole)
    .option('--net', 'only what differs between the two ends')
    .option('--derive', 'derive the changes of a table that has no change feed; needs --key')
    .option('--key <columns>', 'with --derive: the columns that tell rows apart: a,b', parseNames)
    .addOption(new Option('--by <clock>', 'whose times --since and --until are').choices(['commit', 'source']))
    .action((name: string, flags: ChangesFlags) => changes(invocation, name, flags))
}

async function changes(invocation: Invocation, name: string, flags: ChangesFlags): Promise<void> {
  assertConsistent(flags)
  assertWritable(invocation, flags)
  const { store } = await openTable(invocation, name)
  const { request, isEmpty } = await planChanges(store, wishOf(flags))
  await withEngine(invocation, async (engine) => {
    const { sql, fields } = await changesSql(engine, store, request)
    await writeRows(invocation, engine, { sql: isEmpty ? `SELECT * FROM (${sql}) WHERE false` : sql, fields }, flags)
  })
}

function assertConsistent({ since, until, fromVersion, toVersion, derive, key }: ChangesFlags): void {
  if (since !== undefined && fromVersion !== undefined)
    throw flagsInvalid('--since and --from-version both say where the changes begin', 'Give one of them')
  if (until !== undefined && toVersion !== undefined)
    throw flagsInvalid('--until and --to-version both say where the changes end', 'Give one of them')
  if ((derive === true) !== (key !== undefined))
    throw flagsInvalid('--derive and --key belong together', 'Write --derive --key order_id')
}

function wishOf({ since, until, fromVersion, toVersion, net, key, by }: ChangesFlags): ChangesWish {
  return {
    nowMs: systemClock.now(),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(fromVersion === undefined ? {} : { fromVersion }),
    ...(toVersion === undefined ? {} : { toVersion }),
    ...(net === undefined ? {} : { net }),
    ...(key === undefined ? {} : { deriveKey: key }),
    ...(by === undefined ? {} : { by }),
  }
}
