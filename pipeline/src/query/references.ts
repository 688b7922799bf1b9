// Finds what a query reads from, and puts the names of views in its place. Everything that is neither a CTE of the query nor one
// of our tables stays out: DuckDB would take an unknown name for a file, and its table functions read any file of the machine.
import { queryFunctionRefused, queryInvalid } from '../errors.ts'
import { isNode, itemsOf, type Tree, type TreeNode, textOf } from './syntax-tree.ts'
import { type Conditions, conditionsOf } from './wanted-rows.ts'

/** Something that a query reads from; the expressions are evaluated by DuckDB later. */
export type Reference =
  | {
      readonly kind: 'table'
      readonly table: string
      readonly at?: { readonly unit: 'VERSION' | 'TIMESTAMP'; readonly expression: Tree }
      /** What every row that the query takes from it has to fulfil. */
      readonly conditions?: Conditions
    }
  | { readonly kind: 'changes'; readonly table: string; readonly options: ReadonlyMap<ChangesOption, Tree> }

const CHANGES_OPTIONS = ['since', 'until', 'from_version', 'to_version', 'net', 'by', 'key'] as const
/** What `changes(…)` takes by name. */
export type ChangesOption = (typeof CHANGES_OPTIONS)[number]

/** A query that reads from the views `temp.main.<name of the view>`, one a reference. */
export interface ReboundQuery {
  readonly tree: TreeNode
  readonly references: readonly Reference[]
}

/** The view that stands for the n-th reference of a query. */
export function viewName(index: number): string {
  return `__tributary_${index}`
}

/** Replaces the tables and the `changes(…)` of a query by views. Throws `QUERY_FUNCTION_REFUSED`, `QUERY_INVALID`. */
export function rebindQuery(query: TreeNode): ReboundQuery {
  const found: Found = { references: [], qualified: new Set(), conditions: new Map() }
  const tree = shortenColumns(rebindFields(found, query, new Set()), found.qualified)
  return { tree: isNode(tree) ? tree : query, references: found.references }
}

/** Collected on the way through the tree. */
interface Found {
  readonly references: Reference[]
  /** Tables that were named with their schema and without an alias. */
  readonly qualified: Set<string>
  /** By the nodes of the tables. */
  readonly conditions: Map<TreeNode, Conditions>
}

/** The CTEs that a part of the tree sees, in lower case. */
type Scope = ReadonlySet<string>

function rebind(found: Found, tree: Tree, scope: Scope): Tree {
  if (Array.isArray(tree)) return tree.map((item: Tree) => rebind(found, item, scope))
  if (!isNode(tree)) return tree
  switch (tree['type']) {
    case 'SELECT_NODE':
      for (const [table, conditions] of conditionsOf(tree)) found.conditions.set(table, conditions)
      return rebindFields(found, tree, scope)
    case 'BASE_TABLE':
      return rebindTable(found, tree, scope)
    case 'TABLE_FUNCTION':
      return rebindFunction(found, tree, scope)
    case 'FUNCTION':
      refuseFunction(tree)
      return rebindFields(found, tree, scope)
    case 'SHOW_REF':
      if (!isNode(tree['query'])) {
        throw queryInvalid('SHOW and DESCRIBE need a table here; `tributary status` lists the tables')
      }
      return rebindFields(found, tree, scope)
    default:
      return rebindFields(found, tree, scope)
  }
}

function rebindFields(found: Found, node: TreeNode, scope: Scope): TreeNode {
  const { map, inner } = rebindCtes(found, node['cte_map'], scope)
  const fields = Object.entries(node).map(([name, item]): [string, Tree] => [
    name,
    name === 'cte_map' ? map : rebind(found, item, inner),
  ])
  return Object.fromEntries(fields)
}

// A CTE sees those before it; itself only when it is recursive. The body sees all.
function rebindCtes(found: Found, ctes: Tree | undefined, scope: Scope): { readonly map: Tree; readonly inner: Scope } {
  if (!isNode(ctes)) return { map: ctes ?? null, inner: scope }
  const inner = new Set(scope)
  const map = itemsOf(ctes['map']).map((entry) => {
    const name = (isNode(entry) ? (textOf(entry['key']) ?? '') : '').toLowerCase()
    const bound = rebind(found, entry, isRecursive(entry) ? new Set([...inner, name]) : inner)
    inner.add(name)
    return bound
  })
  return { map: { ...ctes, map }, inner }
}

// The entry's own query, not one further in.
function isRecursive(entry: Tree): boolean {
  const value = isNode(entry) && isNode(entry['value']) ? entry['value'] : {}
  const query = isNode(value['query']) ? value['query'] : {}
  return isNode(query['node']) && query['node']['type'] === 'RECURSIVE_CTE_NODE'
}

function rebindTable(found: Found, node: TreeNode, scope: Scope): TreeNode {
  const { catalog, schema, table } = namesOf(node)
  const alias = textOf(node['alias']) ?? ''
  const at = isNode(node['at_clause']) ? node['at_clause'] : undefined
  const isPlain = catalog === '' && (schema === '' || schema === 'recurring') && at === undefined
  if (isPlain && scope.has(table.toLowerCase())) return node
  if (alias === '' && schema !== '') found.qualified.add(qualifiedName(schema, table))
  const name = [catalog, schema, table].filter((part) => part !== '').join('.')
  const conditions = found.conditions.get(node)
  const reference: Reference = {
    kind: 'table',
    table: name,
    ...timeOf(at),
    ...(conditions === undefined ? {} : { conditions }),
  }
  return bindView(found, node, reference, alias === '' ? lastPart(table) : alias)
}

