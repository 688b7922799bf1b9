import { systemClock } from '@tributary/delta'
import { type CheckReport, checkTable, historyNameOf, pinPlaceOf } from '@tributary/pipeline'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openProject, openTable } from '../open-table.ts'
import { parseNames } from '../parse-number.ts'
import { withEngine } from '../with-engine.ts'

interface CheckFlags {
  readonly key?: readonly string[]
}

/** `check`: looks for damage; exit 6 when there is any. */
export function addCheck(command: Command, invocation: Invocation): void {
  command
    .argument('[tables...]', 'configured tables or paths of any Delta tables; all of the project when none is named')
    .option('--key <columns>', 'key columns of a table that Tributary does not write: a,b', parseNames)
    .action((names: readonly string[], flags: CheckFlags) => check(invocation, names, flags))
}

interface CheckedTable {
  readonly table: string
  readonly report: CheckReport
}

async function check(invocation: Invocation, names: readonly string[], { key }: CheckFlags): Promise<void> {
  const { words } = invocation
  const checked = await withEngine(invocation, async (engine) => {
    const all: CheckedTable[] = []
    for (const name of names.length > 0 ? names : await existingTables(invocation)) {
      const { name: table, store, key: known, history } = await openTable(invocation, name, { isUncached: true })
      const keyColumns = key ?? (known.length > 0 ? known : undefined)
      const report = await checkTable(engine, store, {
        ...(keyColumns === undefined ? {} : { key: keyColumns }),
        ...(history === undefined ? {} : { history }),
        pins: { place: pinPlaceOf(store), nowMs: systemClock.now() },
        onProgress: ({ files, filesTotal }) => words.progress(() => `check ${table}  ${files}/${filesTotal} files`),
      })
      words.clear()
      all.push({ table, report })
    }
    return all
  })
  await writeReports(invocation, checked)
  if (checked.some(({ report }) => report.findings.length > 0)) invocation.end(EXIT.findings)
}

/** A configured table into which nothing has flowed yet has nothing to check. */
async function existingTables(invocation: Invocation): Promise<readonly string[]> {
  const lake = await openProject(invocation)
  const names: string[] = []
  for (const { name, history } of lake.config.tables) {
    for (const one of history ? [name, historyNameOf(name)] : [name]) {
      for await (const _ of lake.tableStore(one).list('_delta_log/')) {
        names.push(one)
        break
      }
    }
  }
  return names
}

async function writeReports(invocation: Invocation, checked: readonly CheckedTable[]): Promise<void> {
  if (invocation.flags.json) {
    return writeJson(invocation, {
      schema: 'tributary.checks/1',
      items: checked.map(({ table, report }) => ({ table, ...report })),
    })
  }
  const findings = checked.flatMap(({ table, report }) =>
    report.findings.map(({ code, path, message }) => [table, code, path ?? null, message]),
  )
  if (findings.length > 0)
    await invocation.data.write(tableText(invocation, ['table', 'finding', 'file', 'message'], findings))
  for (const { table, report } of checked) {
    for (const { message } of report.warnings) invocation.words.warn(`warning: ${table}: ${message}`)
    const { files, deletionVectors, sidecars, keys } = report.checked
    const version = report.version === null ? 'no readable version' : `v${report.version}`
    const outcome = report.findings.length === 0 ? 'whole' : `${report.findings.length} findings`
    invocation.words.say(
      `${table}  ${version}  ${outcome}: ${files} data files, ${deletionVectors} deletion vectors, ${sidecars} sidecars${keys ? ', keys' : ', keys not checked'}`,
    )
  }
}
