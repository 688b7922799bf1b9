// What statistics say about one column of a file, in a form that can be compared.

import type { AddFile } from '../protocol/actions.ts'
import type { DataType } from '../protocol/schema.ts'
import {
  exactDigits,
  type FileStats,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseStats,
} from '../protocol/stats.ts'

/** A value of a column in the order of its type: numbers and times as doubles, texts and dates as their UTF-8 bytes. */
export type Comparable = number | Uint8Array

/** A column as statistics know it. */
export interface BoundedColumn {
  /** As statistics nest it: physical names. */
  readonly names: readonly string[]
  readonly type: DataType
}

/** What the values of a column in a file lie between; undefined where nobody said. */
export interface FileBounds {
  readonly min: Comparable | undefined
  /** Not rounded up yet (`roundedUp`). */
  readonly max: Comparable | undefined
}

// A snapshot that is refreshed keeps its files, so their statistics are parsed once and not at each look.
const parsed = new WeakMap<AddFile, FileStats>()

/** The statistics of a file; undefined where there are none. */
export function statsOf(file: AddFile): FileStats | undefined {
  const stats = parsed.get(file) ?? parseStats(file.stats)
  if (stats !== undefined) parsed.set(file, stats)
  return stats
}

/** The bounds of a column in a file. */
export function boundsOf({ minValues, maxValues }: FileStats, { names, type }: BoundedColumn): FileBounds {
  return { min: comparable(type, nested(minValues, names)), max: comparable(type, nested(maxValues, names)) }
}

function nested(values: JsonObject | undefined, names: readonly string[]): JsonValue | undefined {
  return names.reduce<JsonValue | undefined>(
    (outer, name) => (isJsonObject(outer) && Object.hasOwn(outer, name) ? outer[name] : undefined),
    values,
  )
}

/** A greatest value that no value of the file exceeds: Delta cuts timestamps to milliseconds, so it may be too small by almost one. */
export function roundedUp(type: DataType, max: Comparable): Comparable {
  return typeof max === 'number' && (type === 'timestamp' || type === 'timestamp_ntz') ? max + 1 : max
}

/**
 * A value of statistics, or of a predicate, to be compared; undefined where it cannot be. Numbers are doubles on both sides: rounding
 * keeps their order, so at worst a file is read in vain.
 */
export function comparable(type: DataType, value: JsonValue | undefined): Comparable | undefined {
  if (value === undefined || value === null || typeof type !== 'string') return undefined
  if (type === 'timestamp' || type === 'timestamp_ntz')
    return typeof value === 'string' ? milliseconds(value) : undefined
  if (type === 'string' || type === 'date')
    return typeof value === 'string' && isPlainDate(type, value) ? new TextEncoder().encode(value) : undefined
  if (type === 'boolean' || type === 'binary' || type === 'void' || type === 'variant') return undefined
  const digits =
    exactDigits(value) ?? (typeof value === 'object' || typeof value === 'boolean' ? undefined : String(value))
  const number = digits === undefined || digits.trim() === '' ? Number.NaN : Number(digits)
  if (Number.isNaN(number)) return undefined
  // Statistics spell a float with the fewest digits, `0.1`, which as a double is another number than the float in the file.
  return type === 'float' ? Math.fround(number) : number
}

// Dates of other lengths than ten do not sort as text.
function isPlainDate(type: DataType, value: string): boolean {
  return type === 'string' || /^\d{4}-\d\d-\d\d$/.test(value)
}

// Fractions of a millisecond are dropped on both sides: the order stays. A column that was a date once has bounds without a time.
function milliseconds(text: string): number | undefined {
  const [, date, time = '00:00:00', fraction = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text) ?? []
  if (date === undefined) return undefined
  const ms = Date.parse(`${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** Below zero where the left one comes first. */
export function compare(left: Comparable, right: Comparable): number {
  if (typeof left === 'number' || typeof right === 'number') return Number(left) - Number(right)
  return Buffer.compare(left, right)
}
