import type { ChangesSummary } from '@tributary/pipeline'
import type { Invocation } from './invocation.ts'
import { writeJson } from './list-output.ts'
import { countText, timeText } from './quantity.ts'
import { valueText } from './row-life.ts'
import { type Cell, formatTable, plainLine, type TableStyle } from './table-format.ts'

/** Prints what has changed in numbers, with a few of the changes. */
export async function writeSummary(invocation: Invocation, summary: ChangesSummary): Promise<void> {
  const { data, flags } = invocation
  if (flags.json) return writeJson(invocation, summary)
  await data.write(data.isTerminal && !flags.plain ? summaryText(invocation.style, summary) : plainText(summary))
}

/** `v118 → v121  (3 commits, 2026-11-22 19:02:11Z → 19:05:10Z)`: the interval as it was resolved. */
export function intervalText({
  since,
  until,
  commits,
  from,
  to,
  snapshot,
}: Pick<ChangesSummary, 'since' | 'until' | 'commits' | 'from' | 'to' | 'snapshot'>): string {
  if (snapshot) return `v${until}  (all rows, to begin with)`
  const start = since < 0 ? 'the beginning' : `v${since}`
  const count = commits === 1 ? '1 commit' : `${countText(commits)} commits`
  return `${start} → v${until}  (${count}${timesText(from, to)})`
}

function timesText(from: string | null, to: string | null): string {
  if (from === null || to === null) return ''
  const [first, last] = [timeText(from), timeText(to)]
  if (first === last) return `, ${first}`
  const isSameDay = first.slice(0, 10) === last.slice(0, 10)
  return `, ${first} → ${isSameDay ? last.slice(11) : last}`
}

/** The summary as a person sees it. */
export function summaryText(style: TableStyle, summary: ChangesSummary): string {
  const { inserted, updated, deleted, columns, samples } = summary
  const lines = [
    `${style.bold(summary.table)}  ${intervalText(summary)}\n`,
    `  insert ${countText(inserted)}   update ${countText(updated)}   delete ${countText(deleted)}   ${keysText(summary.keys)}\n`,
  ]
  const narrow = { ...style, width: style.width === undefined ? undefined : style.width - 2 }
  if (columns === null && updated > 0)
    lines.push('  which columns changed is not known: --derive --key a,b pairs rows by their key\n')
  if (columns !== null && columns.length > 0) {
    const cells = columns.map(({ column, changed, ...nulls }): readonly Cell[] => [
      column,
      countText(changed),
      nullsText(nulls),
    ])
    lines.push('\n', indented(formatTable(['column', 'rows changed', 'note'], cells, narrow)))
  }
  const shown = samples.map(sampleCells)
  if (shown.length > 0) lines.push('\n', indented(formatTable(['such as', 'key', 'version', 'changes'], shown, narrow)))
  return lines.join('')
}

function keysText({ touched, total }: ChangesSummary['keys']): string {
  if (touched === null) return total === null ? '' : `of ${countText(total)} rows`
  if (total === null) return `keys touched ${countText(touched)}`
  // A key may have come and gone: then more keys were touched than are left.
  const share = touched > total || total === 0 ? '' : ` (${shareText(touched / total)})`
  return `keys touched ${countText(touched)} of ${countText(total)}${share}`
}

/** `0.44 %`, with two significant digits. */
function shareText(share: number): string {
  const percent = share * 100
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))} %`
}

function nullsText({ wasNull, isNull }: { readonly wasNull: number; readonly isNull: number }): string {
  const notes = [
    ...(wasNull === 0 ? [] : [`was null in ${countText(wasNull)}`]),
    ...(isNull === 0 ? [] : [`became null in ${countText(isNull)}`]),
  ]
  return notes.join(', ')
}

/** The cells of a record of `-o json-changes`. */
function sampleCells(sample: unknown): readonly Cell[] {
  if (!isObject(sample)) return []
  const { op, key, version, changed, before, after } = sample
  const names = Array.isArray(changed) ? changed.map(String) : []
  const was = isObject(before) ? before : {}
  const now = isObject(after) ? after : {}
  const isUpdate = op === 'update'
  const texts = isUpdate
    ? names.map((name) => `${name} ${valueText(was[name])}→${valueText(now[name])}`)
    : Object.entries(op === 'delete' ? was : now).map(([name, value]) => `${name} ${valueText(value)}`)
  const keyText = Object.values(isObject(key) ? key : {})
    .map(valueText)
    .join('/')
  return [String(op), keyText, `v${String(version)}`, texts.join('  ')]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** One fact a line, for scripts. */
function plainText(summary: ChangesSummary): string {
  const { keys, columns, samples } = summary
  const count = (value: number | null): Cell => (value === null ? null : String(value))
  const facts: readonly (readonly Cell[])[] = [
    ['table', summary.table],
    ['since', summary.since < 0 ? null : `v${summary.since}`],
    ['until', `v${summary.until}`],
    ['commits', String(summary.commits)],
    ['from', summary.from],
    ['to', summary.to],
    ['insert', String(summary.inserted)],
    ['update', String(summary.updated)],
    ['delete', String(summary.deleted)],
    ['keys', count(keys.touched), count(keys.total)],
    ...(columns ?? []).map(({ column, changed, wasNull, isNull }) => [
      'column',
      column,
      ...[changed, wasNull, isNull].map(String),
    ]),
    ...samples.map((sample) => ['sample', JSON.stringify(sample)]),
  ]
  return facts.map(plainLine).join('')
}
