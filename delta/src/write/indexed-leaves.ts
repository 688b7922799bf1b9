// Which leaf columns of a file get statistics. PROTOCOL.md, "Per-file Statistics", leaves the choice to writers.

import { type ColumnMappingMode, physicalSchema } from '../protocol/column-mapping.ts'
import { findPath } from '../protocol/column-path.ts'
import type { StructField, StructType } from '../protocol/schema.ts'
import type { IndexedColumns } from './file-settings.ts'

/** A column that is no record, by the names on the way to it. */
export interface Leaf {
  readonly path: readonly string[]
  readonly type: StructField['type']
}

/** The leaves of the columns that get statistics, by the names that files have. Columns that are named and not there are passed over. */
export function indexedLeaves(
  fields: readonly StructField[],
  indexed: IndexedColumns,
  mode: ColumnMappingMode,
): readonly Leaf[] {
  const leaves = leavesOf(physicalFields(fields, mode))
  if (indexed.kind === 'first') return leaves.slice(0, indexed.count < 0 ? undefined : indexed.count)
  const schema: StructType = { type: 'struct', fields }
  const wanted = indexed.paths.flatMap((path) => {
    const found = findPath(schema, path)
    return found === undefined ? [] : [physicalFields(found, mode).map(({ name }) => name)]
  })
  return leaves.filter(({ path }) => wanted.some((names) => names.every((name, depth) => name === path[depth])))
}

/** The columns in a list of fields that are no records, depth first. */
export function leavesOf(fields: readonly StructField[], path: readonly string[] = []): readonly Leaf[] {
  return fields.flatMap((field) => {
    const own = [...path, field.name]
    return typeof field.type !== 'string' && field.type.type === 'struct'
      ? leavesOf(field.type.fields, own)
      : [{ path: own, type: field.type }]
  })
}

function physicalFields(fields: readonly StructField[], mode: ColumnMappingMode): readonly StructField[] {
  return physicalSchema({ type: 'struct', fields }, mode).fields
}
