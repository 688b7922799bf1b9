// The oracle: a feature that is kept up to date key by key has to hold what its SQL gives, over plain tables of DuckDB.

import type { Engine } from '@tributary/delta'
import { TributaryError } from '@tributary/delta'
import fc from 'fast-check'
import {
  affectedSql,
  type InputStates,
  type KeyQuery,
  keyQueries,
  type StateTimes,
} from '../../src/features/affected-keys.ts'
import { compileFeature, type FeatureQuery } from '../../src/features/compile.ts'
import { resultSql, rowsOfKeysSql } from '../../src/features/key-queries.ts'
import { COLUMNS, featureSql, hoursMs, rows, type TestRow, valuesOf } from './random-feature.ts'

/** Rows of the three tables, and the hour of the refresh. */
interface State {
  readonly tables: readonly (readonly TestRow[])[]
  readonly hour: number
}

export interface History {
  readonly sql: string
  readonly states: readonly State[]
}

// Most tables stay as they are from state to state, as in life: only so it shows when a change of one table is not followed.
// And of a table that changes some rows stay, or no row would ever lose its partner to another.
const change = fc.record({
  tables: fc.array(fc.option(fc.record({ came: rows, stays: fc.nat(1023) }), { freq: 2 }), {
    minLength: 3,
    maxLength: 3,
  }),
  later: fc.nat(4),
})

export const histories: fc.Arbitrary<History> = fc
  .record({
    sql: featureSql,
    first: fc.array(rows, { minLength: 3, maxLength: 3 }),
    hour: fc.nat(8),
    changes: fc.array(change, { minLength: 2, maxLength: 4 }),
  })
  .map(({ sql, first, hour, changes }) => {
    const states: State[] = [{ tables: first, hour }]
    for (const { tables, later } of changes) {
      const last = states.at(-1) ?? { tables: first, hour }
      states.push({ tables: last.tables.map((old, index) => changed(old, tables[index])), hour: last.hour + later })
    }
    return { sql, states }
  })

/** Rows by the bits of their ids, and those that came in the place of others. */
function changed(
  old: readonly TestRow[],
  change: { readonly came: readonly TestRow[]; readonly stays: number } | undefined | null,
): readonly TestRow[] {
  if (change === undefined || change === null) return old
  const { came, stays } = change
  return [...old.filter(({ id }) => ((stays >> id) & 1) === 1 && !came.some((row) => row.id === id)), ...came]
}

/** How the keys are found; the negative controls leave something out. */
export type FindKeys = (
  engine: Engine,
  query: FeatureQuery,
  states: InputStates,
  times: StateTimes,
) => Promise<readonly KeyQuery[]>

/** `equal`, `refused`, or the first difference between the incremental and the full result. */
export async function findDifference(
  engine: Engine,
  history: History,
  findKeys: FindKeys = keyQueries,
): Promise<string> {
  const fork = await engine.fork()
  try {
    const query = await compileOrUndefined(fork, history.sql)
    if (query === undefined) return 'refused'
    for (const [index, state] of history.states.entries()) {
      await createTables(fork, state, index)
      const difference =
        index === 0
          ? await fork.run(`CREATE TEMP TABLE kept AS ${await resultOf(fork, query, state, 0)}`)
          : await refresh(fork, query, history, { index, findKeys })
      if (typeof difference === 'string') return difference
    }
    return 'equal'
  } finally {
    await fork.close()
  }
}

async function compileOrUndefined(engine: Engine, sql: string): Promise<FeatureQuery | undefined> {
  try {
    return await compileFeature(engine, { name: 'random', entity: ['key'], sql }, async () => COLUMNS)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'FEATURE_SQL_REFUSED') return undefined
    throw error
  }
}

async function createTables(engine: Engine, { tables }: State, index: number): Promise<void> {
  const statements = tables.map((list, table) => {
    const columns = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')
    // Each state has its rows in another order, as after a compaction.
    const turned = index % 2 === 0 ? list : [...list].reverse()
    const insert =
      turned.length === 0 ? '' : `INSERT INTO s${index}_t${table} VALUES ${turned.map(valuesOf).join(', ')};`
    return `CREATE TEMP TABLE s${index}_t${table} (${columns}); ${insert}`
  })
  await engine.run(statements.join('\n'))
}

async function resultOf(
  engine: Engine,
  query: FeatureQuery,
  { hour }: State,
  index: number,
  keys?: string,
): Promise<string> {
  const names = query.inputs.map(({ table }) => `s${index}_${table}`)
  const cut = { names, asOfMs: hoursMs(hour) }
  const sql = await (keys === undefined
    ? resultSql(engine, query, cut)
    : rowsOfKeysSql(engine, query, { ...cut, keys }))
  return `SELECT * FROM (${sql}) WHERE key IS NOT NULL`
}

async function refresh(
  engine: Engine,
  query: FeatureQuery,
  { states: history }: History,
  { index, findKeys }: { readonly index: number; readonly findKeys: FindKeys },
): Promise<string | undefined> {
  const [from, to] = [history[index - 1], history[index]]
  if (from === undefined || to === undefined) return undefined
  const { before, after } = await readChanges(engine, query, index)
  const at = (state: number): readonly string[] => query.inputs.map(({ table }) => `s${state}_${table}`)
  const states = { old: at(index - 1), now: at(index), before, after }
  const queries = await findKeys(engine, query, states, { fromMs: hoursMs(from.hour), toMs: hoursMs(to.hour) })
  if (queries.length > 0) {
    await engine.run(`CREATE OR REPLACE TEMP TABLE affected AS ${affectedSql(query, queries)}`)
    const fresh = await resultOf(engine, query, to, index, 'affected')
    await engine.run(`DELETE FROM kept WHERE key IN (SELECT k0 FROM affected); INSERT INTO kept ${fresh}`)
  }
  const [row] = await engine.all(
    `WITH wanted AS MATERIALIZED (${await resultOf(engine, query, to, index)}) SELECT (SELECT count(*) FROM (FROM kept EXCEPT ALL FROM wanted)) AS extra,
       (SELECT count(*) FROM (FROM wanted EXCEPT ALL FROM kept)) AS missing`,
  )
  const [extra, missing] = [Number(row?.['extra']), Number(row?.['missing'])]
  return extra + missing === 0 ? undefined : `after state ${index}: ${extra} rows too many, ${missing} missing`
}

async function readChanges(
  engine: Engine,
  { inputs }: FeatureQuery,
  index: number,
): Promise<Pick<InputStates, 'before' | 'after'>> {
  const sides = inputs.flatMap(({ table, columns }, input) => {
    const [old, now] = [`s${index - 1}_${table}`, `s${index}_${table}`]
    const less = (left: string, right: string): string =>
      `SELECT ${columns.join(', ')} FROM ${left} EXCEPT ALL SELECT ${columns.join(', ')} FROM ${right}`
    return [
      { name: `before${index}_${input}`, sql: less(old, now) },
      { name: `after${index}_${input}`, sql: less(now, old) },
    ]
  })
  await engine.run(sides.map(({ name, sql }) => `CREATE TEMP TABLE ${name} AS ${sql};`).join('\n'))
  const [row = {}] = await engine.all(
    `SELECT ${sides.map(({ name }) => `(SELECT count(*) FROM ${name}) AS ${name}`).join(', ')}`,
  )
  const side = (kind: 'before' | 'after'): readonly (string | undefined)[] =>
    inputs.map((_, input) => (Number(row[`${kind}${index}_${input}`]) === 0 ? undefined : `${kind}${index}_${input}`))
  return { before: side('before'), after: side('after') }
}
