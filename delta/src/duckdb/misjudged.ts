// DuckDB 1.5.5 leaves out row groups that hold what it looks for (decision 26): in a bloom filter it looks for the escaped text of bytes,
// and for 0.0 where -0.0 stands; and it takes NaN for the greatest number, which the bounds in a file leave out.

import { usesType } from '../protocol/parse-schema.ts'
import type { StructField } from '../protocol/schema.ts'

/** Options of COPY for a Parquet file: no bloom filters where a column has values, however deep, by which DuckDB would misread them. */
export function bloomFilterOptions(fields: readonly Pick<StructField, 'type'>[]): readonly string[] {
  const isMisread = fields.some(({ type }) => MISREAD.some((misread) => usesType(type, misread)))
  return isMisread ? ['WRITE_BLOOM_FILTER false'] : []
}

const MISREAD = ['binary', 'float', 'double'] as const

/**
 * SQL of the same value, bit by bit, which no row group of a Parquet file is left out for: `least` of one value is a value of its own, and not
 * the column. Values of other types, by DuckDB's name, stay what they are.
 */
export function unskippedSql(value: string, duckdbType: string): string {
  return ['BLOB', 'FLOAT', 'DOUBLE'].includes(duckdbType) ? `least(${value})` : value
}
