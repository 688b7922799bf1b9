import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import { describeFields, readVersions, systemClock } from '@tributary/delta'
import { findNamedTable, prepareQuery, sealEngine } from '@tributary/pipeline'
import type { Command } from 'commander'
import { flagsInvalid } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { openProjectIfAny } from '../open-table.ts'
import { addRowFlags, assertWritable, type RowFlags, writeRows } from '../row-output.ts'
import { withEngine } from '../with-engine.ts'

interface SqlFlags extends RowFlags {
  readonly file?: string
}

/** `sql`: DuckDB SQL over live tables. */
export function addSql(command: Command, invocation: Invocation): void {
  addRowFlags(command.argument('[query]', 'one SELECT; - reads it from stdin'))
    .option('-f, --file <file>', 'read the query from this file')
    .addHelpText('after', EXAMPLES)
    .action((query: string | undefined, flags: SqlFlags) => sql(invocation, query, flags))
}

const EXAMPLES = `
One SELECT of DuckDB, or FROM, VALUES, DESCRIBE, SUMMARIZE. It reads tables by the names of the project, or by
their paths, and nothing else: no other files, and of functions in FROM only those that make rows.

  tributary sql "FROM shop.orders LIMIT 5"
  tributary sql "DESCRIBE shop.orders"
  tributary sql "FROM shop.orders AS o AT (VERSION => 12)"
  tributary sql "FROM shop.orders AT (TIMESTAMP => now() - INTERVAL 1 HOUR)"
  tributary sql "SELECT _change_type, count(*) FROM changes('shop.orders', since := 'v12') GROUP BY ALL"
  tributary sql "FROM shop.orders__periods"    of a table with history: true`

async function sql(invocation: Invocation, query: string | undefined, flags: SqlFlags): Promise<void> {
  assertWritable(invocation, flags)
  const text = await readQuery(query, flags)
  const lake = await openProjectIfAny(invocation)
  await withEngine(invocation, async (engine) => {
    const prepared = await prepareQuery(engine, (name) => findNamedTable(lake, name), text, {
      nowMs: systemClock.now(),
    })
    for (const { table, version, files } of prepared.tables) {
      const share = files === undefined || files.opened === files.all ? '' : `, ${files.opened} of ${files.all} files`
      invocation.words.detail(`${table} v${version}${share}`)
    }
    await sealEngine(engine, prepared.folders)
    await readVersions(prepared.snapshots, async () => {
      const { relation, fields } = await describeFields(engine, prepared.sql)
      await writeRows(invocation, engine, { sql: relation, fields, isSealed: true }, flags)
    })
  })
}

async function readQuery(query: string | undefined, { file }: SqlFlags): Promise<string> {
  if (file !== undefined && query !== undefined)
    throw flagsInvalid('There are two queries, one typed and one in --file', 'Give one of them')
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((cause: unknown) => {
      throw flagsInvalid(
        `The query file ${file} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
        'Check the path',
      )
    })
  }
  if (query === '-' || (query === undefined && !process.stdin.isTTY)) return readAll(process.stdin)
  if (query === undefined)
    throw flagsInvalid('There is no query', 'Write one: tributary sql "FROM shop.orders LIMIT 5"')
  return query
}
