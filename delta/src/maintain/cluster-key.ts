// The order in which rows are written. One column: its own order. More, in a Z-order over the columns' quantiles: rows near each other in
// all columns come near each other in the files, and each file has narrow bounds in each column.

import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import type { EngineValue } from '../duckdb/values.ts'
import { clusterColumnInvalid } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { CLUSTERING_DOMAIN, parseClusteringColumns } from '../protocol/clustering.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { formatColumnPath, parseColumnPath } from '../protocol/column-path.ts'
import type { DataType, StructField, StructType } from '../protocol/schema.ts'

/** A column to cluster by; nested ones by the names on the way to them. */
export interface ClusterColumn {
  readonly path: readonly string[]
  /** The same in data files and statistics. */
  readonly physicalPath: readonly string[]
  readonly type: DataType
}

/** By what rows are sorted. */
export interface RowOrder {
  readonly columns: readonly ClusterColumn[]
  /** `z`: all columns weigh the same; `lexical`: the second decides where the first is equal, and so on. */
  readonly curve: 'lexical' | 'z'
}

/** The columns that were named as paths (`column-path.ts`), found in the schema without regard to case. Throws `CLUSTER_COLUMN_INVALID`. */
export function namedColumns(snapshot: Snapshot, names: readonly string[]): readonly ClusterColumn[] {
  return names.map((name) => {
    const path = parseColumnPath(name)
    if (path === undefined) throw clusterColumnInvalid(name, 'it leads to no column')
    return findColumn(snapshot, path, (field) => field.name)
  })
}

/** The columns by which a table says it is clustered; none for any other table. Throws `CLUSTER_COLUMN_INVALID`. */
export function domainColumns(snapshot: Snapshot): readonly ClusterColumn[] {
  const text = snapshot.domains.get(CLUSTERING_DOMAIN)
  if (text === undefined) return []
  const mode = columnMappingMode(snapshot)
  return parseClusteringColumns(text).map((path) => findColumn(snapshot, path, (field) => physicalName(field, mode)))
}

function findColumn(
  { schema, metadata, protocol }: Snapshot,
  path: readonly string[],
  nameOf: (field: StructField) => string,
): ClusterColumn {
  const shown = formatColumnPath(path)
  const mode = columnMappingMode({ protocol, metadata })
  let type: DataType = schema
  const found: string[] = []
  const physicalPath: string[] = []
  for (const name of path) {
    const fields: StructType['fields'] = typeof type !== 'string' && type.type === 'struct' ? type.fields : []
    const field = fields.find((candidate) => nameOf(candidate).toLowerCase() === name.toLowerCase())
    if (field === undefined) throw clusterColumnInvalid(shown, 'the table has no such column')
    found.push(field.name)
    physicalPath.push(physicalName(field, mode))
    type = field.type
  }
  if (metadata.partitionColumns.includes(found[0] ?? ''))
    throw clusterColumnInvalid(shown, 'the table is partitioned by it')
  if (typeof type !== 'string' || ['void', 'variant', 'binary', 'boolean'].includes(type))
    throw clusterColumnInvalid(shown, 'statistics have no bounds for its type')
  return { path: found, physicalPath, type }
}

/** SQL of the sort key over rows that are called `r`; reads a sample of them for a Z-order over more than one column. */
export async function clusterKeySql(
  engine: Engine,
  rows: string,
  { columns, curve }: RowOrder,
): Promise<readonly string[]> {
  const values = columns.map(({ path: [first = '', ...rest] }) =>
    rest.reduce((outer, name) => `struct_extract(${outer}, ${quoteText(name)})`, `r.${quoteName(first)}`),
  )
  if (columns.length <= 1 || curve === 'lexical') return values
  const bits = Math.min(BITS_MAX, Math.floor(KEY_BITS / columns.length))
  const quantiles = Array.from({ length: 2 ** bits - 1 }, (_, index) => (index + 1) / 2 ** bits)
  const items = values.map(
    (value, index) =>
      `list_transform(quantile_disc(${value}, [${quantiles.join(', ')}]), v -> CAST(v AS VARCHAR)) AS q${index}`,
  )
  const [sample] = await engine.all(
    `SELECT ${items.join(', ')} FROM (SELECT * FROM (${rows}) USING SAMPLE reservoir(${SAMPLE_ROWS} ROWS) REPEATABLE (1)) r`,
  )
  const buckets = values.map((value, index) =>
    bucketSql(value, duckdbType(columns[index]?.type ?? 'string'), texts(sample?.[`q${index}`])),
  )
  return [interleaved(buckets, bits), ...values]
}

const BITS_MAX = 8
const KEY_BITS = 48
const SAMPLE_ROWS = 50_000

function texts(value: EngineValue | undefined): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.map(String))] : []
}

/** The number of bounds at or below a value, found by halving; NULL comes first. */
function bucketSql(value: string, type: string, bounds: readonly string[]): string {
  const halve = (low: number, high: number): string => {
    if (low === high) return String(low)
    const middle = (low + high) >>> 1
    const bound = `CAST(${quoteText(bounds[middle] ?? '')} AS ${type})`
    return `CASE WHEN ${value} >= ${bound} THEN ${halve(middle + 1, high)} ELSE ${halve(low, middle)} END`
  }
  return `(${halve(0, bounds.length)})::BIGINT`
}

// Bit by bit from the top, a bit of each column in turn.
function interleaved(buckets: readonly string[], bits: number): string {
  const names = buckets.map((_, column) => `b${column}`)
  const parts = Array.from({ length: bits }, (_, index) => bits - 1 - index).flatMap((bit) =>
    names.map((name, column) => `(((b.${name} >> ${bit}) & 1) << ${bit * names.length + (names.length - 1 - column)})`),
  )
  return `(SELECT ${parts.join(' | ')} FROM (SELECT ${buckets.map((sql, column) => `${sql} AS ${names[column]}`).join(', ')}) b)`
}
