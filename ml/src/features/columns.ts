import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'
import type { Outline, Refuse } from './parse-feature-sql.ts'

/** A column of a table, with DuckDB's name of its type. */
export interface TypedColumn {
  readonly name: string
  readonly type: string
}

/** Column names of each input, in the order of the inputs. */
export type InputColumns = readonly (readonly string[])[]

/** What a column reference means. */
export type Column =
  /** A column of an input, or a field in it. */
  | { readonly kind: 'input'; readonly input: number; readonly path: readonly string[] }
  /** A column that JOIN … USING made of one of each side. */
  | { readonly kind: 'merged'; readonly name: string; readonly inputs: readonly number[] }
  /** The name of an item of SELECT. */
  | { readonly kind: 'item'; readonly item: TreeNode }
  /** Several tables have it. */
  | { readonly kind: 'ambiguous'; readonly name: string; readonly inputs: readonly number[] }

/** Says what a column reference means, as DuckDB would: a column of a table goes before a name of SELECT. */
export type Resolve = (reference: TreeNode) => Column

/** The columns of a query's tables. Names are compared without regard to case. Refuses names that nothing bears. */
export function columnsOf({ inputs, joins, select }: Outline, columns: InputColumns, refuse: Refuse): Resolve {
  const known = columns.map((names) => new Set(names.map((name) => name.toLowerCase())))
  const merged = new Map<string, readonly number[]>()
  for (const [index, { using }] of joins.entries())
    for (const name of using) {
      const sides = inputs.flatMap((_, input) =>
        input <= index + 1 && known[input]?.has(name) === true ? [input] : [],
      )
      merged.set(name, sides)
    }
  const items = itemsOf(select['select_list']).filter(isNode)
  return (reference) => {
    const names = namesOf(reference)
    const [first = '', second] = names
    const schema = inputs.findIndex(({ table }) => names.length > 2 && table.toLowerCase() === `${first}.${second}`)
    const qualified = inputs.findIndex(({ alias }) => names.length > 1 && alias === first)
    if (schema >= 0 && qualified < 0) return inputColumn(schema, names.slice(2))
    if (qualified >= 0) return inputColumn(qualified, names.slice(1))
    const sides = merged.get(first)
    if (sides !== undefined) return { kind: 'merged', name: first, inputs: sides }
    const holders = inputs.flatMap((_, input) => (known[input]?.has(first) === true ? [input] : []))
    const [only] = holders
    if (only !== undefined)
      return holders.length === 1 ? inputColumn(only, names) : { kind: 'ambiguous', name: first, inputs: holders }
    const item = names.length === 1 ? items.find(({ alias }) => textOf(alias)?.toLowerCase() === first) : undefined
    if (item !== undefined) return { kind: 'item', item }
    throw refuse(`the column ${names.join('.')}, which none of its tables has`, 'Correct the name')
  }

  function inputColumn(input: number, path: readonly string[]): Column {
    const [name = ''] = path
    if (known[input]?.has(name) !== true)
      throw refuse(`the column ${name}, which ${inputs[input]?.table ?? ''} does not have`, 'Correct the name')
    return { kind: 'input', input, path }
  }
}

/** The parts of a column reference, in lower case. */
export function namesOf(reference: TreeNode): readonly string[] {
  return itemsOf(reference['column_names']).map((name) => (textOf(name) ?? '').toLowerCase())
}

/** What an item of SELECT is called in the result, in lower case; empty where DuckDB makes a name up. */
export function nameOfItem(item: TreeNode): string {
  const alias = textOf(item['alias']) ?? ''
  if (alias !== '') return alias.toLowerCase()
  return item['type'] === 'COLUMN_REF' ? (namesOf(item).at(-1) ?? '') : ''
}

/** Whether two columns always have one value. */
export function isSameColumn(left: Column, right: Column): boolean {
  if (left.kind === 'input' && right.kind === 'input')
    return left.input === right.input && left.path.join('\n') === right.path.join('\n')
  return left.kind === 'merged' && right.kind === 'merged' && left.name === right.name
}

/** The columns of each input that any part of a query reads, USING included. */
export function readColumns({ inputs, joins, select }: Outline, resolve: Resolve): InputColumns {
  const read = inputs.map(() => new Set<string>())
  for (const [index, { using }] of joins.entries())
    for (const name of using) for (const input of sidesOf(resolve, name, index + 1)) read[input]?.add(name)
  for (const reference of referencesIn(select)) {
    const column = resolve(reference)
    if (column.kind === 'input') read[column.input]?.add(column.path[0] ?? '')
    if (column.kind === 'merged' || column.kind === 'ambiguous')
      for (const input of column.inputs) read[input]?.add(column.name)
  }
  return read.map((names) => [...names].sort())
}

function sidesOf(resolve: Resolve, name: string, last: number): readonly number[] {
  const column = resolve({ type: 'COLUMN_REF', column_names: [name] })
  return column.kind === 'merged' ? column.inputs.filter((input) => input <= last) : []
}

/** All column references in a part of the tree. */
export function referencesIn(tree: Tree): readonly TreeNode[] {
  if (Array.isArray(tree)) return tree.flatMap((item: Tree) => referencesIn(item))
  if (!isNode(tree)) return []
  if (tree['type'] === 'COLUMN_REF') return [tree]
  return Object.values(tree).flatMap((item) => referencesIn(item))
}
