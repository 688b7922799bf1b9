// Joins that a key query can do without. A LEFT JOIN takes no row away and, as keys are asked for once each, adds none that counts: where
// neither the key nor another join reads its table, it is left out, and so is the reading of that table.

import { isNode, type Tree } from '@tributary/pipeline'
import { type Column, type Resolve, referencesIn } from './columns.ts'
import type { Outline } from './parse-feature-sql.ts'

/** Which inputs a query's key and each of its joins read. */
export interface JoinReads {
  readonly key: readonly number[]
  /** By the input on the right, so the first has none. */
  readonly joins: readonly (readonly number[])[]
}

/** Finds out what is read where. */
export function joinReads({ joins }: Outline, key: readonly Column[], resolve: Resolve): JoinReads {
  return {
    key: key.flatMap(inputsOf),
    joins: joins.map(({ condition, using }) => [
      ...referencesIn(condition).flatMap((reference) => inputsOf(resolve(reference))),
      ...using.flatMap((name) => inputsOf(resolve({ type: 'COLUMN_REF', column_names: [name] }))),
    ]),
  }
}

/** FROM without the joins that nothing needs, where the rows of one input are followed. */
export function withoutNeedless(from: Tree, { key, joins }: JoinReads, followed: number): Tree {
  return prune(from, new Set([...key, followed]))

  // Joins lean to the left, so the outermost has the last input on its right.
  function prune(node: Tree, needed: ReadonlySet<number>): Tree {
    if (!isNode(node) || node['type'] !== 'JOIN') return node
    const right = countInputs(node) - 1
    const left = node['left'] ?? null
    if (node['join_type'] === 'LEFT' && !needed.has(right)) return prune(left, needed)
    return { ...node, left: prune(left, new Set([...needed, ...(joins[right - 1] ?? [])])) }
  }
}

function countInputs(node: Tree): number {
  return isNode(node) && node['type'] === 'JOIN' ? countInputs(node['left'] ?? null) + 1 : 1
}

function inputsOf(column: Column): readonly number[] {
  switch (column.kind) {
    case 'input':
      return [column.input]
    case 'merged':
    case 'ambiguous':
      return column.inputs
    // A name of SELECT: no condition of a join and no entity is one.
    case 'item':
      return []
  }
}
