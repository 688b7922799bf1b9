import { type Engine, quoteName } from '@tributary/delta'
import type { Tree, TreeNode } from '@tributary/pipeline'
import { featureSqlFailed } from '../errors.ts'
import { queryFault } from '../query-fault.ts'
import { asofJoins } from './asof-joins.ts'
import { withoutTies, withTieColumns } from './asof-ties.ts'
import { assertExpressions, assertJoins, assertKeyLocal, keyColumns } from './assert-local.ts'
import { bindInputs } from './bind-inputs.ts'
import { columnsOf, readColumns, type TypedColumn } from './columns.ts'
import type { FeatureDefinition } from './definition.ts'
import { assertDeterministic } from './functions.ts'
import { type KeyOwner, keyOwner } from './key-owner.ts'
import { type JoinReads, joinReads } from './needed-joins.ts'
import { parseFeatureSql, refusalsOf } from './parse-feature-sql.ts'
import { rewriteOrder } from './rewrite-order.ts'
import { type TimeEdge, timeEdges } from './time-edges.ts'
import { atTime, selectText } from './trees.ts'

/** SQL of a feature that was found to be key-local, and what is needed to follow changes. */
export interface FeatureQuery {
  readonly statement: TreeNode
  /** With an order wherever one could show, and no ties in ASOF joins. */
  readonly select: TreeNode
  readonly inputs: readonly FeatureInput[]
  /** References to the key's columns, in the order of the entity. */
  readonly key: readonly TreeNode[]
  readonly edges: readonly TimeEdge[]
  /** Inputs on the right of an ASOF join, in order. */
  readonly asofInputs: readonly number[]
  readonly reads: JoinReads
  /** The input that the key belongs to, where there is one. */
  readonly owner: KeyOwner | undefined
  /** What was rewritten, in words. */
  readonly reports: readonly string[]
}

/** A table that a feature reads. */
export interface FeatureInput {
  readonly table: string
  /** The columns that the feature reads: other columns may change without a trace. */
  readonly columns: readonly string[]
}

/** Columns of a table, found by the name that the SQL gives it. */
export type FindColumns = (table: string) => Promise<readonly TypedColumn[]>

/** Says of which feature it is that DuckDB cannot compute. Throws `FEATURE_SQL_FAILED`, and what the work throws. */
export async function orSqlFailed<T>({ name }: Pick<FeatureDefinition, 'name'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const fault = queryFault(error)
    throw fault === undefined ? error : featureSqlFailed(name, fault, error)
  }
}

/**
 * Checks a feature's SQL and prepares it. Reads nothing but the columns of its tables; empty views of them are left on the engine's connection.
 * Throws `FEATURE_SQL_REFUSED`, `QUERY_INVALID`, `QUERY_NOT_SELECT`, and what `findColumns` throws.
 */
export async function compileFeature(
  engine: Engine,
  { name, entity, sql }: Pick<FeatureDefinition, 'name' | 'entity' | 'sql'>,
  findColumns: FindColumns,
): Promise<FeatureQuery> {
  const refuse = refusalsOf(name)
  const outline = await parseFeatureSql(engine, sql, refuse)
  assertExpressions(outline.select, refuse)
  const columns: (readonly TypedColumn[])[] = []
  for (const { table } of outline.inputs) columns.push(await findColumns(table))
  const resolve = columnsOf(
    outline,
    columns.map((known) => known.map((column) => column.name)),
    refuse,
  )
  assertJoins(outline, { resolve, refuse })
  const key = keyColumns(outline, entity, { resolve, refuse })
  assertKeyLocal(outline, key, { resolve, refuse })
  const joins = asofJoins(outline, key, { columns, resolve, refuse })
  await assertDeterministic(engine, outline.select, refuse)
  const edges = timeEdges(outline.select, { resolve, refuse })
  const read = withTieColumns(readColumns(outline, resolve), { joins, columns })
  const names = await createEmptyViews(engine, columns)
  const from = bindInputs(outline, names)
  const reports: string[] = []
  const report = (text: string): void => void (reports.includes(text) || reports.push(text))
  const ordered = await rewriteOrder(engine, {
    outline,
    columns: read.flatMap((list, input) =>
      list.map((column) => columnReference(outline.inputs[input]?.alias ?? '', column)),
    ),
    typeOf: (expression) => typeOf(engine, from, expression),
    refuse,
    report,
  })
  const select = await withoutTies(engine, ordered, { joins, columns, read, report })
  const inputs = outline.inputs.map(({ table }, input) => ({
    table,
    columns: spelled(columns[input] ?? [], read[input] ?? []),
  }))
  const asofInputs = joins.map(({ input }) => input)
  const reads = joinReads(outline, key.map(resolve), resolve)
  const owner = keyOwner(outline, key.map(resolve))
  return { statement: outline.statement, select, inputs, key, edges, asofInputs, reads, owner, reports }
}

/** A table with the columns and no rows, one an input. */
export async function createEmptyViews(
  engine: Engine,
  columns: readonly (readonly TypedColumn[])[],
): Promise<readonly string[]> {
  const names: string[] = []
  for (const [index, known] of columns.entries()) {
    const items = known.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`)
    await engine.run(`CREATE OR REPLACE TEMP VIEW feature_empty_${index} AS SELECT ${items.join(', ')} WHERE false`)
    names.push(`feature_empty_${index}`)
  }
  return names
}

async function typeOf(engine: Engine, from: Tree, expression: Tree): Promise<string> {
  const [column] = await engine.all(
    `DESCRIBE ${await selectText(engine, { items: [await atTime(engine, expression, 0)], from })}`,
  )
  return String(column?.['column_type'])
}

function columnReference(alias: string, column: string): TreeNode {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', column_names: [alias, column] }
}

/** Names as the table spells them. Of a table of which only the number of rows matters the first column stands for them. */
function spelled(columns: readonly TypedColumn[], names: readonly string[]): readonly string[] {
  const known = columns.map(({ name }) => name)
  return names.length === 0 ? known.slice(0, 1) : known.filter((name) => names.includes(name.toLowerCase()))
}
