// A pretended source database: one table as a plain Map, and the log of what happened to it.
import type { Column, Endpoint, TableSpec } from './profile.ts'
import type { Random } from './random.ts'
import { randomValue, type Value } from './values.ts'

export type SourceRow = readonly Value[]

/** One entry of the source's log. */
export interface Change {
  readonly op: 'I' | 'U' | 'D'
  /** The row after the change; of a delete, the row before it. */
  readonly row: SourceRow
  /** The row before an update. */
  readonly before: SourceRow | undefined
  /** The update changed the key. */
  readonly isMove: boolean
  /** Positions of the columns that the source did not log. */
  readonly unset: ReadonlySet<number>
  /** A delete that carries the key alone. */
  readonly isKeyOnly: boolean
  /** Commit time; several changes may share it. */
  readonly at: string
  /** Number of the change in the source's log, from 1. */
  readonly number: number
}

export interface Source {
  readonly columns: readonly Column[]
  readonly rows: Map<string, SourceRow>
  readonly log: Change[]
  clockMs: number
}

const START_MS = Date.UTC(2026, 2, 1, 9)

/** An empty source table. */
export function openSource(table: TableSpec): Source {
  return { columns: table.columns, rows: new Map(), log: [], clockMs: START_MS }
}

/** The key's values as one text. */
export function keyOf(columns: readonly Column[], row: SourceRow): string {
  return JSON.stringify(row.filter((_, at) => columns[at]?.isKey))
}

/** `2026-03-01 09:00:00.000000` */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}000`
}

/** Histories that share a table: each has keys of its own, so that one ingest tries many of them. */
export const GROUPS = 30

/** Lets `count` random changes happen in each history. */
export function advance(random: Random, source: Source, table: TableSpec, endpoint: Endpoint, count: number): void {
  for (let left = count * GROUPS; left > 0; left -= 1) {
    if (!random.chance(0.4)) source.clockMs += random.int(1, 4000)
    const group = random.int(0, GROUPS - 1)
    const row = randomRow(random, source.columns, group)
    const stored = source.rows.get(keyOf(source.columns, row))
    if (stored === undefined) push(source, { op: 'I', row })
    else if (!endpoint.insertsOnly) changeStored(random, { source, table, endpoint, group }, stored, row)
  }
}

function changeStored(
  random: Random,
  { source, table, endpoint, group }: { source: Source; table: TableSpec; endpoint: Endpoint; group: number },
  stored: SourceRow,
  fresh: SourceRow,
): void {
  const dice = random.int(1, 100)
  if (dice <= 30) {
    push(source, { op: 'D', row: stored, isKeyOnly: random.chance(0.4) })
    return
  }
  const moved = randomRow(random, source.columns, group)
  const isFree = !source.rows.has(keyOf(source.columns, moved))
  if (dice <= 55 && isFree) {
    const row = source.columns.map(
      (column, at) => (column.isKey || random.chance(0.3) ? moved[at] : stored[at]) ?? null,
    )
    if (table.beforeImage !== 'none' && random.chance(0.6)) push(source, { op: 'U', row, before: stored, isMove: true })
    else {
      push(source, { op: 'D', row: stored })
      push(source, { op: 'I', row })
    }
    return
  }
  // Equal values now and then: an update need not change anything.
  const changed = source.columns.map((column) => !column.isKey && random.chance(0.6))
  const row = source.columns.map((_, at) => (changed[at] ? fresh[at] : stored[at]) ?? null)
  const isPartial = endpoint.noSup !== undefined && random.chance(0.7)
  const unset = isPartial ? source.columns.flatMap((column, at) => (column.isKey || changed[at] ? [] : [at])) : []
  push(source, { op: 'U', row, before: stored, unset: new Set(unset) })
}

function push(source: Source, change: Pick<Change, 'op' | 'row'> & Partial<Change>): void {
  const full: Change = {
    before: undefined,
    isMove: false,
    unset: new Set(),
    isKeyOnly: false,
    ...change,
    at: timeText(source.clockMs),
    number: source.log.length + 1,
  }
  source.log.push(full)
  if (full.before !== undefined && full.isMove) source.rows.delete(keyOf(source.columns, full.before))
  if (full.op === 'D') source.rows.delete(keyOf(source.columns, full.row))
  else source.rows.set(keyOf(source.columns, full.row), full.row)
}

const KEYS = 4

/** Few keys a history, so that changes meet. */
function randomRow(random: Random, columns: readonly Column[], group: number): SourceRow {
  const n = group * 10 + random.int(1, KEYS)
  const isSingle = columns.filter((column) => column.isKey).length === 1
  return columns.map((column) => {
    if (!column.isKey) {
      if (random.chance(0.25)) return null
      return `${column.isInferred ? 'v' : ''}${randomValue(random, column.type)}`
    }
    const part = isSingle ? n : column.type === 'date' ? random.int(1, 2) : group * 10 + random.int(1, 2)
    switch (column.type) {
      case 'string':
        return `k${part}, "x"`
      case 'date':
        return `2026-02-0${part}`
      default:
        return String(part)
    }
  })
}
