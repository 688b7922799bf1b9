// A spine has to give the same rows each time, on any machine. Its SQL may be of any shape, so only what nobody can repeat is refused here;
// where an order is missing that can be made up, `order-spine.ts` makes it up.
import type { Engine } from '@tributary/delta'
import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { spineInvalid } from '../errors.ts'
import { assertDeterministic, functionName } from '../features/functions.ts'
import type { Refuse } from '../features/parse-feature-sql.ts'
import { hasOrder } from '../features/rewrite-order.ts'
import type { Definition } from './definition.ts'

/** The refusals of one spine. */
export function spineRefusals(dataset: string): Refuse {
  return (clause, remedy) => spineInvalid(dataset, `its SQL has ${clause}`, remedy)
}

/** Refuses a spine that could give other rows another time; `statement` as `parseQuery` gives it. Throws `SPINE_INVALID`. */
export async function assertRepeatable(
  engine: Engine,
  { name, spine }: Pick<Definition, 'name' | 'spine'>,
  statement: TreeNode,
): Promise<void> {
  const refuse = spineRefusals(name)
  const [first] = itemsOf(statement['statements'])
  const query = isNode(first) ? (first['node'] ?? null) : null
  for (const node of nodesIn(query)) {
    assertClauses(node, node === query ? spine.key : undefined, refuse)
    assertJoin(node, refuse)
    const [only = null, ...others] = itemsOf(node['column_names'])
    if (node['type'] === 'COLUMN_REF' && others.length === 0 && CLOCKS.has(lower(only)))
      throw refuse(`the function ${lower(only)}`, `Write ${CLOCK}`)
  }
  await assertDeterministic(engine, query, refuse, { clock: CLOCK, isSafe })
}

const CLOCK = ':until, the end of the data'
// Functions without brackets: DuckDB's parser takes them for columns.
const CLOCKS: ReadonlySet<string> = new Set([
  'current_date',
  'current_time',
  'current_timestamp',
  'localtime',
  'localtimestamp',
])

const NUMBERED = 'Number the rows: QUALIFY row_number() OVER (PARTITION BY … ORDER BY …) <= n'

/** `key` is that of the whole, undefined for a subquery. */
function assertClauses(node: TreeNode, key: readonly string[] | undefined, refuse: Refuse): void {
  if (isNode(node['sample']))
    throw refuse(
      'a USING SAMPLE or TABLESAMPLE',
      'Leave it out and set sample: {keep: 0.1}, which keeps the same rows each time',
    )
  const modifiers = itemsOf(node['modifiers']).filter(isNode)
  const orders = modifiers.flatMap(({ type, orders: list }) => (type === 'ORDER_MODIFIER' ? itemsOf(list) : []))
  for (const { type, distinct_on_targets: targets } of modifiers) {
    if (type === 'DISTINCT_MODIFIER' && itemsOf(targets).length > 0)
      throw refuse('a DISTINCT ON', NUMBERED.replace('<= n', '= 1'))
    if ((type === 'LIMIT_MODIFIER' || type === 'LIMIT_PERCENT_MODIFIER') && !isTotal(orders, key))
      throw refuse(
        'a LIMIT without an order that tells all rows apart',
        key === undefined ? `${NUMBERED}, or ORDER BY ALL` : `Order by the whole key: ORDER BY …, ${key.join(', ')}`,
      )
  }
}

/** Whether an order says of any two rows which comes first, or that they are equal. */
function isTotal(orders: readonly Tree[], key: readonly string[] | undefined): boolean {
  const expressions = orders.map((order) => (isNode(order) ? (order['expression'] ?? null) : null)).filter(isNode)
  if (expressions.some(({ type }) => type === 'STAR')) return true
  const names = new Set(expressions.map((expression) => lower(itemsOf(expression['column_names']).at(-1))))
  return key?.every((column) => names.has(column.toLowerCase())) === true
}

/** Of rows with one time an ASOF join takes whichever lies first, and a positional join pairs rows by where they lie. */
function assertJoin(node: TreeNode, refuse: Refuse): void {
  if (node['type'] !== 'JOIN') return
  if (node['ref_type'] === 'POSITIONAL') throw refuse('a POSITIONAL JOIN', 'Join by columns')
  const { right } = node
  if (node['ref_type'] !== 'ASOF' || (isNode(right) && right['type'] === 'SUBQUERY' && isReduced(right))) return
  throw refuse(
    'an ASOF JOIN to rows of which several may have one time',
    'Make it an asof feature, or join a subquery with GROUP BY or QUALIFY that has one row for each time',
  )
}

function isReduced({ subquery }: TreeNode): boolean {
  const query = isNode(subquery) && isNode(subquery['node']) ? subquery['node'] : {}
  return itemsOf(query['group_expressions']).length > 0 || isNode(query['qualify'])
}

/** Functions of their arguments alone that DuckDB lists as something else, and aggregates that take a row by an order that was given to them. */
function isSafe(call: TreeNode): boolean {
  const name = functionName(call)
  return ARGUMENTS_ONLY.has(name) || /^(?:list|array)_/.test(name) || (PLACED.has(name) && hasOrder(call))
}

const ARGUMENTS_ONLY: ReadonlySet<string> = new Set(
  `unnest range generate_series generate_subscripts regexp_split_to_table grouping changes date_add days_in_month json error
    map_contains_entry map_contains_value md5_number_lower md5_number_upper`.split(/\s+/),
)
/** Aggregates of one row, by an order. */
export const PLACED: ReadonlySet<string> = new Set(['first', 'last', 'arbitrary'])

function nodesIn(tree: Tree): readonly TreeNode[] {
  if (Array.isArray(tree)) return tree.flatMap((item: Tree) => nodesIn(item))
  return isNode(tree) ? [tree, ...Object.values(tree).flatMap((item) => nodesIn(item))] : []
}

function lower(tree: Tree | undefined): string {
  return (textOf(tree) ?? '').toLowerCase()
}
