// A spine's sums of floating numbers, ties and lists take their rows in an order of their own values, as those of features do: where rows lie
// and how many threads there are must not show. A spine may have subqueries, so each SELECT is looked at with the CTEs that it sees.
import type { Engine } from '@tributary/delta'
import { isNode, itemsOf, parseQuery, type Tree, type TreeNode, textOf, writeQuery } from '@tributary/pipeline'
import { aggregateKind, functionName } from '../features/functions.ts'
import type { Refuse } from '../features/parse-feature-sql.ts'
import { groupsOf, orderedBy, rewriteCall } from '../features/rewrite-order.ts'
import { selectNodeOf, withSelect } from '../features/trees.ts'
import { queryFault } from '../query-fault.ts'
import { PLACED } from './assert-repeatable.ts'

/** A query whose result the order of rows does not change. */
export interface OrderedQuery {
  readonly sql: string
  /** What was rewritten, in words. */
  readonly rewrites: readonly string[]
}

interface Scope {
  /** CTEs, as entries of a `cte_map`. */
  readonly ctes: readonly Tree[]
  readonly select: TreeNode
}

/** The query with an order wherever one could show; its tables have to be there. Refuses what no order mends. */
export async function orderSpine(engine: Engine, sql: string, refuse: Refuse): Promise<OrderedQuery> {
  const statement = await parseQuery(engine, sql)
  const probe = await parseQuery(engine, 'SELECT 1')
  const rewrites: string[] = []
  const changed = new Set<TreeNode>()
  const report = (text: string): void => void (rewrites.includes(text) || rewrites.push(text))
  const rewritten = await rewrite(statement, { ctes: [], select: {} })
  if (changed.size === 0 || !isNode(rewritten)) return { sql, rewrites }
  return { sql: await writeQuery(engine, rewritten), rewrites }

  async function rewrite(tree: Tree, outer: Scope): Promise<Tree> {
    if (Array.isArray(tree)) {
      const items: Tree[] = []
      for (const item of tree) items.push(await rewrite(item, outer))
      return items
    }
    if (!isNode(tree)) return tree
    const scope = tree['type'] === 'SELECT_NODE' ? { ctes: [...outer.ctes, ...ctesOf(tree)], select: tree } : outer
    const entries: [string, Tree][] = []
    for (const [name, item] of Object.entries(tree)) entries.push([name, await rewrite(item, scope)])
    const node: TreeNode = Object.fromEntries(entries)
    if (node['class'] !== 'WINDOW' && node['type'] !== 'FUNCTION') return node
    const ordered = await orderCall(node, scope)
    if (ordered !== node) changed.add(ordered)
    return ordered
  }

  async function orderCall(node: TreeNode, scope: Scope): Promise<TreeNode> {
    const name = functionName(node)
    if (node['type'] === 'FUNCTION' && PLACED.has(name))
      return { ...node, ...orderedBy(node, itemsOf(node['children'])) }
    if (node['class'] !== 'WINDOW' && aggregateKind(node) === undefined) return node
    const typeOf = async (expression: Tree): Promise<string> => (await typeIn(scope, expression)) ?? 'DOUBLE'
    const ties = needsTies(node) ? (groupsOf(scope.select) ?? (await rowsOf(scope))) : []
    return rewriteCall(engine, { typeOf, refuse, report }, node, ties)
  }

  /** Each row of FROM as one value: rows that are equal in all of them are interchangeable. */
  async function rowsOf(scope: Scope): Promise<readonly Tree[]> {
    const rows: Tree[] = []
    for (const alias of aliasesIn(scope.select['from_table'] ?? null)) {
      const row: TreeNode = { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', column_names: [alias] }
      const type = await typeIn(scope, row)
      if (type !== undefined && !type.startsWith('STRUCT'))
        throw refuse(
          `a window over a table called ${alias}, which is also the name of a column`,
          'Give the table another alias',
        )
      rows.push(row)
    }
    return rows
  }

  /** Undefined where it cannot be told, as in a correlated subquery. */
  async function typeIn({ ctes, select }: Scope, expression: Tree): Promise<string | undefined> {
    const inner = {
      ...selectNodeOf(probe),
      cte_map: { map: ctes },
      from_table: select['from_table'] ?? null,
      select_list: [expression],
    }
    try {
      const [column] = await engine.all(`DESCRIBE ${await writeQuery(engine, withSelect(probe, inner))}`)
      return String(column?.['column_type'])
    } catch (error) {
      if (queryFault(error) === undefined) throw error
      return undefined
    }
  }
}

/** Whether a window tells rows apart that its own order does not. */
function needsTies(node: TreeNode): boolean {
  const isByRows = [node['start'], node['end']].some((bound) => (textOf(bound) ?? '').endsWith('_ROWS'))
  return node['class'] === 'WINDOW' && (node['type'] !== 'WINDOW_AGGREGATE' || isByRows)
}

function ctesOf(select: TreeNode): readonly Tree[] {
  return itemsOf(isNode(select['cte_map']) ? select['cte_map']['map'] : null)
}

/** The names by which a SELECT knows the tables of its FROM. */
function aliasesIn(from: Tree): readonly string[] {
  if (!isNode(from)) return []
  if (from['type'] === 'JOIN') return [...aliasesIn(from['left'] ?? null), ...aliasesIn(from['right'] ?? null)]
  const alias = textOf(from['alias']) ?? ''
  if (alias !== '') return [alias]
  if (from['type'] === 'BASE_TABLE') return [textOf(from['table_name']) ?? '']
  return from['type'] === 'SUBQUERY' ? ['unnamed_subquery'] : []
}
