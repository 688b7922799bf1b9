import { systemClock } from '@tributary/delta/log'
import { type LakeStatus, missingLanding, readStatus, type TableStatus } from '@tributary/pipeline/status'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { sayLeftOut } from '../landing-words.ts'
import { tableText, writeJson } from '../list-output.ts'
import { openProject } from '../open-table.ts'
import { countText, durationText, sparkline } from '../quantity.ts'
import type { Cell } from '../table-format.ts'

/** `status`: all tables of the project, what waits for them and what stops them. */
export function addStatus(command: Command, invocation: Invocation): void {
  command.addHelpText('after', EXITS).action(async () => {
    const lake = await openProject(invocation)
    const missing = await missingLanding(lake)
    if (missing !== undefined) invocation.words.warn(`${invocation.paint('yellow', 'warning:')} landing: ${missing}`)
    const status = await readStatus(lake)
    // For alarms: only who sets a target is told by the exit code.
    if (status.tables.some(({ freshness }) => freshness?.isMissed)) invocation.end(EXIT.findings)
    if (invocation.flags.json) return writeJson(invocation, status)
    await invocation.data.write(
      tableText(
        invocation,
        COLUMNS,
        status.tables.map((table) => cellsOf(invocation, table)),
      ),
    )
    sayHints(invocation, status)
  })
}

const EXITS = `
Exit 6 when a table misses its target (\`freshness\` in tributary.yaml), 0 otherwise, also where
one is stuck: tributary help exit-codes says how to poll.`

const COLUMNS = ['table', 'state', 'age', 'version', 'rows', 'waiting', 'last hour', 'note']
const BARS = 12

function cellsOf({ data }: Invocation, table: TableStatus): readonly Cell[] {
  const { lastHour, size, waiting } = table
  const ageMs = table.committedAt === null ? null : Math.max(0, systemClock.now() - Date.parse(table.committedAt))
  const changes =
    lastHour === null || lastHour.commits === 0
      ? null
      : `+${countText(lastHour.inserted)} ~${countText(lastHour.updated)} -${countText(lastHour.deleted)}`
  return [
    table.table,
    table.state,
    ageMs === null ? null : durationText(ageMs),
    table.version === null ? null : `v${table.version}`,
    size === null || size.rows === null ? null : countText(size.rows),
    waiting.files === 0 ? null : `${countText(waiting.files)} files`,
    changes === null || lastHour === null
      ? null
      : data.isTerminal
        ? `${changes} ${sparkline(inBars(lastHour.perMinute))}`
        : changes,
    noteOf(table),
  ]
}

function inBars(perMinute: readonly number[]): readonly number[] {
  const each = Math.ceil(perMinute.length / BARS)
  return Array.from({ length: BARS }, (_, bar) =>
    perMinute.slice(bar * each, (bar + 1) * each).reduce((sum, count) => sum + count, 0),
  )
}

function noteOf(table: TableStatus): Cell {
  const notes: string[] = []
  if (table.freshness?.isMissed) notes.push(lateText(table.freshness))
  if (table.stopped !== null) notes.push(table.stopped.message)
  if (table.quarantinedRows > 0) notes.push(`${countText(table.quarantinedRows)} rows in quarantine`)
  if (table.leftoverLoads.length > 0)
    notes.push(`${table.leftoverLoads.length} LOAD files left over from an earlier generation`)
  if (table.supersededFiles.length > 0)
    notes.push(`${table.supersededFiles.length} files of an earlier generation not applied`)
  return notes.length === 0 ? null : notes.join('; ')
}

function lateText({ targetMs, oldestWaitingMs, newestMs }: NonNullable<TableStatus['freshness']>): string {
  const target = `the target is ${durationText(targetMs)}`
  return oldestWaitingMs !== null && oldestWaitingMs > targetMs
    ? `late: a file waits for ${durationText(oldestWaitingMs)}, ${target}`
    : `late: the newest change took ${durationText(newestMs ?? 0)}, ${target}`
}

function sayHints({ words }: Invocation, { tables, ...leftOut }: LakeStatus): void {
  for (const { table, stopped, quarantinedRows } of tables) {
    if (stopped !== null) words.say(`→ tributary resolve ${table}`)
    if (quarantinedRows > 0) words.say(`→ tributary quarantine show ${table}`)
  }
  sayLeftOut(words, leftOut)
  if (tables.some(({ stopped, waiting }) => stopped === null && waiting.files > 0)) words.say('→ tributary ingest')
}
