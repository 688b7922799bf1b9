import { isNode, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { aliasOfTable } from './parse-feature-sql.ts'
import { replaceNodes } from './trees.ts'

/** Temporary tables or views of the engine's connection, one an input. */
export type InputNames = readonly string[]

interface BoundJoin {
  /** The input on its right. */
  readonly right: number
  readonly type: string
}

/** FROM with other tables in the place of the inputs, and other types of joins. */
export function bindInputs(
  { select }: { readonly select: TreeNode },
  names: InputNames,
  typeOf: (join: BoundJoin) => string = ({ type }) => type,
): Tree {
  let input = 0
  const bind = (node: Tree): Tree => {
    if (!isNode(node)) return node
    if (node['type'] !== 'JOIN') {
      const name = names[input++] ?? ''
      // One table each: as it is, or in the subquery of `withoutTies`.
      return replaceNodes(node, (part) => (part['type'] === 'BASE_TABLE' ? bindTable(part, name) : undefined))
    }
    const left = bind(node['left'] ?? null)
    const right = input
    return {
      ...node,
      left,
      right: bind(node['right'] ?? null),
      join_type: typeOf({ right, type: textOf(node['join_type']) ?? '' }),
    }
  }
  return bind(select['from_table'] ?? null)
}

function bindTable(node: TreeNode, name: string): TreeNode {
  const alias = textOf(node['alias']) ?? ''
  return {
    ...node,
    alias: alias === '' ? aliasOfTable(node) : alias,
    catalog_name: 'temp',
    schema_name: 'main',
    table_name: name,
  }
}
