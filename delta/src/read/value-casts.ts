// Which types of a file stand for which type of a table. A cast that could change a value is not among them: DuckDB checks the range
// of whole numbers, and decimals only gain digits. PROTOCOL.md, "Type Widening": old files are read as the new type.

import { duckdbType } from '../duckdb/sql.ts'
import type { PrimitiveType } from '../protocol/schema.ts'
import type { FileType } from './file-types.ts'

/** SQL for a value of a primitive type, the source itself where it is that already; undefined when the file's type cannot be read as it. */
export function castSql(source: string, wanted: PrimitiveType, found: FileType): string | undefined {
  if (wanted === 'variant') return variantSql(source, found)
  if (wanted === 'void') return 'NULL::INTEGER'
  if (found.kind !== 'plain') return undefined
  const type = duckdbType(wanted)
  if (found.name === type) return source
  // Old writers did not mark texts as such: a cast would spell the bytes past ASCII as \\xC3.
  if (found.name === 'BLOB' && wanted === 'string') return `decode(${source})`
  if (found.name === 'VARCHAR' && wanted === 'binary') return `encode(${source})`
  return mayCast(wanted, found.name) ? `CAST(${source} AS ${type})` : undefined
}

const INTEGERS: readonly string[] = [
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
]

function mayCast(wanted: PrimitiveType, found: string): boolean {
  if (wanted.startsWith('decimal(')) return INTEGERS.includes(found) || isNarrowerDecimal(found, wanted)
  const isInteger = INTEGERS.includes(found)
  switch (wanted) {
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return isInteger
    case 'double':
      return found === 'FLOAT' || isInteger
    case 'float':
      return found === 'TINYINT' || found === 'SMALLINT'
    case 'string':
      return found === 'JSON' || found === 'UUID' || found.startsWith('ENUM')
    case 'timestamp':
      return found.startsWith('TIMESTAMP')
    case 'timestamp_ntz':
      return found.startsWith('TIMESTAMP') || found === 'DATE'
    default:
      return false
  }
}

function isNarrowerDecimal(found: string, wanted: string): boolean {
  const digits = (text: string): readonly number[] => [...text.matchAll(/\d+/g)].map(Number)
  if (!found.startsWith('DECIMAL(')) return false
  const [[precision = 0, scale = 0], [precisionMax = 0, scaleMax = 0]] = [digits(found), digits(wanted)]
  return scale <= scaleMax && precision - scale <= precisionMax - scaleMax
}

// Files of the first years do not mark a variant as such: it is a struct of two texts of bytes.
function variantSql(source: string, found: FileType): string | undefined {
  if (found.kind === 'plain') return found.name === 'VARIANT' ? source : undefined
  if (found.kind !== 'struct' || found.fields.length !== 2) return undefined
  const names = new Set(found.fields.map(({ name }) => name))
  return names.has('metadata') && names.has('value')
    ? `variant_bytes_to_variant(struct_extract(${source}, 'metadata') || struct_extract(${source}, 'value'))`
    : undefined
}
