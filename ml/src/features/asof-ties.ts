// Of rows with one time an ASOF join of DuckDB takes the one that happens to lie first, so a compaction could change what is computed.

import { type Engine, quoteName } from '@tributary/delta'
import {
  HISTORY_COLUMNS,
  historyTimeOrderSql,
  isNode,
  parseQuery,
  type Tree,
  type TreeNode,
  textOf,
} from '@tributary/pipeline'
import type { AsofJoin, AsofRules } from './asof-joins.ts'
import type { InputColumns, TypedColumn } from './columns.ts'
import { aliasOfTable } from './parse-feature-sql.ts'
import { selectNodeOf } from './trees.ts'

/** What the order of rows with one time needs to be told. */
export interface TieRules {
  readonly joins: readonly AsofJoin[]
  readonly columns: AsofRules['columns']
  /** The columns that the feature reads, of each input. */
  readonly read: InputColumns
  readonly report: (text: string) => void
}

/** The columns that a feature reads, with those that tell which change in a history is the newest. */
export function withTieColumns(
  read: InputColumns,
  { joins, columns }: Pick<TieRules, 'joins' | 'columns'>,
): InputColumns {
  const histories = joins.filter(({ input }) => isHistory(columns[input] ?? [])).map(({ input }) => input)
  return read.map((names, input) =>
    histories.includes(input) ? [...new Set([...names, ...HISTORY_COLUMNS.map(({ name }) => name)])].sort() : names,
  )
}

function isHistory(columns: readonly TypedColumn[]): boolean {
  return HISTORY_COLUMNS.every(({ name }) => columns.some((column) => column.name === name))
}

/** A SELECT with one row for each time on the right of each ASOF join. */
export async function withoutTies(engine: Engine, select: TreeNode, rules: TieRules): Promise<TreeNode> {
  let { from_table: from = null } = select
  for (const join of rules.joins) from = await withReduced(engine, from, { join, rules })
  return { ...select, from_table: from }
}

async function withReduced(
  engine: Engine,
  from: Tree,
  { join, rules }: { readonly join: AsofJoin; readonly rules: TieRules },
): Promise<Tree> {
  const { input, columns } = join
  const others = (rules.read[input] ?? []).filter((name) => !columns.includes(name))
  // Rows that are equal in all that is read are one to the feature.
  if (others.length === 0) return from
  const isOfHistory = isHistory(rules.columns[input] ?? [])
  const greatest = others.map((name) => `${quoteName(name)} DESC NULLS LAST`).join(', ')
  const order = isOfHistory ? `${historyTimeOrderSql({ isNewestFirst: true })}, ${greatest}` : greatest
  let name = ''
  const reduced = await replaceRight(from)
  const rule = isOfHistory ? 'the newest change' : `the one with the greatest ${others.join(', then ')}`
  rules.report(`ASOF JOIN ${name} takes ${rule} of rows with one time`)
  return reduced

  async function replaceRight(node: Tree): Promise<Tree> {
    if (!isNode(node)) return node
    if (countInputs(node) - 1 > input) return { ...node, left: await replaceRight(node['left'] ?? null) }
    const right = node['right'] ?? null
    if (!isNode(right)) return node
    const alias = textOf(right['alias']) ?? ''
    name = alias === '' ? aliasOfTable(right) : alias
    const list = (rules.read[input] ?? []).map(quoteName).join(', ')
    const template = await parseQuery(
      engine,
      `FROM (SELECT ${list} FROM asof_rows QUALIFY row_number() OVER (PARTITION BY ${columns.map(quoteName).join(', ')} ORDER BY ${order}) = 1) AS ${quoteName(name)}`,
    )
    return { ...node, right: selectNodeOf(template)['from_table'] ?? null }
  }
}

/** How many tables a FROM has; its joins lean to the left. */
function countInputs(from: Tree): number {
  return isNode(from) && from['type'] === 'JOIN' ? countInputs(from['left'] ?? null) + 1 : 1
}
