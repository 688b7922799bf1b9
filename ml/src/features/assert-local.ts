// What the expressions of a feature have to fulfil so that each key's rows depend on that key alone.

import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import { type Column, isSameColumn, nameOfItem, type Resolve, referencesIn } from './columns.ts'
import { functionName, isAggregate } from './functions.ts'
import type { Outline, Refuse } from './parse-feature-sql.ts'

/** The columns that make up the key, in the order of the entity. */
export function keyColumns(
  { select }: Outline,
  entity: readonly string[],
  { resolve, refuse }: { readonly resolve: Resolve; readonly refuse: Refuse },
): readonly TreeNode[] {
  const items = itemsOf(select['select_list']).filter(isNode)
  return entity.map((name) => {
    const item = items.find((candidate) => nameOfItem(candidate) === name.toLowerCase())
    if (item === undefined)
      throw refuse(`no column ${name} in SELECT, which its entity names`, 'Select it, or correct the entity')
    const kind = item['type'] === 'COLUMN_REF' ? resolve(item).kind : undefined
    if (kind !== 'input' && kind !== 'merged')
      throw refuse(
        `a computed entity column ${name}`,
        'The entity must be a plain column of a table: compute it in a feature before this one',
      )
    return { ...item, alias: '' }
  })
}

/** Refuses groups and windows that mix rows of several keys. */
export function assertKeyLocal(
  { select }: Outline,
  key: readonly TreeNode[],
  { resolve, refuse }: { readonly resolve: Resolve; readonly refuse: Refuse },
): void {
  const columns = key.map(resolve)
  const groups = itemsOf(select['group_expressions']).map((group) => groupedItem(select, group))
  // GROUP BY ALL takes each item without an aggregate, and the key is one.
  if (groups.length > 0 && !holdsAll(groups))
    throw refuse('a GROUP BY without its entity', 'Group by all columns of the entity')
  for (const window of windowsIn(select))
    if (!holdsAll(itemsOf(window['partitions'])))
      throw refuse('a window over rows of several keys', 'PARTITION BY all columns of the entity')

  function holdsAll(expressions: readonly Tree[]): boolean {
    const known = expressions.flatMap((expression): readonly Column[] => {
      if (!isNode(expression) || expression['type'] !== 'COLUMN_REF') return []
      const column = resolve(expression)
      if (column.kind !== 'item') return [column]
      return column.item['type'] === 'COLUMN_REF' ? [resolve(column.item)] : []
    })
    return columns.every((column) => known.some((other) => isSameColumn(column, other)))
  }
}

/** `GROUP BY 1` means an item of SELECT. */
export function groupedItem(select: TreeNode, group: Tree): Tree {
  if (!isNode(group) || group['type'] !== 'VALUE_CONSTANT' || !isNode(group['value'])) return group
  const { value } = group['value']
  const place = value !== undefined && JSON.isRawJSON(value) ? Number(value.rawJSON) : 0
  return itemsOf(select['select_list'])[place - 1] ?? group
}

/** All windows in a part of the tree. */
export function windowsIn(tree: Tree): readonly TreeNode[] {
  if (Array.isArray(tree)) return tree.flatMap((item: Tree) => windowsIn(item))
  if (!isNode(tree)) return []
  const inner = Object.values(tree).flatMap((item) => windowsIn(item))
  return tree['class'] === 'WINDOW' ? [tree, ...inner] : inner
}

const CLASSES: ReadonlySet<string> = new Set([
  'COLUMN_REF',
  'CONSTANT',
  'CAST',
  'COMPARISON',
  'CONJUNCTION',
  'OPERATOR',
  'CASE',
  'BETWEEN',
  'FUNCTION',
  'WINDOW',
  'PARAMETER',
  'COLLATE',
])

const REMEDIES: Readonly<Record<string, readonly [clause: string, remedy: string]>> = {
  SUBQUERY: ['a subquery', 'Join the table instead, or split the query into two features'],
  STAR: ['a *', 'Name the columns: new ones of the source must not change a feature unasked'],
  LAMBDA: ['a lambda', 'Compute it without, or in a feature of its own'],
  POSITIONAL_REFERENCE: ['a column by its place', 'Name the column'],
}

