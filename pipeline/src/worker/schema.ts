import type { DataType, StructField, StructType } from '@tributary/delta'
import { typeNarrowed } from '../errors.ts'
import type { TableState } from '../ledger/table-state.ts'
import type { TableRun } from './run.ts'

/** A column as a file or the configuration has it. */
export interface TypedColumn {
  readonly name: string
  readonly type: DataType
}

/** The table's schema while a batch is read: it grows by the columns that files bring (design §3.2). */
export interface EvolvingSchema {
  /** The same object until a column is added. */
  readonly current: () => StructType
  /** Adds the columns that are new; a known column keeps its type. */
  readonly addColumns: (columns: readonly TypedColumn[]) => void
  /** Remembers the source's columns in file order, for later files without a header. */
  readonly pinSource: (columns: readonly string[]) => void
  readonly source: () => readonly string[]
  /** Number of fields of the headerless files of a kind so far. */
  readonly width: (kind: 'load' | 'cdc') => number | undefined
  readonly pinWidth: (kind: 'load' | 'cdc', fields: number) => void
  /** Whether a column's absence is to be warned of: once in a table's life. */
  readonly warnMissing: (column: string) => boolean
  /** What of it goes into the table's state. */
  readonly state: () => Partial<TableState>
}

/** Starts from the table as it is, or from a wider schema that it is about to have. */
export function evolvingSchema({ session }: TableRun, start?: StructType): EvolvingSchema {
  let schema: StructType = start ?? session.snapshot?.schema ?? { type: 'struct', fields: [] }
  let source = session.state?.sourceColumns ?? []
  let widths = session.state?.widths ?? {}
  const missing = new Set(session.state?.missingWarned ?? [])
  return {
    current: () => schema,
    addColumns: (columns) => {
      const known = new Set(schema.fields.map((field) => field.name.toLowerCase()))
      const added = columns.filter(({ name }) => !known.has(name.toLowerCase())).map(fieldOf)
      if (added.length > 0) schema = { type: 'struct', fields: [...schema.fields, ...added] }
    },
    pinSource: (columns) => {
      source = columns
    },
    source: () => source,
    width: (kind) => widths[kind],
    pinWidth: (kind, fields) => {
      widths = { ...widths, [kind]: fields }
    },
    warnMissing: (column) => {
      if (missing.has(column)) return false
      missing.add(column)
      return true
    },
    state: () => ({ sourceColumns: source, widths, missingWarned: [...missing] }),
  }
}

// Every column may be NULL: a delete may carry the key alone, and a dropped column stays.
function fieldOf({ name, type }: TypedColumn): StructField {
  return { name, type, nullable: true, metadata: {} }
}

/**
 * The schema with the columns that have to become wider, or undefined when all fit. A value of a narrower type needs no
 * change. Throws `TYPE_NOT_WIDENED` when neither type holds the other.
 */
export function widenedSchema(
  table: string,
  schema: StructType,
  columns: readonly TypedColumn[],
): StructType | undefined {
  const wanted = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]))
  let isWider = false
  const fields = schema.fields.map((field) => {
    const type = wanted.get(field.name.toLowerCase())
    if (type === undefined || sameType(type, field.type) || isSafeWidening(type, field.type)) return field
    if (!isSafeWidening(field.type, type)) {
      throw typeNarrowed(table, field.name, { from: nameOf(field.type), to: nameOf(type) })
    }
    isWider = true
    return { ...field, type }
  })
  return isWider ? { type: 'struct', fields } : undefined
}

const INTEGERS: readonly DataType[] = ['byte', 'short', 'integer', 'long']
const INTEGER_DIGITS = [3, 5, 10, 20]

/** Whether each value of `from` is a value of `to` (delta-protocol.md §5, type widening). */
function isSafeWidening(from: DataType, to: DataType): boolean {
  const [small, large] = [INTEGERS.indexOf(from), INTEGERS.indexOf(to)]
  if (small >= 0 && large >= 0) return small < large
  if (from === 'float' && to === 'double') return true
  if (small >= 0 && small < 3 && to === 'double') return true
  const target = decimalOf(to)
  if (target === undefined) return false
  if (small >= 0) return target.precision - target.scale >= (INTEGER_DIGITS[small] ?? 20)
  const source = decimalOf(from)
  return (
    source !== undefined &&
    target.scale >= source.scale &&
    target.precision - target.scale >= source.precision - source.scale
  )
}

function decimalOf(type: DataType): { readonly precision: number; readonly scale: number } | undefined {
  const match = typeof type === 'string' ? /^decimal\((\d+),(\d+)\)$/.exec(type) : null
  return match === null ? undefined : { precision: Number(match[1]), scale: Number(match[2]) }
}

function sameType(left: DataType, right: DataType): boolean {
  return nameOf(left) === nameOf(right)
}

function nameOf(type: DataType): string {
  return typeof type === 'string' ? type : JSON.stringify(type)
}
