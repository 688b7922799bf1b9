import { historyNameOf } from '../history-table/history-name.ts'

/** Refuses a table that is listed twice, and one whose folder is that of another table's history. */
export function assertTableNames(
  tables: readonly { readonly name: string; readonly history: boolean }[],
  fail: (where: readonly string[], problem: string) => never,
): void {
  const names = tables.map(({ name }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) < index)
  if (repeated !== undefined) fail(['tables'], `${repeated} is listed twice: keep one entry`)
  const kept = tables.filter(({ history }) => history).map(({ name }) => historyNameOf(name))
  const hidden = names.find((name) => kept.includes(name))
  if (hidden !== undefined)
    fail(
      ['tables', hidden],
      `${hidden} is the history of another table here. Leave "history: true" out there, or this table`,
    )
}
