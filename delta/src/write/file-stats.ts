// Delta statistics from what DuckDB tells about the file it wrote (RETURN_STATS). Wrong bounds make readers skip rows, so whatever is
// in doubt gets none. Found by trying: texts longer than 256 bytes come as true bounds, cut and raised; a column of which one row
// group has no bounds has none; `has_nan` speaks of the last row group only, so NaN is looked for in the file.

import type { Engine } from '../duckdb/engine.ts'
import { quoteFileName, quoteName, quoteText } from '../duckdb/sql.ts'
import type { PrimitiveType, StructField } from '../protocol/schema.ts'
import {
  exactNumber,
  type FileStats,
  type JsonObject,
  type JsonValue,
  truncateMax,
  truncateMin,
} from '../protocol/stats.ts'
import type { Leaf } from './indexed-leaves.ts'

export interface WrittenColumns {
  readonly count: number
  /** By DuckDB's spelling of the path, `"a"."b"`: text by the name of the statistic. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly extra: ReadonlyMap<string, ExtraCounts> | undefined
}

export interface ExtraCounts {
  /** Of an array or a map. */
  readonly nullCount?: number
  readonly hasNan: boolean
}

type ColumnCounts = readonly [string, ExtraCounts]

/** The statistics of one file: bounds and null counts of these columns, nested like the schema. */
export function collectStats(leaves: readonly Leaf[], written: WrittenColumns): FileStats {
  const found = leaves.map((leaf) => ({ path: leaf.path, ...leafStats(leaf, written) }))
  return {
    numRecords: written.count,
    minValues: nest(found.map(({ path, min }) => [path, min])),
    maxValues: nest(found.map(({ path, max }) => [path, max])),
    nullCount: nest(found.map(({ path, nullCount }) => [path, nullCount])),
  }
}

/**
 * What DuckDB does not tell, by column path, one map a file: whether floats hold NaN, unless it is known that they do not, and how many arrays and
 * maps are NULL.
 */
export async function readExtraCounts(
  engine: Engine,
  names: readonly string[],
  { columns, hasNoNan }: { readonly columns: readonly Leaf[]; readonly hasNoNan: boolean },
): Promise<readonly ReadonlyMap<string, ExtraCounts>[]> {
  const floats = columns.filter(({ type }) => isFloat(type))
  const known = hasNoNan ? floats.map(({ path }): ColumnCounts => [columnName(path), { hasNan: false }]) : []
  const leaves = [...(hasNoNan ? [] : floats), ...columns.filter(({ type }) => typeof type !== 'string')]
  if (names.length === 0 || leaves.length === 0) return names.map(() => new Map(known))
  const items = leaves.map(({ path, type }, index) => {
    const [first = '', ...rest] = path
    const value = rest.reduce((outer, name) => `struct_extract(${outer}, ${quoteText(name)})`, `t.${quoteName(first)}`)
    return `${typeof type === 'string' ? `bool_or(isnan(${value}))` : `count(*) - count(${value})`} AS s${index}`
  })
  const counts: ReadonlyMap<string, ExtraCounts>[] = []
  for (const name of names) {
    const [row] = await engine.all(
      `SELECT ${items.join(', ')} FROM read_parquet(${quoteFileName(name)}, hive_partitioning = false) t`,
    )
    counts.push(
      new Map([
        ...known,
        ...leaves.map(({ path, type }, index): ColumnCounts => {
          const found = row?.[`s${index}`]
          // NULL: no value that could be NaN.
          const isFree = found === false || found === null
          const counts = typeof type === 'string' ? { hasNan: !isFree } : { nullCount: Number(found), hasNan: false }
          return [columnName(path), counts]
        }),
      ]),
    )
  }
  return counts
}

interface LeafStats {
  readonly min?: JsonValue | undefined
  readonly max?: JsonValue | undefined
  readonly nullCount?: number | undefined
}

function leafStats({ path, type }: Leaf, written: WrittenColumns): LeafStats {
  const name = columnName(path)
  const extra = written.extra?.get(name)
  if (typeof type !== 'string') return { nullCount: extra?.nullCount }
  if (type === 'void') return { nullCount: written.count }
  const stats = written.columns.get(name)
  const nulls = stats?.get('null_count')
  const nullCount = nulls === undefined ? undefined : Number(nulls)
  const [min, max] = [stats?.get('min'), stats?.get('max')]
  if (min === undefined || max === undefined || (isFloat(type) && extra?.hasNan !== false)) return { nullCount }
  return { min: boundValue(type, min, 'min'), max: boundValue(type, max, 'max'), nullCount }
}

function boundValue(type: PrimitiveType, text: string, end: 'min' | 'max'): JsonValue | undefined {
  switch (type) {
    case 'string':
      return end === 'min' ? truncateMin(text) : truncateMax(text)
    case 'date':
      return /^\d{4}-\d\d-\d\d$/.test(text) ? text : undefined
    case 'timestamp':
    case 'timestamp_ntz':
      return timestampBound(type, text)
    case 'boolean':
    case 'binary':
    case 'void':
    case 'variant':
      return undefined
    case 'float':
    case 'double':
      return Number.isFinite(Number(text)) ? Number(text) : undefined
    default:
      return /^-?\d+(\.\d+)?$/.test(text) ? exactNumber(text) : undefined
  }
}

// As Spark writes them: cut to milliseconds. A reader adds one to a greatest value.
function timestampBound(type: 'timestamp' | 'timestamp_ntz', text: string): string | undefined {
  const [, date, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?$/.exec(text) ?? []
  if (date === undefined) return undefined
  return `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${type === 'timestamp' ? 'Z' : ''}`
}

function columnName(path: readonly string[]): string {
  return path.map(quoteName).join('.')
}

function isFloat(type: StructField['type']): boolean {
  return type === 'float' || type === 'double'
}

// Object.fromEntries makes own properties, also of `__proto__`.
function nest(values: readonly (readonly [readonly string[], JsonValue | undefined])[]): JsonObject {
  const present = values.flatMap(([path, value]) => (value === undefined ? [] : [{ path, value }]))
  const groups = Map.groupBy(present, ({ path }) => path[0] ?? '')
  return Object.fromEntries(
    [...groups].map(([name, members]) => {
      const [first] = members
      if (first !== undefined && first.path.length === 1) return [name, first.value]
      return [name, nest(members.map(({ path, value }) => [path.slice(1), value]))]
    }),
  )
}
