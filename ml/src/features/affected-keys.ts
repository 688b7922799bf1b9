import type { Engine } from '@tributary/delta'
import type { InputNames } from './bind-inputs.ts'
import type { FeatureQuery } from './compile.ts'
import { edgeKeysSql, keyNames, linkedKeysSql, noKeysSql } from './key-queries.ts'

/** The inputs of a feature in two states, as tables or views of the engine's connection. */
export interface InputStates {
  readonly old: InputNames
  readonly now: InputNames
  /** Rows that are in the old state only, by input; undefined where there is none. */
  readonly before: readonly (string | undefined)[]
  /** Rows that are in the new state only. */
  readonly after: readonly (string | undefined)[]
}

/** When the two states were, for edges that move. */
export interface StateTimes {
  readonly fromMs: number
  readonly toMs: number
}

/** One SELECT of keys that may have another result, and why. */
export interface KeyQuery {
  readonly kind: 'before' | 'after' | 'edge'
  readonly sql: string
}

/** All key queries between two states. */
export async function keyQueries(
  engine: Engine,
  query: FeatureQuery,
  states: InputStates,
  times: StateTimes,
): Promise<readonly KeyQuery[]> {
  const queries: KeyQuery[] = []
  const follow = async (kind: 'before' | 'after', state: InputNames): Promise<void> => {
    for (const [input, changed] of states[kind].entries()) {
      if (changed === undefined) continue
      const names = state.map((name, other) => (other === input ? changed : name))
      queries.push({ kind, sql: await linkedKeysSql(engine, query, { input, names }) })
    }
  }
  await follow('before', states.old)
  await follow('after', states.now)
  if (times.fromMs !== times.toMs)
    for (const edge of query.edges)
      queries.push({ kind: 'edge', sql: await edgeKeysSql(engine, query, { edge, names: states.now, ...times }) })
  return queries
}

/** A SELECT of all keys of some key queries, each once; without any it gives no row, in the types of the key. A key with a NULL is none. */
export async function affectedSql(
  engine: Engine,
  query: FeatureQuery,
  names: InputNames,
  queries: readonly KeyQuery[],
): Promise<string> {
  const columns = keyNames(query)
  const isWhole = columns.map((name) => `${name} IS NOT NULL`).join(' AND ')
  const keys = queries.length > 0 ? queries.map(({ sql }) => sql) : [await noKeysSql(engine, query, names)]
  return `SELECT DISTINCT ${columns.join(', ')} FROM (${keys.join('\nUNION ALL ')}) WHERE ${isWhole}`
}
