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

/** The tags of a file whose rows lie in an order. */
export function orderTags(order: RowOrder): NonNullable<AddFile['tags']> {
  return { [TAG]: tagText(order) }
}

// Physical names: they stay when a column gets another name.
function tagText({ columns }: RowOrder): string {
  return JSON.stringify(columns.map(({ physicalPath }) => formatColumnPath(physicalPath)))
}

/** Where files lie in an order, by the bounds of its first column. */
export interface OrderOfFiles {
  /** Below zero where the left file begins first. One whose bounds nobody knows comes before all others. */
  readonly compare: (left: AddFile, right: AddFile) => number
  /** Whether a file may begin before another one ends. */
  readonly overlap: (ending: AddFile, beginning: AddFile) => boolean
}

/** How the files of a table lie in an order. */
export function orderOfFiles({ columns: [first] }: RowOrder): OrderOfFiles {
  const boundsIn = (file: AddFile): FileBounds => {
    const stats = statsOf(file)
    if (stats === undefined || first === undefined) return { min: undefined, max: undefined }
    return boundsOf(stats, { names: first.physicalPath, type: first.type })
  }
  return {
    compare: (left, right) => {
      const [from, to] = [boundsIn(left).min, boundsIn(right).min]
      if (from === undefined || to === undefined) return Number(to === undefined) - Number(from === undefined)
      return compare(from, to)
    },
    overlap: (ending, beginning) => {
      const [{ max }, { min }] = [boundsIn(ending), boundsIn(beginning)]
      return max === undefined || min === undefined || compare(roundedUp(first?.type ?? 'void', max), min) > 0
    },
  }
}
