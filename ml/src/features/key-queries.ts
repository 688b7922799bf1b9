// Which keys may have another result: those that a changed row is linked to, in the state where the row is there.
//
//   for each input i:   keys of ( before_i ⋈ the others as they were )  and of  ( after_i ⋈ the others as they are )
//   for each edge:      keys of the rows as they are whose value lies between the old and the new place of the edge
//
// A combination of rows that exists in one state only either holds a changed row itself, or an outer join filled it with NULLs where the
// other state had a changed row that matched; either way the changed row is linked to the key in its own state. WHERE, HAVING and
// QUALIFY are left out: a superset of the keys is right, while a WHERE on a filled-in table would lose some. An input whose changes are
// followed is never the filled-in side, so outer joins towards it lose that half. Keys with a NULL are no keys: such rows are not kept.

import { type Engine, quoteName } from '@tributary/delta'
import { isNode, type Tree, writeQuery } from '@tributary/pipeline'
import { bindInputs, type InputNames } from './bind-inputs.ts'
import type { FeatureQuery } from './compile.ts'
import { withoutNeedless } from './needed-joins.ts'
import type { TimeEdge } from './time-edges.ts'
import { atTime, conjunction, expressionOf, selectText, withSelect } from './trees.ts'

/** The names of a key's columns in key queries: `k0`, `k1`… */
export function keyNames(query: Pick<FeatureQuery, 'key'>): readonly string[] {
  return query.key.map((_, index) => `k${index}`)
}

/** A SELECT of the keys that rows of one input are linked to; `names` has the changed rows in the place of that input. */
export async function linkedKeysSql(engine: Engine, query: FeatureQuery, linked: Linked): Promise<string> {
  const from = withoutNeedless(linkedFrom(query, linked), query.reads, linked.input)
  return selectText(engine, { items: keyItems(query), from })
}

/** Rows of one input, and where the others are joined to them. */
export interface Linked {
  readonly input: number
  readonly names: InputNames
}

/** FROM of a key query: no row of the input that is followed is lost, and none of another stands alone. */
export function linkedFrom(query: FeatureQuery, { input, names }: Linked): Tree {
  const select = { ...query.select, from_table: firstInputs(query, lastNeeded(query, input)) }
  return bindInputs({ select }, names, ({ right, type }) =>
    right === input ? keepRight(type) : right > input ? keepLeft(type) : type,
  )
}

/**
 * The key is on the left of each ASOF join, so a changed row there leads to it without the join. A changed row on the right is one of those
 * that a row of the left may have as its partner, not the one that later joins were made with: they would lose keys.
 */
function lastNeeded({ inputs, asofInputs }: FeatureQuery, input: number): number {
  return asofInputs.includes(input) ? input : (asofInputs.find((other) => other > input) ?? inputs.length) - 1
}

function firstInputs({ select, inputs }: FeatureQuery, last: number): Tree {
  let from = select['from_table'] ?? null
  for (let input = inputs.length - 1; input > last; input--) from = isNode(from) ? (from['left'] ?? null) : from
  return from
}

/** A SELECT of the keys of rows that cross an edge between two times. */
export async function edgeKeysSql(
  engine: Engine,
  query: FeatureQuery,
  {
    edge,
    names,
    fromMs,
    toMs,
  }: { readonly edge: TimeEdge; readonly names: InputNames; readonly fromMs: number; readonly toMs: number },
): Promise<string> {
  const isCrossed = '(__value BETWEEN least(__from, __to) AND greatest(__from, __to))'
  // A value that cannot be computed, as text that is no time, stands behind a CASE or another condition that keeps it from being compared, at
  // both times: or the feature could not be computed at all. Plain columns always can, and TRY would keep them from skipping files.
  const isPlain = isNode(edge.value) && edge.value['type'] === 'COLUMN_REF'
  const where = await expressionOf(engine, isPlain ? isCrossed : `(TRY${isCrossed})`, {
    __value: edge.value,
    __from: await atTime(engine, edge.bound, fromMs),
    __to: await atTime(engine, edge.bound, toMs),
  })
  return selectText(engine, { items: keyItems(query), from: bindInputs(query, names), where })
}

/** A SELECT of no key, in the types that keys have: rows are compared with it as with others. */
export async function noKeysSql(engine: Engine, query: FeatureQuery, names: InputNames): Promise<string> {
  const where = await expressionOf(engine, 'false')
  return selectText(engine, { items: keyItems(query), from: bindInputs(query, names), where })
}

/** The feature's own SELECT over some state of its inputs, for all keys or for those of a relation with the columns of `keyNames`. */
export async function resultSql(
  engine: Engine,
  query: FeatureQuery,
  { names, asOfMs, keys }: { readonly names: InputNames; readonly asOfMs: number; readonly keys?: string },
): Promise<string> {
  const { select } = query
  const wanted = keys === undefined ? null : await isAmong(engine, query, keys)
  const bound = {
    ...select,
    from_table: bindInputs(query, names),
    where_clause: await conjunction(engine, [select['where_clause'] ?? null, wanted]),
  }
  const timed = await atTime(engine, bound, asOfMs)
  return writeQuery(engine, withSelect(query.statement, isNode(timed) ? timed : bound))
}

/**
 * The same for the keys of a relation, where only their rows of the input that owns the key are put into a temporary table first: a
 * condition on the joined rows would read all of it.
 */
export async function rowsOfKeysSql(
  engine: Engine,
  query: FeatureQuery,
  { names, asOfMs, keys }: { readonly names: InputNames; readonly asOfMs: number; readonly keys: string },
): Promise<string> {
  const { owner } = query
  if (owner === undefined) return resultSql(engine, query, { names, asOfMs, keys })
  const own = keyNames(query)
  const pairs = owner.columns.map((column, index) => `t.${quoteName(column)} = k.${own[index]}`).join(' AND ')
  const rows = `${names[owner.input]}_of_keys`
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE ${rows} AS SELECT t.* FROM ${names[owner.input]} t SEMI JOIN ${keys} k ON ${pairs}`,
  )
  return resultSql(engine, query, { names: names.map((name, input) => (input === owner.input ? rows : name)), asOfMs })
}

async function isAmong(engine: Engine, query: FeatureQuery, keys: string): Promise<Tree> {
  const columns = Object.fromEntries(query.key.map((column, index) => [`__k${index}`, column]))
  const own = query.key.map((_, index) => `__k${index}`)
  const sql =
    own.length === 1
      ? `(__k0 IN (SELECT k0 FROM ${keys}))`
      : `(row(${own.join(', ')}) IN (SELECT row(${keyNames(query).join(', ')}) FROM ${keys}))`
  return expressionOf(engine, sql, columns)
}

/** The key's columns under the names of `keyNames`. */
export function keyItems(query: FeatureQuery): readonly Tree[] {
  return query.key.map((column, index) => ({ ...column, alias: `k${index}` }))
}

function keepLeft(type: string): string {
  return type === 'LEFT' || type === 'FULL' ? 'LEFT' : 'INNER'
}

function keepRight(type: string): string {
  return type === 'RIGHT' || type === 'FULL' ? 'RIGHT' : 'INNER'
}