function rebindFunction(found: Found, node: TreeNode, scope: Scope): TreeNode {
  const call = isNode(node['function']) ? node['function'] : {}
  const name = (textOf(call['function_name']) ?? '').toLowerCase()
  if (name !== 'changes') {
    if (!SAFE_FUNCTIONS.has(name)) throw queryFunctionRefused(name, [...SAFE_FUNCTIONS, 'changes'])
    return rebindFields(found, node, scope)
  }
  const alias = textOf(node['alias']) ?? ''
  return bindView(found, node, changesOf(call), alias === '' ? 'changes' : alias)
}

function bindView(found: Found, node: TreeNode, reference: Reference, alias: string): TreeNode {
  found.references.push(reference)
  return {
    ...pick(node, ['sample', 'query_location', 'column_name_alias']),
    type: 'BASE_TABLE',
    alias,
    catalog_name: 'temp',
    schema_name: 'main',
    table_name: viewName(found.references.length - 1),
    at_clause: null,
  }
}

/** Refuses what a query may not call anywhere in an expression. Throws `QUERY_FUNCTION_REFUSED`. */
export function assertHarmless(expression: Tree): void {
  rebind({ references: [], qualified: new Set(), conditions: new Map() }, expression, new Set())
}

function refuseFunction(node: TreeNode): void {
  const name = (textOf(node['function_name']) ?? '').toLowerCase()
  if (REFUSED_FUNCTIONS.has(name)) throw queryFunctionRefused(name, [...SAFE_FUNCTIONS, 'changes'])
}

// They do more than compute with their arguments: they plan other queries, which opens the files that those name; they tell settings, or
// hold the engine.
const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  'json_serialize_plan',
  'json_execute_serialized_sql',
  'current_setting',
  'getenv',
  'getvariable',
  'write_log',
  'nextval',
  'currval',
  'sleep_ms',
  'pg_sleep',
])

// They make rows from their arguments and read nothing.
const SAFE_FUNCTIONS: ReadonlySet<string> = new Set([
  'range',
  'generate_series',
  'unnest',
  'json_each',
  'json_tree',
  'repeat',
  'repeat_row',
])

function namesOf(node: TreeNode): { readonly catalog: string; readonly schema: string; readonly table: string } {
  const [catalog = '', schema = '', table = ''] = ['catalog_name', 'schema_name', 'table_name'].map(
    (name) => textOf(node[name]) ?? '',
  )
  return { catalog, schema, table }
}

function timeOf(at: TreeNode | undefined): Pick<Extract<Reference, { kind: 'table' }>, 'at'> {
  if (at === undefined) return {}
  const unit = textOf(at['unit'])?.toUpperCase()
  if (unit !== 'VERSION' && unit !== 'TIMESTAMP')
    throw queryInvalid(`AT knows VERSION and TIMESTAMP, not ${unit ?? 'this'}`)
  return { at: { unit, expression: at['expr'] ?? null } }
}

function changesOf(call: TreeNode): Reference {
  const options = new Map<ChangesOption, Tree>()
  const positional: Tree[] = []
  let isKnown = true
  for (const argument of itemsOf(call['children'])) {
    const name = isNode(argument) ? (textOf(argument['alias']) ?? '').toLowerCase() : ''
    const option = CHANGES_OPTIONS.find((known) => known === name)
    if (name === '') positional.push(argument)
    else if (option === undefined) isKnown = false
    else options.set(option, argument)
  }
  const table = positional.map(constantText)[0]
  if (!isKnown || positional.length !== 1 || table === undefined) {
    throw queryInvalid(
      `changes() takes a table's name in quotes and optionally ${CHANGES_OPTIONS.join(', ')}: changes('shop.orders', since := 'v12', net := true)`,
    )
  }
  return { kind: 'changes', table, options }
}

function constantText(expression: Tree): string | undefined {
  if (!isNode(expression) || expression['type'] !== 'VALUE_CONSTANT' || !isNode(expression['value'])) return undefined
  return textOf(expression['value']['value'])
}

// A table keeps its own name as alias, so `shop.orders.amount` has to become `orders.amount`.
function shortenColumns(tree: Tree, qualified: ReadonlySet<string>): Tree {
  if (qualified.size === 0) return tree
  if (Array.isArray(tree)) return tree.map((item: Tree) => shortenColumns(item, qualified))
  if (!isNode(tree)) return tree
  if (tree['type'] === 'COLUMN_REF') {
    const names = itemsOf(tree['column_names'])
    const [schema, table] = names.map(textOf)
    const isQualified =
      names.length > 2 && schema !== undefined && table !== undefined && qualified.has(qualifiedName(schema, table))
    return isQualified ? { ...tree, column_names: names.slice(1) } : tree
  }
  return Object.fromEntries(Object.entries(tree).map(([name, item]) => [name, shortenColumns(item, qualified)]))
}

function qualifiedName(schema: string, table: string): string {
  return JSON.stringify([schema.toLowerCase(), table.toLowerCase()])
}

function lastPart(table: string): string {
  return table.split('/').findLast((part) => part !== '') ?? table
}

function pick(node: TreeNode, names: readonly string[]): TreeNode {
  return Object.fromEntries(Object.entries(node).filter(([name]) => names.includes(name)))
}
