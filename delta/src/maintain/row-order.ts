// The order in which the rows of a data file lie. Rows that are near each other in it have narrow bounds together, in a file's statistics
// and in those of its row groups, so readers pass over what they do not ask for. A file notes its order in its `tags`, where
// PROTOCOL.md, "Add File", lets a writer note what it likes: a file without that note lies as its writer wanted.

import { TributaryError } from '../errors.ts'
import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import { formatColumnPath } from '../protocol/column-path.ts'
import { boundsOf, compare, type FileBounds, roundedUp, statsOf } from '../read/file-bounds.ts'
import { type ClusterColumn, domainColumns, type RowOrder } from './cluster-key.ts'

const TAG = 'tributary.sortedBy'

/**
 * The order that a table's files should have: that of the columns by which it says it is clustered, else of its key. Undefined where
 * nothing is left to sort by: all columns of the key are partitions, or the table names a column for its clustering that has no order.
 */
export function rowOrderOf(snapshot: Snapshot, key: readonly string[]): RowOrder | undefined {
  const clustered = tableColumns(snapshot)
  if (clustered === undefined) return undefined
  if (clustered.length > 0) return { columns: clustered, curve: 'z' }
  const { schema, metadata } = snapshot
  const mode = columnMappingMode(snapshot)
  const columns = key
    .filter((name) => !metadata.partitionColumns.includes(name))
    .flatMap((name) => schema.fields.filter((field) => field.name === name))
    .map((field) => ({ path: [field.name], physicalPath: [physicalName(field, mode)], type: field.type }))
  return columns.length === 0 ? undefined : { columns, curve: 'lexical' }
}

// Another program may cluster by what our OPTIMIZE refuses.
function tableColumns(snapshot: Snapshot): readonly ClusterColumn[] | undefined {
  try {
    return domainColumns(snapshot)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'CLUSTER_COLUMN_INVALID') return undefined
    throw error
  }
}

/** The columns of an order, `a.b` for a field of a record. */
export function orderColumns({ columns }: RowOrder): readonly string[] {
  return columns.map(({ path }) => formatColumnPath(path))
}

/** Whether a file says that its rows lie in an order. */
export function isInOrder({ tags }: Pick<AddFile, 'tags'>, order: RowOrder): boolean {
  return tags?.[TAG] === tagText(order)
}

/** Whether somebody laid the rows of a file out in another order: an OPTIMIZE of ours, or of Spark by Z-order or clustering. */
export function isInOtherOrder(file: Pick<AddFile, 'tags' | 'clusteringProvider'>, order: RowOrder): boolean {
  if (isInOrder(file, order)) return false
  const names = Object.keys(file.tags ?? {})
  return file.clusteringProvider !== undefined || names.some((name) => name === TAG || name.startsWith('ZCUBE_'))
}

/** The tags of a file whose rows lie in an order. */
export function orderTags(order: RowOrder): NonNullable<AddFile['tags']> {
  return { [TAG]: tagText(order) }
}

// Physical names: they stay when a column gets another name. One column has one order only.
function tagText({ columns, curve }: RowOrder): string {
  const names = JSON.stringify(columns.map(({ physicalPath }) => formatColumnPath(physicalPath)))
  return curve === 'z' && columns.length > 1 ? `z${names}` : names
}

/** Where files lie in an order, by the bounds of its first column. */
export interface OrderOfFiles {
  /** Below zero where the left file begins first. One whose bounds nobody knows comes before all others. */
  readonly compare: (left: AddFile, right: AddFile) => number
  /** Whether a file may begin before another one ends. */
  readonly overlap: (ending: AddFile, beginning: AddFile) => boolean
}

/** How the files of a table lie in an order. */
export function orderOfFiles({ columns }: RowOrder): OrderOfFiles {
  const boundsIn = (file: AddFile, { physicalPath, type }: ClusterColumn): FileBounds => {
    const stats = statsOf(file)
    return stats === undefined ? { min: undefined, max: undefined } : boundsOf(stats, { names: physicalPath, type })
  }
  const compareFrom = (left: AddFile, right: AddFile, column: ClusterColumn): number => {
    const [from, to] = [boundsIn(left, column).min, boundsIn(right, column).min]
    if (from === undefined || to === undefined) return Number(to === undefined) - Number(from === undefined)
    return compare(from, to)
  }
  return {
    compare: (left, right) =>
      columns.reduce((order, column) => (order === 0 ? compareFrom(left, right, column) : order), 0),
    overlap: (ending, beginning) => {
      for (const [at, column] of columns.entries()) {
        const [end, begin] = [boundsIn(ending, column), boundsIn(beginning, column)]
        const from = begin.min
        if (end.max === undefined || from === undefined) return true
        const gap = compare(roundedUp(column.type, end.max), from)
        if (gap !== 0) return gap > 0
        // One ends with this value and the other begins with it. Where they have no other, the next column decides; of a key no two rows
        // are equal in all.
        const isConstant = [end.min, begin.max].every((value) => value !== undefined && compare(value, from) === 0)
        if (!isConstant && at < columns.length - 1) return true
      }
      return false
    },
  }
}
