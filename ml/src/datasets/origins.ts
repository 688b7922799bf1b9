// Which columns of which tables a column of a query is computed from, row for row, by DuckDB's own syntax tree. What other rows give (windows,
// subqueries in expressions) does not count: yesterday's value is another than today's. Where a name cannot be told nothing is said.
import { isNode, itemsOf, type Tree, type TreeNode, textOf } from '@tributary/pipeline'

/** A column of a table in one place of FROM: a table that is joined to itself is in two. */
export interface Origin {
  readonly place: string
  /** As the query names it. */
  readonly table: string
  readonly column: string
}

/** The columns of a table in lower case; undefined where they are not known. */
export type KnownColumns = (table: string) => ReadonlySet<string> | undefined

/** Says of a column of a query's result what it is computed from; `statement` as `parseQuery` gives it. */
export function originsOf(statement: TreeNode, known: KnownColumns): (column: string) => readonly Origin[] {
  const [first] = itemsOf(statement['statements'])
  const query = queryRelation(isNode(first) ? (first['node'] ?? null) : null, { path: '', ctes: new Map(), known })
  return (column) => query.origins(column.toLowerCase())
}

interface Relation {
  readonly alias: string
  /** Undefined: it may have the column. */
  readonly has: (column: string) => boolean | undefined
  readonly origins: (column: string) => readonly Origin[]
}

interface Scope {
  /** Tells places of FROM apart. */
  readonly path: string
  readonly ctes: ReadonlyMap<string, (path: string) => Relation>
  readonly known: KnownColumns
}

const NOTHING: Relation = { alias: '', has: () => undefined, origins: () => [] }

function queryRelation(node: Tree, outer: Scope): Relation {
  if (!isNode(node)) return NOTHING
  const scope = withCtes(node, outer)
  if (node['type'] === 'SET_OPERATION_NODE') {
    const sides = (['left', 'right'] as const).map((side) =>
      queryRelation(node[side] ?? null, { ...scope, path: `${scope.path}/${side}` }),
    )
    return {
      alias: '',
      has: (column) => sides[0]?.has(column),
      origins: (column) => sides.flatMap(({ origins }) => origins(column)),
    }
  }
  return node['type'] === 'SELECT_NODE' ? selectRelation(node, scope) : NOTHING
}

function withCtes(node: TreeNode, scope: Scope): Scope {
  const ctes = new Map(scope.ctes)
  for (const entry of itemsOf(isNode(node['cte_map']) ? node['cte_map']['map'] : null)) {
    if (!isNode(entry) || !isNode(entry['value']) || !isNode(entry['value']['query'])) continue
    const query = entry['value']['query']['node'] ?? null
    // It sees those before it only, so none reads itself for ever.
    const before = new Map(ctes)
    ctes.set((textOf(entry['key']) ?? '').toLowerCase(), (path) =>
      queryRelation(query, { ...scope, ctes: before, path }),
    )
  }
  return { ...scope, ctes }
}

function selectRelation(select: TreeNode, scope: Scope): Relation {
  const relations = fromRelations(select['from_table'] ?? null, scope)
  const items = itemsOf(select['select_list']).filter(isNode)
  const stars = items.filter(({ type, columns }) => type === 'STAR' && columns !== true)
  const originsIn = (tree: Tree, before: number): readonly Origin[] =>
    referencesIn(tree).flatMap((names) => referenceOrigins(names, before))
  // A name that no table has may be that of an item before: `delay AS d, d > 5 AS label`.
  const referenceOrigins = (names: readonly string[], before: number): readonly Origin[] => {
    const [first = ''] = names
    const found = tableOrigins(relations, names)
    if (found !== undefined) return found
    const index = items.slice(0, before).findIndex((item) => nameOf(item) === first)
    return index < 0 ? [] : originsIn(items[index] ?? null, index)
  }
  return {
    alias: '',
    has: (column) =>
      items.some((item) => nameOf(item) === column) ||
      (stars.length > 0 && relations.some(({ has }) => has(column) === true)) ||
      (stars.length > 0 ? undefined : false),
    origins: (column) => {
      const index = items.findLastIndex((item) => nameOf(item) === column)
      if (index >= 0) return originsIn(items[index] ?? null, index)
      return stars.flatMap((star) => {
        const replaced = itemsOf(star['replace_list']).find((entry) => isNode(entry) && lower(entry['key']) === column)
        if (isNode(replaced)) return originsIn(replaced['value'] ?? null, 0)
        const relation = lower(star['relation_name'])
        return tableOrigins(relations, relation === '' ? [column] : [relation, column]) ?? []
      })
    },
  }
}

