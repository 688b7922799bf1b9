import type { RowLife } from '@tributary/pipeline'
import type { Invocation } from './invocation.ts'
import { tableText, writeJson } from './list-output.ts'
import { timeText } from './quantity.ts'

/** How much of the life of a row is shown. */
export interface LifeFlags {
  /** All columns of inserts and deletes too. */
  readonly full?: boolean
}

/** Prints the life of a row, change by change. */
export async function writeLife(invocation: Invocation, life: RowLife, flags: LifeFlags): Promise<void> {
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

function cellsOf(change: RowLife['changes'][number], { full }: LifeFlags): readonly (string | null)[] {
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

/** A value in the text of a change. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '∅'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
