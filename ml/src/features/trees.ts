// Trees are made by parsing a template and putting parts in the place of its names: so all fields are those that DuckDB expects.

import type { Engine } from '@tributary/delta'
import { isNode, itemsOf, parseQuery, type Tree, type TreeNode, textOf, writeQuery } from '@tributary/pipeline'

/** A SELECT to be made. */
export interface SelectParts {
  readonly items: readonly Tree[]
  readonly from?: Tree
  readonly where?: Tree
}

const templates = new WeakMap<object, Map<string, TreeNode>>()

// The same few templates are parsed for every query.
async function template(engine: Engine, sql: string): Promise<TreeNode> {
  const known = templates.get(engine.database) ?? new Map<string, TreeNode>()
  templates.set(engine.database, known)
  const tree = known.get(sql) ?? (await parseQuery(engine, sql))
  known.set(sql, tree)
  return tree
}

/** A statement of one SELECT. */
export async function selectOf(engine: Engine, { items, from, where }: SelectParts): Promise<TreeNode> {
  const statement = await template(engine, 'SELECT 1')
  const select = selectNodeOf(statement)
  return withSelect(statement, {
    ...select,
    select_list: items,
    ...(from === undefined ? {} : { from_table: from }),
    where_clause: where ?? null,
  })
}

/** The text of a SELECT. */
export async function selectText(engine: Engine, parts: SelectParts): Promise<string> {
  return writeQuery(engine, await selectOf(engine, parts))
}

/** The SELECT of a statement of one. */
export function selectNodeOf(statement: TreeNode): TreeNode {
  const [first] = itemsOf(statement['statements'])
  return isNode(first) && isNode(first['node']) ? first['node'] : {}
}

/** A statement with another SELECT in it. */
export function withSelect(statement: TreeNode, select: TreeNode): TreeNode {
  const [first = null] = itemsOf(statement['statements'])
  return { ...statement, statements: [isNode(first) ? { ...first, named_param_map: [], node: select } : first] }
}

/** The tree of an expression; names of it that `parts` has stand for trees. */
export async function expressionOf(
  engine: Engine,
  sql: string,
  parts: Readonly<Record<string, Tree>> = {},
): Promise<Tree> {
  const [item = null] = itemsOf(selectNodeOf(await template(engine, `SELECT ${sql}`))['select_list'])
  return replaceNodes(item, (node) => {
    const name = node['type'] === 'COLUMN_REF' ? (textOf(itemsOf(node['column_names'])[0]) ?? '') : ''
    const part = parts[name]
    return isNode(part) ? { ...part, alias: '' } : part
  })
}

/** All conditions that are there, joined by AND; null where there is none. */
export async function conjunction(engine: Engine, conditions: readonly Tree[]): Promise<Tree> {
  const [first = null, ...rest] = conditions.filter((condition) => condition !== null)
  let all: Tree = first
  for (const condition of rest)
    all = await expressionOf(engine, '(__left AND __right)', { __left: all, __right: condition })
  return all
}

/** A tree in which nodes are replaced where the function gives something; what it gives is not looked into. */
export function replaceNodes(tree: Tree, replace: (node: TreeNode) => Tree | undefined): Tree {
  if (Array.isArray(tree)) return tree.map((item: Tree) => replaceNodes(item, replace))
  if (!isNode(tree)) return tree
  const replaced = replace(tree)
  if (replaced !== undefined) return replaced
  return Object.fromEntries(Object.entries(tree).map(([name, item]) => [name, replaceNodes(item, replace)]))
}

/** A tree with a time in the place of the parameter. */
export async function atTime(engine: Engine, tree: Tree, timeMs: number): Promise<Tree> {
  const time = await expressionOf(engine, `make_timestamptz(${Math.round(timeMs) * 1000})`)
  return replaceNodes(tree, (node) => (node['class'] === 'PARAMETER' ? time : undefined))
}
