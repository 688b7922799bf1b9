// What a query asks of the rows of a table, as far as statistics can answer it: files without such rows are not opened. Only a comparison
// that every row must pass counts, and only one that DuckDB makes in the column's own type; in doubt a file is read.
import { type Filter, type FilterValue, formatColumnPath, type StructField, type StructType } from '@tributary/delta'
import { isNode, itemsOf, someNode, type Tree, type TreeNode, textOf } from './syntax-tree.ts'

/** The conditions of a WHERE that may speak about a table, and how they name it. */
export interface Conditions {
  readonly alias: string
  /** It is the only table there: its columns need no alias. */
  readonly isAlone: boolean
  readonly of: readonly Tree[]
}

/** Conditions of one SELECT for the tables that it reads from, by their nodes. */
export function conditionsOf(select: TreeNode): ReadonlyMap<TreeNode, Conditions> {
  const { where_clause: where, from_table: from, sample } = select
  // A sample is taken of the rows before they are filtered.
  if (!isNode(where) || !isNode(from) || isNode(sample)) return new Map()
  const tables = tablesOf(from)
  return new Map(
    tables.map((table) => [
      table,
      { alias: aliasOf(table), isAlone: tables.length === 1 && table === from, of: conjunctsOf(where) },
    ]),
  )
}

/**
 * Base tables below ordinary joins. Whatever the join, a row that fails a comparison with a constant is not in the result, also when it
 * is missing on the side that an outer join fills with NULL. Of ASOF and positional joins that is not so: a missing row lets another take its place.
 */
function tablesOf(from: Tree | undefined): readonly TreeNode[] {
  if (!isNode(from) || isNode(from['sample'])) return []
  if (from['type'] === 'BASE_TABLE') return itemsOf(from['column_name_alias']).length === 0 ? [from] : []
  const isOrdinary =
    from['type'] === 'JOIN' &&
    ['REGULAR', 'CROSS'].includes(textOf(from['ref_type']) ?? '') &&
    ['INNER', 'LEFT', 'RIGHT', 'FULL'].includes(textOf(from['join_type']) ?? '')
  return isOrdinary ? [...tablesOf(from['left']), ...tablesOf(from['right'])] : []
}

function aliasOf(table: TreeNode): string {
  const alias = textOf(table['alias']) ?? ''
  return (alias === '' ? (textOf(table['table_name']) ?? '') : alias).toLowerCase()
}

function conjunctsOf(condition: Tree): readonly Tree[] {
  return isNode(condition) && condition['type'] === 'CONJUNCTION_AND'
    ? itemsOf(condition['children']).flatMap(conjunctsOf)
    : [condition]
}

/** Evaluates an expression without columns to its text. */
export type Evaluate = (expression: Tree) => Promise<string | null>

/** The part of the conditions that files can be told by; undefined when there is none. */
export async function wantedRows(
  { of, alias, isAlone }: Conditions,
  schema: StructType,
  evaluate: Evaluate,
): Promise<Filter | undefined> {
  const fields = new Map(schema.fields.map((field) => [field.name.toLowerCase(), field]))
  const fieldOf = (expression: Tree | undefined): StructField | undefined => {
    if (!isNode(expression) || expression['type'] !== 'COLUMN_REF') return undefined
    const names = itemsOf(expression['column_names']).map((name) => (textOf(name) ?? '').toLowerCase())
    const [first = '', second] = names
    if (names.length === 1 && isAlone) return fields.get(first)
    return names.length === 2 && first === alias && second !== undefined ? fields.get(second) : undefined
  }
  const parts: Filter[] = []
  for (const condition of of) {
    const part = isNode(condition) ? await filterOf(condition, fieldOf, evaluate) : undefined
    if (part !== undefined) parts.push(part)
  }
  return parts.length === 0 ? undefined : { kind: 'and', of: parts }
}

type FieldOf = (expression: Tree | undefined) => StructField | undefined

const COMPARISONS = {
  COMPARE_EQUAL: ['=', '='],
  COMPARE_LESSTHAN: ['<', '>'],
  COMPARE_LESSTHANOREQUALTO: ['<=', '>='],
  COMPARE_GREATERTHAN: ['>', '<'],
  COMPARE_GREATERTHANOREQUALTO: ['>=', '<='],
} as const

