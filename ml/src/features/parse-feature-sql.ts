// A feature's SQL as DuckDB's tree, and the shapes that are accepted of it. Whatever is not known here is refused: a clause that nobody
// thought about could make a result depend on rows that no key leads to.

import type { Engine, TributaryError } from '@tributary/delta'
import { isNode, itemsOf, parseQuery, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { featureSqlRefused } from '../errors.ts'

/** One table of FROM, in the order of the text; a table that is named twice is two inputs. */
export interface InputTable {
  /** As `findNamedTable` takes it. */
  readonly table: string
  /** How the query's columns name it, in lower case. */
  readonly alias: string
}

/** How an input is joined to those before it. */
export type JoinType = 'INNER' | 'LEFT' | 'RIGHT' | 'FULL'

interface Join {
  readonly type: JoinType
  /** To the one row that is nearest in time; INNER or LEFT. */
  readonly isAsof: boolean
  readonly condition: Tree
  readonly using: readonly string[]
}

/** SQL of an accepted outline; its expressions are still to be looked at. */
export interface Outline {
  /** The whole statement, to be written back with another SELECT inside. */
  readonly statement: TreeNode
  readonly select: TreeNode
  readonly inputs: readonly InputTable[]
  /** By the input on the right, so the first has none. */
  readonly joins: readonly Join[]
}

/** The error that refuses a clause, with the way on. */
export type Refuse = (clause: string, remedy: string) => TributaryError

/** The refusals of one feature. */
export function refusalsOf(name: string): Refuse {
  return (clause, remedy) => featureSqlRefused(name, clause, remedy)
}

const SPLIT = 'Split it into two features: each is a table that the other may read'

/** Parses a feature's SQL. Throws `QUERY_INVALID`, `QUERY_NOT_SELECT`, `FEATURE_SQL_REFUSED`. */
export async function parseFeatureSql(engine: Engine, sql: string, refuse: Refuse): Promise<Outline> {
  const statement = await parseQuery(engine, withParameter(sql))
  const [first] = itemsOf(statement['statements'])
  const select = isNode(first) && isNode(first['node']) ? first['node'] : {}
  assertBlock(select, refuse)
  const inputs: InputTable[] = []
  const joins: Join[] = []
  collectInputs(select['from_table'] ?? null, { inputs, joins }, refuse)
  const twice = inputs.find(({ alias }, index) => inputs.some((other, at) => at < index && other.alias === alias))
  if (twice !== undefined) throw refuse(`two tables called ${twice.alias}`, 'Give each an alias of its own')
  return { statement, select, inputs, joins }
}

/** DuckDB writes a parameter `$as_of`; texts, quoted names and comments stay as they are, and `::as_of` is a cast. */
export function withParameter(sql: string): string {
  const token =
    /[eE]'(?:\\[\s\S]|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$|::|:as_of\b/g
  return sql.replaceAll(token, (text) => (text === ':as_of' ? '$as_of' : text))
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'type',
  'modifiers',
  'cte_map',
  'select_list',
  'from_table',
  'where_clause',
  'group_expressions',
  'group_sets',
  'aggregate_handling',
  'having',
  'sample',
  'qualify',
])

function assertBlock(select: TreeNode, refuse: Refuse): void {
  if (select['type'] !== 'SELECT_NODE') throw refuse('a UNION, INTERSECT or EXCEPT', SPLIT)
  if (itemsOf(isNode(select['cte_map']) ? select['cte_map']['map'] : null).length > 0) throw refuse('a WITH', SPLIT)
  for (const modifier of itemsOf(select['modifiers'])) {
    const type = isNode(modifier) ? textOf(modifier['type']) : undefined
    if (type === 'ORDER_MODIFIER') throw refuse('an ORDER BY at its end', 'Leave it out: a table has no order')
    if (type !== 'DISTINCT_MODIFIER')
      throw refuse(
        'a LIMIT',
        'Number the rows of each key: QUALIFY row_number() OVER (PARTITION BY key ORDER BY …) <= n',
      )
    if (isNode(modifier) && itemsOf(modifier['distinct_on_targets']).length > 0)
      throw refuse(
        'a DISTINCT ON',
        'Number the rows of each key: QUALIFY row_number() OVER (PARTITION BY key ORDER BY …) = 1',
      )
  }
  if (isNode(select['sample'])) throw refuse('a USING SAMPLE', 'Leave it out: a dataset takes samples')
  if (itemsOf(select['group_sets']).length > 1)
    throw refuse('GROUPING SETS, ROLLUP or CUBE', 'Make a feature of each grouping')
  if (select['aggregate_handling'] !== 'STANDARD_HANDLING' && select['aggregate_handling'] !== 'FORCE_AGGREGATES')
    throw refuse('an aggregation that is not known here', SPLIT)
  const unknown = Object.keys(select).find((name) => !KNOWN_FIELDS.has(name) && name !== 'query_location')
  if (unknown !== undefined) throw refuse(`a ${unknown}`, SPLIT)
}

