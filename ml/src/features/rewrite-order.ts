// Results must not depend on the order in which rows are read: it changes with each compaction and with the number of threads, and a
// recomputation would differ from what is stored. So sums of floating numbers, ties and lists get an order of their own values.

import type { Engine } from '@tributary/delta'
import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { groupedItem } from './assert-local.ts'
import { aggregateKind, functionName } from './functions.ts'
import type { Outline, Refuse } from './parse-feature-sql.ts'
import { conjunction, expressionOf, selectText } from './trees.ts'

/** What a rewrite needs to know of its query. */
export interface OrderRules extends CallRules {
  readonly outline: Outline
  /** All columns that the query reads, as references: rows that are equal in them are interchangeable. */
  readonly columns: readonly Tree[]
}

/** What a rewrite of one aggregate or window needs to know. */
export interface CallRules {
  /** DuckDB's name of the type of an expression over the query's tables. */
  readonly typeOf: (expression: Tree) => Promise<string>
  readonly refuse: Refuse
  /** What was rewritten, in words. */
  readonly report: (text: string) => void
}

/** The query with an order wherever one could show. */
export async function rewriteOrder(engine: Engine, rules: OrderRules): Promise<TreeNode> {
  const { select } = rules.outline
  const ties = groupsOf(select) ?? rules.columns
  const rewritten = await rewrite(select)
  return isNode(rewritten) ? rewritten : select

  async function rewrite(tree: Tree): Promise<Tree> {
    if (Array.isArray(tree)) {
      const items: Tree[] = []
      for (const item of tree) items.push(await rewrite(item))
      return items
    }
    if (!isNode(tree)) return tree
    const entries: [string, Tree][] = []
    for (const [name, item] of Object.entries(tree)) entries.push([name, await rewrite(item)])
    const node: TreeNode = Object.fromEntries(entries)
    return rewriteCall(engine, rules, node, ties)
  }
}

/** What tells the rows of a grouped SELECT apart: one row a group is left when windows are computed. Undefined where nothing is grouped. */
export function groupsOf(select: TreeNode): readonly Tree[] | undefined {
  const groups = itemsOf(select['group_expressions']).map((group) => groupedItem(select, group))
  if (groups.length > 0) return groups
  return select['aggregate_handling'] === 'FORCE_AGGREGATES'
    ? itemsOf(select['select_list']).filter((item) => !hasAggregate(item))
    : undefined
}

/** An aggregate or a window with an order where one could show; `ties` tell the rows of its SELECT apart. Other nodes stay as they are. */
export async function rewriteCall(
  engine: Engine,
  rules: CallRules,
  node: TreeNode,
  ties: readonly Tree[],
): Promise<TreeNode> {
  if (node['class'] === 'WINDOW') return rewriteWindow(engine, rules, node, ties)
  return aggregateKind(node) === undefined ? node : rewriteAggregate(engine, rules, node)
}

function hasAggregate(tree: Tree): boolean {
  if (Array.isArray(tree)) return tree.some((item: Tree) => hasAggregate(item))
  return isNode(tree) && (aggregateKind(tree) !== undefined || Object.values(tree).some(hasAggregate))
}

async function rewriteAggregate(engine: Engine, rules: CallRules, node: TreeNode): Promise<TreeNode> {
  const [first = null, second = null, third] = itemsOf(node['children'])
  const name = functionName(node)
  switch (aggregateKind(node)) {
    case 'any':
      rules.report(`${name}(${await textOfTree(engine, first)}) takes any row: min takes its place`)
      return { ...node, function_name: 'min' }
    case 'extreme': {
      if (third !== undefined)
        throw rules.refuse(
          `${name} with a number of rows`,
          'Use list with ORDER BY, and list_slice in a feature after it',
        )
      rules.report(`${name}(${await textOfTree(engine, first)}, …) breaks ties by its first argument`)
      const value = await expressionOf(engine, 'row(__value, __argument)', { __value: second, __argument: first })
      const isThere = await expressionOf(engine, '__value IS NOT NULL', { __value: second })
      return { ...node, children: [first, value], filter: await conjunction(engine, [node['filter'] ?? null, isThere]) }
    }
    case 'sum': {
      if (!isFloating(await rules.typeOf(first))) return node
      const exact = name === 'sum' ? 'fsum' : 'favg'
      rules.report(
        `${name}(${await textOfTree(engine, first)}) adds floating numbers: ${exact} in order of value takes its place`,
      )
      return { ...node, function_name: exact, ...orderedBy(node, [first]) }
    }
    case 'ordered':
      if (!hasOrder(node)) rules.report(`${name}(${await textOfTree(engine, first)}) takes its rows in order of value`)
      return { ...node, ...orderedBy(node, itemsOf(node['children'])) }
    default:
      return node
  }
}