/** Refuses every kind of expression that is not known to depend on its row or group alone. */
export function assertExpressions(select: TreeNode, refuse: Refuse): void {
  const visit = (tree: Tree): void => {
    if (Array.isArray(tree)) for (const item of tree) visit(item)
    if (!isNode(tree)) return
    const kind = textOf(tree['class'])
    if (kind !== undefined && !CLASSES.has(kind)) {
      const [clause, remedy] = REMEDIES[kind] ?? [`an expression of the kind ${kind}`, 'Compute it without that']
      throw refuse(clause, remedy)
    }
    if (kind === 'PARAMETER' && tree['identifier'] !== 'as_of')
      throw refuse(
        `the parameter ${textOf(tree['identifier']) ?? ''}`,
        'The only one is :as_of, the time of the refresh',
      )
    if (kind === 'FUNCTION' && (textOf(tree['schema']) ?? '') !== '')
      throw refuse('a function by its schema', 'Leave the schema out')
    for (const item of Object.values(tree)) visit(item)
  }
  const { from_table: _, ...rest } = select
  visit(rest)
}

/**
 * Refuses conditions of joins that could be true for the NULLs which an outer join before them fills in, when they would not be for the
 * rows that were missing: then no changed row would lead to the key. A comparison is never true of a NULL.
 */
export function assertJoins(
  { inputs, joins }: Outline,
  { resolve, refuse }: { readonly resolve: Resolve; readonly refuse: Refuse },
): void {
  let filled = new Set<number>()
  for (const [index, { type, condition }] of joins.entries()) {
    assertExpressions({ condition }, refuse)
    for (const part of conjunctsOf(condition)) {
      if (hasParameter(part))
        throw refuse(':as_of in ON', 'Put it into WHERE, or into FILTER (WHERE …) of the aggregates')
      const isOfFilled = referencesIn(part).some((reference) => {
        const column = resolve(reference)
        if (column.kind === 'input') return filled.has(column.input)
        return column.kind === 'item' || column.inputs.some((input) => filled.has(input))
      })
      if (isOfFilled && !isStrict(part))
        throw refuse(
          `a condition on the JOIN of ${inputs[index + 1]?.table ?? ''} that may be true where an outer join before it found no row`,
          'Compare its columns plainly, as in a.x = b.y, or split the query into two features',
        )
      if (findNode(part, isAggregate)) throw refuse('an aggregate in ON', 'Put it into HAVING')
    }
    const before = Array.from({ length: index + 1 }, (_, input) => input)
    if (type === 'RIGHT' || type === 'FULL') filled = new Set([...filled, ...before])
    if (type === 'LEFT' || type === 'FULL') filled.add(index + 1)
  }
}

/** The parts of a condition that must all be true. */
export function conjunctsOf(condition: Tree): readonly Tree[] {
  if (!isNode(condition)) return []
  return condition['type'] === 'CONJUNCTION_AND' ? itemsOf(condition['children']).flatMap(conjunctsOf) : [condition]
}

/** Whether the time of the refresh is in a part of the tree. */
export function hasParameter(tree: Tree): boolean {
  return findNode(tree, (node) => node['class'] === 'PARAMETER')
}

/** Whether any part of a tree fulfils a condition. */
export function findNode(tree: Tree, test: (node: TreeNode) => boolean): boolean {
  if (Array.isArray(tree)) return tree.some((item: Tree) => findNode(item, test))
  return isNode(tree) && (test(tree) || Object.values(tree).some((item) => findNode(item, test)))
}

const STRICT_FUNCTIONS: ReadonlySet<string> = new Set(
  '+ - * / // % lower upper trim date_trunc date_diff abs floor ceil round to_days to_hours to_minutes to_seconds trunc'.split(
    ' ',
  ),
)

/** NULL as soon as one of its columns is. */
function isStrict(tree: Tree): boolean {
  if (!isNode(tree)) return true
  switch (tree['class']) {
    case 'COLUMN_REF':
    case 'CONSTANT':
      return true
    case 'CAST':
      return isStrict(tree['child'] ?? null)
    case 'COMPARISON':
      return (
        !['COMPARE_DISTINCT_FROM', 'COMPARE_NOT_DISTINCT_FROM'].includes(textOf(tree['type']) ?? '') &&
        isStrict(tree['left'] ?? null) &&
        isStrict(tree['right'] ?? null)
      )
    case 'BETWEEN':
      return [tree['input'], tree['lower'], tree['upper']].every((part) => isStrict(part ?? null))
    case 'FUNCTION':
      return STRICT_FUNCTIONS.has(functionName(tree)) && itemsOf(tree['children']).every(isStrict)
    default:
      return false
  }
}
