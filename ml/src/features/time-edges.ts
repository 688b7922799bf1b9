// Where a feature compares with :as_of its result changes though no row does. Keys of rows that lie between the old and the new place of
// an edge are computed anew; for all other rows the comparison says what it said.

import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { findNode, hasParameter } from './assert-local.ts'
import type { Resolve } from './columns.ts'
import { referencesIn } from './columns.ts'
import { functionName, isAggregate } from './functions.ts'
import type { Refuse } from './parse-feature-sql.ts'

/** A comparison of a value of a row with a time that moves. */
export interface TimeEdge {
  readonly value: Tree
  /** Holds the parameter and no column. */
  readonly bound: Tree
}

const REMEDY = 'Compare a time of the rows with it, as in WHERE t > :as_of - INTERVAL 1 DAY'
// They never go back while their argument goes on, so what lies between two times lies between their results.
const MONOTONE: ReadonlySet<string> = new Set(
  '+ - date_trunc trunc to_seconds to_minutes to_hours to_days to_weeks to_months to_years'.split(' '),
)

/** All edges of a SELECT. Refuses uses of the time that are no comparisons with values of rows. */
export function timeEdges(
  select: TreeNode,
  { resolve, refuse }: { readonly resolve: Resolve; readonly refuse: Refuse },
): readonly TimeEdge[] {
  const edges: TimeEdge[] = []
  const visit = (tree: Tree): void => {
    if (Array.isArray(tree)) for (const item of tree) visit(item)
    if (!isNode(tree) || !hasParameter(tree)) return
    if (tree['class'] === 'PARAMETER') throw refuse(':as_of outside of a comparison', REMEDY)
    if (tree['class'] === 'COMPARISON') addEdges([tree['left'] ?? null, tree['right'] ?? null])
    else if (tree['class'] === 'BETWEEN') {
      const { input = null, lower = null, upper = null } = tree
      for (const side of [lower, upper]) if (hasParameter(side) || hasParameter(input)) addEdges([input, side])
    } else for (const item of Object.values(tree)) visit(item)
  }
  const addEdges = (sides: readonly [Tree, Tree]): void => {
    const [bound, value] = hasParameter(sides[0]) ? sides : [sides[1], sides[0]]
    if (hasParameter(value) || referencesIn(value).length === 0 || !isMovingBound(bound))
      throw refuse(':as_of on a side with other values', REMEDY)
    const isOfRow =
      !findNode(value, isAggregate) && referencesIn(value).every((column) => resolve(column).kind !== 'item')
    if (!isOfRow) throw refuse(':as_of in a comparison with the result of an aggregate', REMEDY)
    edges.push({ value, bound })
  }
  const { from_table: _, ...rest } = select
  visit(rest)
  return edges
}

function isMovingBound(tree: Tree): boolean {
  if (!isNode(tree)) return false
  switch (tree['class']) {
    case 'PARAMETER':
    case 'CONSTANT':
      return true
    case 'CAST':
      return isMovingBound(tree['child'] ?? null)
    case 'FUNCTION': {
      const [left = null, right = null] = itemsOf(tree['children'])
      // `x - :as_of` goes back while the time goes on.
      const isTurned = textOf(tree['function_name']) === '-' && hasParameter(right)
      return (
        MONOTONE.has(functionName(tree)) && !isTurned && itemsOf(tree['children']).every(isMovingBound) && left !== null
      )
    }
    default:
      return false
  }
}