/** Undefined where no table has the name. */
function tableOrigins(relations: readonly Relation[], names: readonly string[]): readonly Origin[] | undefined {
  for (const [index, name] of names.slice(0, -1).entries()) {
    const relation = relations.find(({ alias }) => alias === name)
    if (relation !== undefined) return relation.origins(names[index + 1] ?? '')
  }
  const [first = ''] = names
  const sure = relations.filter(({ has }) => has(first) === true)
  const holders = sure.length > 0 ? sure : relations.filter(({ has }) => has(first) === undefined)
  return holders.length === 0 ? undefined : holders.flatMap(({ origins }) => origins(first))
}

function fromRelations(from: Tree, scope: Scope): readonly Relation[] {
  if (!isNode(from)) return []
  const alias = lower(from['alias'])
  switch (from['type']) {
    case 'JOIN':
      return (['left', 'right'] as const).flatMap((side) =>
        fromRelations(from[side] ?? null, { ...scope, path: `${scope.path}/${side}` }),
      )
    case 'SUBQUERY': {
      const query = isNode(from['subquery']) ? (from['subquery']['node'] ?? null) : null
      return [{ ...queryRelation(query, { ...scope, path: `${scope.path}/query` }), alias }]
    }
    case 'BASE_TABLE':
      return [{ ...tableRelation(from, scope), alias: alias === '' ? bareName(from) : alias }]
    default:
      return [{ ...NOTHING, alias }]
  }
}

function tableRelation(from: TreeNode, { path, ctes, known }: Scope): Relation {
  const names = ['catalog_name', 'schema_name', 'table_name'].map((part) => textOf(from[part]) ?? '')
  const table = names.filter((name) => name !== '').join('.')
  const cte = ctes.get(table.toLowerCase())
  if (cte !== undefined) return cte(`${path}/with`)
  const columns = known(table)
  return {
    alias: '',
    has: (column) => columns?.has(column),
    origins: (column) => (columns?.has(column) === false ? [] : [{ place: path, table, column }]),
  }
}

/** The name of a table without an alias, also of `"shop.orders"` in one pair of quotes. */
function bareName(from: TreeNode): string {
  const name = lower(from['table_name'])
  return name.slice(name.lastIndexOf('.') + 1)
}

function nameOf(item: TreeNode): string {
  const alias = lower(item['alias'])
  if (alias !== '' || item['type'] !== 'COLUMN_REF') return alias
  return lower(itemsOf(item['column_names']).at(-1))
}

/** The names of all column references of an expression that mean the row itself. */
function referencesIn(tree: Tree): readonly (readonly string[])[] {
  if (Array.isArray(tree)) return tree.flatMap((item: Tree) => referencesIn(item))
  if (!isNode(tree) || tree['class'] === 'WINDOW' || tree['class'] === 'SUBQUERY') return []
  if (tree['type'] === 'COLUMN_REF') return [itemsOf(tree['column_names']).map(lower)]
  return Object.values(tree).flatMap((item) => referencesIn(item))
}

function lower(tree: Tree | undefined): string {
  return (textOf(tree) ?? '').toLowerCase()
}
