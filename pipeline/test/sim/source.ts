// A database of a few keys, and the DMS task that copies it to the landing: a full load, then files of changes; now and then a task that
// is resumed and says things again, a reload, a file that comes late or twice. The truth is `rows`.
import type { Random } from '../support/random.ts'
import { type Encode, type SimFile, type SimRow, simFile } from './landing-files.ts'

/** A table at the source. */
export interface SourceTable {
  readonly name: string
  readonly hasSequence: boolean
  /** What the database holds, by key. */
  readonly rows: Map<number, string>
  /** Changes in the order in which they happened. */
  readonly log: Exclude<SimRow, { bad: string }>[]
  /** Files as they were written, in order. */
  readonly files: SimFile[]
  /** File times are of this stretch, and no two are the same. */
  nameMs: number
  /** How often all its files were deleted. */
  drops: number
  /** Files of a load that are still to be put: until then nothing of the table's structure changes. */
  loading: number
  /** Files of changes that were made and are still to be put. */
  late: number
  /** Changes before this one happened before the table was truncated: a task that is resumed does not tell of them. */
  since: number
  /** It was truncated, and nobody writes to it before the lake knows. */
  isResting: boolean
}

/** What a source needs to make files. */
export interface SourceParts {
  readonly random: Random
  readonly encode: Encode
  readonly nowMs: () => number
  /** Chance of a row that nobody can read, in a file. */
  readonly badRow: number
}

const KEYS = 6
const CHANGES_MAX = 5
const OVERLAP_MAX = 8
const LOAD_FILES_MAX = 2

/** An empty table. */
export function openSourceTable(name: string, hasSequence: boolean): SourceTable {
  const counts = { nameMs: 0, drops: 0, loading: 0, late: 0, since: 0 }
  return { name, hasSequence, rows: new Map(), log: [], files: [], ...counts, isResting: false }
}

/** What happened before DMS began: only a full load tells of it. */
export function fill({ random }: SourceParts, table: SourceTable): void {
  for (let left = random.int(0, KEYS); left > 0; left -= 1) change(random, table)
}

/** Lets a key be inserted, updated or deleted. */
function change(random: Random, table: SourceTable): void {
  const id = random.int(1, KEYS)
  const op = table.rows.has(id) ? random.pick(['U', 'U', 'D'] as const) : 'I'
  const number = table.log.length + 1
  const v = op === 'D' ? (table.rows.get(id) ?? '') : `v${number}`
  if (op === 'D') table.rows.delete(id)
  else table.rows.set(id, v)
  table.log.push({ op, id, v, seq: table.hasSequence ? String(number).padStart(12, '0') : '' })
}

/** The files of a full load, the first or a reload: what the database holds now, shared out. */
export function writeLoad(parts: SourceParts, table: SourceTable): readonly SimFile[] {
  const { random, encode } = parts
  const count = random.int(1, LOAD_FILES_MAX)
  const rows = [...table.rows].map(([id, v]): SimRow => ({ op: 'I', id, v, seq: '' }))
  return Array.from({ length: count }, (_, at) => {
    const own = rows.filter((_row, index) => index % count === at)
    const name = `LOAD0000000${at + 1}`
    const file = simFile(table.name, { kind: 'load', name }, withBad(parts, own, table), encode)
    table.files.push(file)
    return file
  })
}

/** The next file of changes. A task that was resumed begins with changes that were in files before. */
export function writeChanges(parts: SourceParts, table: SourceTable, isResumed: boolean): SimFile {
  const { random, encode, nowMs } = parts
  const from = Math.max(table.since, table.log.length - (isResumed ? random.int(1, OVERLAP_MAX) : 0))
  for (let left = random.int(1, CHANGES_MAX); left > 0; left -= 1) change(random, table)
  table.nameMs = Math.max(nowMs(), table.nameMs + 1)
  const file = simFile(
    table.name,
    { kind: 'cdc', name: fileTime(table.nameMs) },
    withBad(parts, table.log.slice(from), table),
    encode,
  )
  table.files.push(file)
  return file
}

/** TRUNCATE: no row tells of it, neither here nor in a file. */
export function truncate(table: SourceTable): void {
  table.rows.clear()
  table.since = table.log.length
  table.isResting = true
}

function withBad({ random, badRow }: SourceParts, rows: readonly SimRow[], { files }: SourceTable): readonly SimRow[] {
  if (!random.chance(badRow)) return rows
  const at = random.int(0, rows.length)
  return [...rows.slice(0, at), { bad: String(files.length) }, ...rows.slice(at)]
}

/** `20260301-101502123` */
function fileTime(ms: number): string {
  const digits = new Date(ms).toISOString().replaceAll(/[^0-9]/g, '')
  return `${digits.slice(0, 8)}-${digits.slice(8, 17)}`
}
