import type { Engine } from '../duckdb/engine.ts'
import { duckdbType, quoteName, quoteText } from '../duckdb/sql.ts'
import { usesType } from '../protocol/parse-schema.ts'
import type { StructField } from '../protocol/schema.ts'
import type { FileShape } from './file-shapes.ts'

/** How the wanted columns come out of files of one shape. */
export interface ColumnPlan {
  /** SQL over the alias `r`, one a field. */
  readonly expressions: readonly string[]
  /** Further options of `read_parquet`. */
  readonly options: string
}

/** Plan the columns of files of one shape: names match without case, a missing column is NULL, other types are cast. */
export async function planColumns(
  engine: Engine,
  shape: FileShape,
  fields: readonly StructField[],
): Promise<ColumnPlan> {
  const names = columnNames(shape)
  // DuckDB's own columns of this name would be hidden by the file's.
  if (['file_index', 'file_row_number'].some((name) => names.has(name))) return mappedPlan(fields)
  const types = await engineTypes(engine, fields)
  const expressions: string[] = []
  for (const [index, field] of fields.entries()) {
    const name = shape.columns.has(field.name) ? field.name : names.get(field.name.toLowerCase())
    const found = name === undefined ? undefined : shape.columns.get(name)
    if (found !== undefined && found !== types[index] && typeof field.type !== 'string') return mappedPlan(fields)
    expressions.push(expressionOf(field, { name, found, wanted: types[index] }))
  }
  return { expressions, options: '' }
}

function columnNames(shape: FileShape): ReadonlyMap<string, string> {
  return new Map([...shape.columns.keys()].map((name) => [name.toLowerCase(), name]))
}

interface Found {
  readonly name: string | undefined
  readonly found: string | undefined
  readonly wanted: string | undefined
}

function expressionOf(field: StructField, { name, found, wanted }: Found): string {
  const type = duckdbType(field.type)
  if (name === undefined) return `CAST(NULL AS ${type})`
  const column = `r.${quoteName(name)}`
  if (found === wanted) return column
  // Old writers did not mark texts as such: a cast would spell the bytes past ASCII as \\xC3.
  if (found === 'BLOB' && field.type === 'string') return `decode(${column})`
  if (found === 'VARCHAR' && field.type === 'binary') return `encode(${column})`
  return `CAST(${column} AS ${type})`
}

// A slower scan, in which DuckDB maps nested fields by name and knows the columns by names of ours.
function mappedPlan(fields: readonly StructField[]): ColumnPlan {
  const entries = fields.map(
    (field, index) =>
      `${quoteText(field.name)}: {name: 'c${index}', type: ${quoteText(duckdbType(field.type))}, default_value: NULL}`,
  )
  // A map without entries is refused; a column that no file has does no harm.
  const map =
    entries.length > 0 ? entries.join(', ') : `'tributary none': {name: 'none', type: 'INTEGER', default_value: NULL}`
  const isTextOnly = !fields.some((field) => usesType(field.type, 'binary'))
  return {
    expressions: fields.map((_, index) => `r.c${index}`),
    options: `, schema = MAP {${map}}${isTextOnly ? ', binary_as_string = true' : ''}`,
  }
}

const spelled = new WeakMap<object, Map<string, string>>()

// DESCRIBE spells types in DuckDB's own way, so ours are spelled by DuckDB too.
async function engineTypes(engine: Engine, fields: readonly StructField[]): Promise<readonly (string | undefined)[]> {
  const spellings = spelled.get(engine.database) ?? new Map<string, string>()
  spelled.set(engine.database, spellings)
  const types = fields.map((field) => duckdbType(field.type))
  const fresh = [...new Set(types)].filter((type) => !spellings.has(type))
  if (fresh.length > 0) {
    const [row] = await engine.all(
      `SELECT [${fresh.map((type) => `typeof(CAST(NULL AS ${type}))`).join(', ')}] AS types`,
    )
    const found = row?.['types']
    for (const [index, type] of fresh.entries()) spellings.set(type, Array.isArray(found) ? String(found[index]) : type)
  }
  return types.map((type) => spellings.get(type))
}