async function filterOf(condition: TreeNode, fieldOf: FieldOf, evaluate: Evaluate): Promise<Filter | undefined> {
  const type = textOf(condition['type']) ?? ''
  if (type === 'COMPARE_BETWEEN') {
    const { input = null, lower = null, upper = null } = condition
    const [low, high] = [await compare('>=', [input, lower]), await compare('<=', [input, upper])]
    return low === undefined || high === undefined ? (low ?? high) : { kind: 'and', of: [low, high] }
  }
  if (type === 'COMPARE_IN') {
    const [input = null, ...options] = itemsOf(condition['children'])
    if (options.length > OPTIONS_MAX) return undefined
    const parts: Filter[] = []
    for (const option of options) {
      const part = await compare('=', [input, option])
      if (part === undefined) return undefined
      parts.push(part)
    }
    return { kind: 'or', of: parts }
  }
  const kinds = Object.entries(COMPARISONS).find(([name]) => name === type)?.[1]
  if (kinds === undefined) return undefined
  const { left = null, right = null } = condition
  return (await compare(kinds[0], [left, right])) ?? (await compare(kinds[1], [right, left]))

  async function compare(kind: '=' | '<' | '<=' | '>' | '>=', [column, constant]: readonly [Tree, Tree]) {
    const field = fieldOf(column)
    // `now()` is later when the query runs: it may only be a bound from below.
    if (field === undefined || !isConstant(constant, { mayMove: kind === '>' || kind === '>=' })) return undefined
    const value = await valueFor(field, constant, evaluate)
    return value === undefined ? undefined : ({ kind, column: formatColumnPath([field.name]), value } as const)
  }
}

/** Each option is compared with the statistics of each file. */
const OPTIONS_MAX = 100

const MOVING_FUNCTIONS: ReadonlySet<string> = new Set(['now', 'get_current_timestamp', 'today', 'current_date'])
const INTERVAL_FUNCTIONS = /^(?:[-+]|trunc|to_(?:years|months|weeks|days|hours|minutes|seconds|milliseconds))$/

function isConstant(expression: Tree, { mayMove }: { readonly mayMove: boolean }): boolean {
  return !someNode(expression, (node) => {
    const kind = textOf(node['class'])
    if (kind === undefined || kind === 'CONSTANT' || kind === 'CAST') return false
    const name = textOf(node['function_name']) ?? ''
    return kind !== 'FUNCTION' || !(INTERVAL_FUNCTIONS.test(name) || (mayMove && MOVING_FUNCTIONS.has(name)))
  })
}

const INTEGERS = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']
const NUMBERS = [...INTEGERS, 'DECIMAL', 'DOUBLE']
const TIMES = ['DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE']
const DIGITS = /^-?\d+(?:\.\d+)?$/
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME = /^\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d{1,6})?)?$/
const ZONED = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00$/

/** The value in the form of the column's type; undefined where DuckDB might compare in another type, or the text is not the plain one. */
async function valueFor(field: StructField, constant: Tree, evaluate: Evaluate): Promise<FilterValue | undefined> {
  const from = typeNameOf(constant)
  const textIf = async (allowed: readonly string[], form: RegExp): Promise<string | undefined> => {
    if (!allowed.includes(from)) return undefined
    const text = plainText(constant) ?? (await evaluate(constant))
    const plain = text === null ? undefined : (ZONED.exec(text)?.[1] ?? text)
    return plain !== undefined && form.test(plain) ? plain : undefined
  }
  const { type } = field
  switch (typeof type === 'string' ? type.replace(/\(.*/, '') : '') {
    case 'string':
      return from === 'VARCHAR' ? (plainText(constant) ?? (await evaluate(constant)) ?? undefined) : undefined
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
    case 'decimal':
    case 'double':
      return textIf(NUMBERS, DIGITS)
    case 'date':
      return textIf(['VARCHAR', 'DATE'], DATE)
    case 'timestamp':
    case 'timestamp_ntz':
      return textIf(['VARCHAR', ...TIMES, 'MOVING'], TIME)
    default:
      return undefined
  }
}

/** The value of a literal that needs no evaluation: a statement each would be felt. */
function plainText(constant: Tree): string | undefined {
  if (!isNode(constant)) return undefined
  if (constant['class'] === 'CAST') {
    const text = plainText(constant['child'] ?? null)
    const form = typeNameOf(constant) === 'DATE' ? DATE : TIME
    return text !== undefined && TIMES.includes(typeNameOf(constant)) && form.test(text) ? text : undefined
  }
  const holder = constant['value']
  if (!isNode(holder)) return undefined
  const { value } = holder
  if (typeof value === 'string') return value
  return JSON.isRawJSON(value) && INTEGERS.includes(typeNameOf(constant)) ? value.rawJSON : undefined
}

/** The type of a constant or of a cast of one; `MOVING` for what is computed from the time of the query. */
function typeNameOf(constant: Tree): string {
  if (!isNode(constant)) return ''
  if (constant['class'] === 'FUNCTION') return someNode(constant, isMoving) ? 'MOVING' : ''
  const holder = constant['class'] === 'CAST' ? constant['cast_type'] : valueTypeOf(constant)
  return isNode(holder) ? (textOf(holder['id']) ?? '') : ''
}

function isMoving(node: TreeNode): boolean {
  return ['now', 'get_current_timestamp'].includes(textOf(node['function_name']) ?? '')
}

function valueTypeOf(constant: TreeNode): Tree | undefined {
  return isNode(constant['value']) ? constant['value']['type'] : undefined
}
