import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import type { DataType, StructField } from '../protocol/schema.ts'
import {
  exactDigits,
  type FileStats,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseStats,
} from '../protocol/stats.ts'

/** A range of one column, both ends included, open where one is left out; times as ISO text. */
export interface ColumnBounds {
  readonly column: string
  readonly min?: number | bigint | string
  readonly max?: number | bigint | string
}

/** The files that may hold a row within all of the bounds. A file whose statistics do not speak about a column is kept. */
export function filesThatMayHold(snapshot: Snapshot, bounds: readonly ColumnBounds[]): readonly AddFile[] {
  const fields = new Map(snapshot.schema.fields.map((field) => [field.name, field]))
  const known = bounds.flatMap(({ column, ...range }) => {
    const field = fields.get(column)
    return field === undefined ? [] : [{ path: [field], ...range }]
  })
  return filesWithin(snapshot, known)
}

/** As `ColumnBounds`, of a column by the fields that lead to it. */
export interface PathBounds extends Omit<ColumnBounds, 'column'> {
  readonly path: readonly StructField[]
}

/** As `filesThatMayHold`, also for fields of records. */
export function filesWithin(snapshot: Snapshot, bounds: readonly PathBounds[]): readonly AddFile[] {
  const mapping = columnMappingMode(snapshot)
  const tests = bounds.flatMap((bound) => {
    const type = bound.path.at(-1)?.type ?? 'void'
    const [min, max] = [comparable(type, bound.min), comparable(type, bound.max)]
    // A bound that cannot be compared says nothing, and then the other one alone might say too much.
    const isUnclear = (bound.min !== undefined && min === undefined) || (bound.max !== undefined && max === undefined)
    return isUnclear ? [] : [{ names: bound.path.map((field) => physicalName(field, mapping)), type, min, max }]
  })
  if (tests.length === 0) return snapshot.files
  return snapshot.files.filter((file) => {
    const stats = statsOf(file)
    return stats === undefined || tests.every((test) => mayHold(stats, test))
  })
}

// A snapshot that is refreshed keeps its files, so their statistics are parsed once and not at each look.
const parsed = new WeakMap<AddFile, FileStats>()

function statsOf(file: AddFile): FileStats | undefined {
  const stats = parsed.get(file) ?? parseStats(file.stats)
  if (stats !== undefined) parsed.set(file, stats)
  return stats
}

interface BoundTest {
  /** As statistics nest it. */
  readonly names: readonly string[]
  readonly type: DataType
  readonly min: Comparable | undefined
  readonly max: Comparable | undefined
}

type Comparable = number | Uint8Array

function mayHold(stats: FileStats, test: BoundTest): boolean {
  const min = comparable(test.type, nested(stats.minValues, test.names))
  const max = comparable(test.type, nested(stats.maxValues, test.names))
  const isBelow = max !== undefined && test.min !== undefined && compare(roundedUp(test.type, max), test.min) < 0
  const isAbove = min !== undefined && test.max !== undefined && compare(test.max, min) < 0
  return !isBelow && !isAbove
}

function nested(values: JsonObject | undefined, names: readonly string[]): JsonValue | undefined {
  return names.reduce<JsonValue | undefined>(
    (outer, name) => (isJsonObject(outer) && Object.hasOwn(outer, name) ? outer[name] : undefined),
    values,
  )
}

// Delta cuts timestamps to milliseconds, so a greatest value may be too small by almost one.
function roundedUp(type: DataType, max: Comparable): Comparable {
  return typeof max === 'number' && (type === 'timestamp' || type === 'timestamp_ntz') ? max + 1 : max
}

// Numbers are compared as doubles on both sides: rounding keeps their order, so at worst a file is read in vain.
function comparable(type: DataType, value: JsonValue | undefined): Comparable | undefined {
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

function compare(left: Comparable, right: Comparable): number {
  if (typeof left === 'number' || typeof right === 'number') return Number(left) - Number(right)
  return Buffer.compare(left, right)
}
