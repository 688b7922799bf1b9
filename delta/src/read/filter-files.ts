import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { parsePartitionValue } from '../protocol/partition-values.ts'
import type { StructField } from '../protocol/schema.ts'
import { columnPath, type Filter, type FilterValue } from './filter.ts'
import { filesWithin, type PathBounds } from './skipping.ts'

/** The files that may hold a row of a filter, by partition values and statistics; in doubt a file is kept. */
export function filterFiles(snapshot: Snapshot, filter: Filter): readonly AddFile[] {
  const kept = filesOf(snapshot, withoutNot(filter, false))
  return kept === 'all' ? snapshot.files : snapshot.files.filter((file) => kept.has(file))
}

type Files = ReadonlySet<AddFile> | 'all'
type Leaf = Exclude<Filter, { readonly kind: 'and' | 'or' | 'not' }>

/** A filter whose negations stand at its leaves; `kept` leaves say nothing about files. */
type Plain =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Plain[] }
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'kept' }

const NEGATED = { '=': '!=', '!=': '=', '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const

function withoutNot(filter: Filter, isNegated: boolean): Plain {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const isAnd = (filter.kind === 'and') !== isNegated
      return { kind: isAnd ? 'and' : 'or', of: filter.of.map((part) => withoutNot(part, isNegated)) }
    }
    case 'not':
      return withoutNot(filter.of, !isNegated)
    case 'in':
    case 'isNull':
      return isNegated ? { kind: 'kept' } : { kind: 'leaf', leaf: filter }
    default:
      return { kind: 'leaf', leaf: isNegated ? { ...filter, kind: NEGATED[filter.kind] } : filter }
  }
}

function filesOf(snapshot: Snapshot, filter: Plain): Files {
  switch (filter.kind) {
    case 'kept':
      return 'all'
    case 'leaf':
      return filesOfLeaf(snapshot, filter.leaf)
    case 'and':
      return filter.of.map((part) => filesOf(snapshot, part)).reduce<Files>(intersect, 'all')
    case 'or': {
      const parts = filter.of.map((part) => filesOf(snapshot, part))
      return parts.includes('all') ? 'all' : new Set(parts.flatMap((files) => (files === 'all' ? [] : [...files])))
    }
  }
}

function intersect(left: Files, right: Files): Files {
  if (left === 'all') return right
  return right === 'all' ? left : new Set([...left].filter((file) => right.has(file)))
}

function filesOfLeaf(snapshot: Snapshot, leaf: Leaf): Files {
  const path = columnPath(leaf.column, snapshot.schema)
  const [column] = path
  if (snapshot.metadata.partitionColumns.includes(column.name)) return filesOfPartition(snapshot, column, leaf)
  switch (leaf.kind) {
    case 'in':
      return new Set(leaf.values.flatMap((value) => withinBounds(snapshot, path, { kind: '=', value })))
    case '!=':
    case 'isNull':
      return 'all'
    case '>':
    case '>=':
      // NaN is greater than every number, and writers leave it out of the greatest value.
      if (['float', 'double'].some((type) => path.at(-1)?.type === type)) return 'all'
      return new Set(withinBounds(snapshot, path, leaf))
    default:
      return new Set(withinBounds(snapshot, path, leaf))
  }
}

function withinBounds(
  snapshot: Snapshot,
  path: readonly StructField[],
  { kind, value }: Pick<Extract<Leaf, { readonly value: FilterValue }>, 'kind' | 'value'>,
): readonly AddFile[] {
  if (typeof value === 'boolean' || kind === '!=') return snapshot.files
  const bounds: PathBounds = {
    path,
    ...(kind === '<' || kind === '<=' ? {} : { min: value }),
    ...(kind === '>' || kind === '>=' ? {} : { max: value }),
  }
  return filesWithin(snapshot, [bounds])
}

// Only what is surely another value is left out: equal values may have different texts.
function filesOfPartition(snapshot: Snapshot, field: StructField, leaf: Leaf): Files {
  const name = physicalName(field, columnMappingMode(snapshot))
  const wanted = leaf.kind === '=' ? [leaf.value] : leaf.kind === 'in' ? leaf.values : undefined
  const isKept = (file: AddFile): boolean => {
    const value = parsePartitionValue(field.type, file.partitionValues[name])
    if (leaf.kind === 'isNull') return value === null
    if (value === null) return false
    return wanted === undefined || wanted.some((other) => !isSurelyOther(field, value, other))
  }
  return new Set(snapshot.files.filter(isKept))
}

// A filter casts what it compares with: `t` is true, and `2026-1-5` a date. Only the forms that partition values have tell values apart.
function isSurelyOther({ type }: StructField, value: unknown, wanted: FilterValue): boolean {
  const text = String(wanted)
  switch (type) {
    case 'string':
      return String(value) !== text
    case 'date':
      return /^\d{4}-\d\d-\d\d$/.test(text) && String(value) !== text
    case 'boolean':
      return /^(?:true|false)$/.test(text) && String(value) !== text
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return /^-?\d+$/.test(text) && BigInt(String(value)) !== BigInt(text)
    default:
      return false
  }
}
