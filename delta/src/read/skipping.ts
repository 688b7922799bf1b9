import type { Snapshot } from '../log/snapshot.ts'
import type { AddFile } from '../protocol/actions.ts'
import { columnMappingMode, physicalName } from '../protocol/column-mapping.ts'
import type { StructField } from '../protocol/schema.ts'
import type { FileStats } from '../protocol/stats.ts'
import {
  type BoundedColumn,
  boundsOf,
  type Comparable,
  comparable,
  compare,
  roundedUp,
  statsOf,
} from './file-bounds.ts'

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

interface BoundTest extends BoundedColumn {
  readonly min: Comparable | undefined
  readonly max: Comparable | undefined
}

function mayHold(stats: FileStats, test: BoundTest): boolean {
  const { min, max } = boundsOf(stats, test)
  const isBelow = max !== undefined && test.min !== undefined && compare(roundedUp(test.type, max), test.min) < 0
  const isAbove = min !== undefined && test.max !== undefined && compare(test.max, min) < 0
  return !isBelow && !isAbove
}