function isFloating(type: string): boolean {
  return type === 'DOUBLE' || type === 'FLOAT'
}

/** Whether an aggregate was given an order of its rows. */
export function hasOrder(node: TreeNode): boolean {
  return isNode(node['order_bys']) && itemsOf(node['order_bys']['orders']).length > 0
}

/** The order of an aggregate's rows, continued by values. */
export function orderedBy(node: TreeNode, values: readonly Tree[]): TreeNode {
  const orders = isNode(node['order_bys']) ? itemsOf(node['order_bys']['orders']) : []
  return { order_bys: { type: 'ORDER_MODIFIER', orders: [...orders, ...values.filter(isVarying).map(ascending)] } }
}

function isVarying(tree: Tree): boolean {
  return isNode(tree) && tree['class'] !== 'CONSTANT'
}

function ascending(expression: Tree): TreeNode {
  const plain = isNode(expression) ? { ...expression, alias: '' } : expression
  return { type: 'ORDER_DEFAULT', null_order: 'ORDER_DEFAULT', expression: plain }
}

const BY_PLACE: ReadonlySet<string> = new Set(['WINDOW_ROW_NUMBER', 'WINDOW_LEAD', 'WINDOW_LAG', 'WINDOW_NTILE'])
const BY_RANK: ReadonlySet<string> = new Set([
  'WINDOW_RANK',
  'WINDOW_RANK_DENSE',
  'WINDOW_DENSE_RANK',
  'WINDOW_PERCENT_RANK',
  'WINDOW_CUME_DIST',
])

async function rewriteWindow(
  engine: Engine,
  rules: CallRules,
  node: TreeNode,
  ties: readonly Tree[],
): Promise<TreeNode> {
  const type = textOf(node['type']) ?? ''
  const name = functionName(node)
  if (node['exclude_clause'] !== 'NO_OTHER') throw rules.refuse('a window with EXCLUDE', 'Leave EXCLUDE out')
  const isTotal = [node['start'], node['end']].every((bound) => !(textOf(bound) ?? '').endsWith('_ROWS'))
  const orders = [...itemsOf(node['orders']), ...ties.map(ascending)]
  if (BY_PLACE.has(type)) return { ...node, orders }
  if (BY_RANK.has(type)) return node
  if (type === 'WINDOW_FIRST_VALUE' && node['start'] === 'UNBOUNDED_PRECEDING') return { ...node, orders }
  if (type !== 'WINDOW_AGGREGATE')
    throw rules.refuse(
      `the window function ${name}, whose result depends on the order of ties`,
      'Use first_value with the order turned round',
    )
  const placed = isTotal ? node : { ...node, orders }
  // A window's node is no FUNCTION: its kind is that of the aggregate by the same name.
  const kind = aggregateKind({ type: 'FUNCTION', function_name: name })
  const children = itemsOf(node['children'])
  const [first = null] = children
  if (kind === 'free') return placed
  if (kind === 'sum' && !isFloating(await rules.typeOf(first))) return placed
  if (kind === 'any') {
    rules.report(`${name}(${await textOfTree(engine, first)}) OVER (…) takes any row: min takes its place`)
    return { ...placed, function_name: 'min' }
  }
  if (kind === 'extreme' && children.length === 2) {
    const [argument = null, value = null] = children
    rules.report(`${name}(${await textOfTree(engine, first)}, …) OVER (…) breaks ties by its first argument`)
    const tied = 'CASE WHEN __value IS NOT NULL THEN row(__value, __argument) END'
    return {
      ...placed,
      children: [argument, await expressionOf(engine, tied, { __value: value, __argument: argument })],
    }
  }
  if (kind !== 'sum' && kind !== 'ordered')
    throw rules.refuse(`the window function ${name}`, 'Compute it by GROUP BY in a feature before this one')
  const exact = kind === 'sum' ? (name === 'sum' ? 'fsum' : 'favg') : name
  if (exact !== name)
    rules.report(
      `${name}(${await textOfTree(engine, first)}) OVER (…) adds floating numbers: ${exact} in order of value takes its place`,
    )
  return {
    ...placed,
    function_name: exact,
    arg_orders: [...itemsOf(node['arg_orders']), ...children.filter(isVarying).map(ascending)],
  }
}

async function textOfTree(engine: Engine, tree: Tree): Promise<string> {
  return (await selectText(engine, { items: [tree] })).replace(/^SELECT /, '')
}
