// DuckDB's own parser makes the tree and writes it back, so nothing here reads SQL text. Numbers of the tree are kept by their
// digits: 64-bit and 128-bit constants do not fit a JavaScript number.
import { type Engine, quoteText } from '@tributary/delta'
import { queryInvalid, queryNotSelect } from '../errors.ts'

// TypeScript's library does not know these parts of JSON yet.
declare global {
  interface JSON {
    rawJSON(text: string): ExactDigits
    isRawJSON(value: unknown): value is ExactDigits
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
  }
}

/** A part of DuckDB's syntax tree. */
export type Tree = null | boolean | string | ExactDigits | readonly Tree[] | TreeNode

/** A part with fields. */
export interface TreeNode {
  readonly [name: string]: Tree
}

/** A number by its digits, as `JSON.rawJSON` makes it. */
export interface ExactDigits {
  readonly rawJSON: string
}

/** Parses one SELECT statement. Throws `QUERY_INVALID`, or `QUERY_NOT_SELECT` for any other statement and for more than one. */
export async function parseQuery(engine: Engine, sql: string): Promise<TreeNode> {
  const [row] = await engine.all(`SELECT json_serialize_sql(${quoteText(sql)})::VARCHAR AS tree`)
  const tree = parseTree(String(row?.['tree']))
  if (!isNode(tree)) throw queryInvalid('DuckDB gave no syntax tree')
  if (tree['error'] === true) {
    // The one statement that DuckDB can serialize is SELECT; the rest is "not implemented".
    if (tree['error_type'] === 'not implemented') throw queryNotSelect('it is another statement')
    throw queryInvalid(textOf(tree['error_message']) ?? 'it cannot be parsed')
  }
  const statements = tree['statements']
  const count = Array.isArray(statements) ? statements.length : 0
  if (count !== 1) throw queryNotSelect(count === 0 ? 'it is empty' : `it has ${count} statements`)
  return tree
}

/** The SQL text of a tree: always a SELECT. */
export async function writeQuery(engine: Engine, tree: TreeNode): Promise<string> {
  const [row] = await engine.all(`SELECT json_deserialize_sql(${quoteText(JSON.stringify(tree))}::JSON) AS sql`)
  const sql = String(row?.['sql'])
  return itemsOf(tree['statements']).some(isShow) ? `SELECT * FROM (${sql})` : sql
}

/** DESCRIBE, SHOW and SUMMARIZE are written back as such, which can't be described in turn or read from. */
function isShow(statement: Tree): boolean {
  const select = isNode(statement) && isNode(statement['node']) ? statement['node'] : {}
  return isNode(select['from_table']) && select['from_table']['type'] === 'SHOW_REF'
}

/** The value of a constant expression (a literal, a cast, `now() - INTERVAL 1 HOUR`) as text. Throws `QUERY_INVALID`. */
export async function evaluateConstant(engine: Engine, expression: Tree): Promise<string | null> {
  // A subquery could read what the query as a whole may not.
  if (someNode(expression, (node) => 'subquery' in node || node['type'] === 'COLUMN_REF')) {
    throw queryInvalid('a version or time must be a constant, without columns and subqueries')
  }
  const template = await parseQuery(engine, `SELECT CAST('' AS VARCHAR) AS "value"`)
  const sql = await writeQuery(engine, parseNode(replaceConstant(template, withoutAlias(expression))))
  const [row] = await engine.all(sql)
  const value = row?.['value']
  return value === null || value === undefined ? null : String(value)
}

/** Whether anything in a tree fulfils a condition. */
export function someNode(tree: Tree, test: (node: TreeNode) => boolean): boolean {
  if (Array.isArray(tree)) return tree.some((item: Tree) => someNode(item, test))
  if (!isNode(tree)) return false
  return test(tree) || Object.values(tree).some((item) => someNode(item, test))
}

/** Whether a part of the tree has fields. */
export function isNode(tree: Tree | undefined): tree is TreeNode {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !JSON.isRawJSON(tree)
}

/** The text of a field, undefined where there is none. */
export function textOf(tree: Tree | undefined): string | undefined {
  return typeof tree === 'string' ? tree : undefined
}

/** The items of a list, none where there is no list. */
export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return Array.isArray(tree) ? tree : []
}

function replaceConstant(tree: Tree, value: Tree): Tree {
  if (Array.isArray(tree)) return tree.map((item: Tree) => replaceConstant(item, value))
  if (!isNode(tree)) return tree
  if (tree['type'] === 'VALUE_CONSTANT') return value
  return Object.fromEntries(Object.entries(tree).map(([name, item]) => [name, replaceConstant(item, value)]))
}

// The name of a function's argument (`since := …`) is the alias of its expression.
function withoutAlias(expression: Tree): Tree {
  return isNode(expression) ? { ...expression, alias: '' } : expression
}

function parseNode(tree: Tree): TreeNode {
  if (!isNode(tree)) throw queryInvalid('DuckDB gave no syntax tree')
  return tree
}

function parseTree(text: string): Tree {
  const tree: unknown = JSON.parse(text, (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value,
  )
  return tree as Tree
}