interface Found {
  readonly inputs: InputTable[]
  readonly joins: Join[]
}

// Joins lean to the left: the right side of each is a table. What the key queries rely on is told in key-queries.ts.
function collectInputs(from: Tree, found: Found, refuse: Refuse): void {
  if (!isNode(from)) throw refuse('no FROM', 'Read from at least one table')
  if (from['type'] === 'BASE_TABLE') return void found.inputs.push(inputOf(from, refuse))
  if (from['type'] !== 'JOIN') throw refuse(nameOfSource(from), SPLIT)
  collectInputs(from['left'] ?? null, found, refuse)
  const { right = null, ref_type: kind } = from
  if (!isNode(right) || right['type'] !== 'BASE_TABLE')
    throw refuse(isNode(right) ? `${nameOfSource(right)} on the right of a JOIN` : 'a JOIN without a table', SPLIT)
  found.inputs.push(inputOf(right, refuse))
  if (kind === 'CROSS')
    throw refuse('a comma or CROSS JOIN between tables', 'Write JOIN … ON with the columns that belong together')
  const isAsof = kind === 'ASOF'
  if (kind !== 'REGULAR' && !isAsof)
    throw refuse(`a ${textOf(kind) ?? ''} JOIN`, 'Write JOIN … ON with the columns that belong together')
  const called = `${isAsof ? 'an ASOF' : 'a'} ${textOf(from['join_type']) ?? ''} JOIN`
  const type = JOIN_TYPES.find((known) => known === from['join_type'])
  if (type === undefined)
    throw refuse(called, `Write ${isAsof ? 'an ASOF' : 'a'} LEFT JOIN, and WHERE with IS NULL or IS NOT NULL`)
  if (isAsof && (type === 'RIGHT' || type === 'FULL'))
    throw refuse(called, 'Write ASOF JOIN or ASOF LEFT JOIN, with the table that rows are looked up in on its right')
  if (itemsOf(from['duplicate_eliminated_columns']).length > 0) throw refuse('a LATERAL JOIN', SPLIT)
  found.joins.push({
    type,
    isAsof,
    condition: from['condition'] ?? null,
    using: itemsOf(from['using_columns']).map((name) => (textOf(name) ?? '').toLowerCase()),
  })
}

const JOIN_TYPES: readonly JoinType[] = ['INNER', 'LEFT', 'RIGHT', 'FULL']

function nameOfSource(from: TreeNode): string {
  switch (from['type']) {
    case 'SUBQUERY':
      return 'a subquery in FROM'
    case 'TABLE_FUNCTION':
      return 'a table function'
    case 'EMPTY_FROM':
    case 'EMPTY':
      return 'no FROM'
    case 'JOIN':
      return 'a JOIN in brackets'
    default:
      return `a ${(textOf(from['type']) ?? 'source').toLowerCase().replaceAll('_', ' ')} in FROM`
  }
}

function inputOf(node: TreeNode, refuse: Refuse): InputTable {
  if (isNode(node['at_clause'])) throw refuse('an AT', 'A feature follows the newest version: leave it out')
  if (isNode(node['sample'])) throw refuse('a TABLESAMPLE', 'Leave it out: a dataset takes samples')
  if (itemsOf(node['column_name_alias']).length > 0)
    throw refuse('column aliases of a table', 'Rename columns in SELECT')
  const names = ['catalog_name', 'schema_name', 'table_name'].map((part) => textOf(node[part]) ?? '')
  const table = names.filter((part) => part !== '').join('.')
  const alias = textOf(node['alias']) ?? ''
  return { table, alias: (alias === '' ? aliasOfTable(node) : alias).toLowerCase() }
}

/** The name that a table has without an alias: DuckDB's last part, or the last part of `"shop.orders"` in one pair of quotes. */
export function aliasOfTable(node: TreeNode): string {
  return textOf(node['table_name']) ?? ''
}
