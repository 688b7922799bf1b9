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
import { COLUMNS, hoursMs, type RandomFeature, randomFeature, rows, type TestRow, tableSql } from './random-feature.ts'

/** Rows of the three tables, and the hour of the refresh. */
interface State {
  readonly tables: readonly (readonly TestRow[])[]
  readonly hour: number
}

export interface History extends RandomFeature {
  readonly states: readonly State[]
}

// Some tables stay as they are from state to state, as in life: only so it shows when a change of one table is not followed.
// And of a table that changes some rows stay, or no row would ever lose its partner to another.
const tableChange = fc.record({ isStill: fc.constantFrom(true, false, false), came: rows, stays: fc.nat(1023) })
type TableChange = typeof tableChange extends fc.Arbitrary<infer Change> ? Change : never
const change = fc.record({ tables: fc.array(tableChange, { minLength: 3, maxLength: 3 }), later: fc.nat(4) })

/** Histories of so many changes. After each the whole is compared, so many short ones show more than a few long ones. */
export function historiesOf(length: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<History> {
  const parts = {
    feature: randomFeature,
    first: fc.array(rows, { minLength: 3, maxLength: 3 }),
    hour: fc.nat(8),
    changes: fc.array(change, length),
  }
  return fc.record(parts).map(({ feature, first, hour, changes }) => {
    const states: State[] = [{ tables: first, hour }]
    for (const { tables, later } of changes) {
      const last = states.at(-1) ?? { tables: first, hour }
      // Time alone may go on later; a history without any other row would be none.
      const mayStayStill =
        states.length > 1 || tables.some((table, index) => feature.sql.includes(`t${index}`) && !table.isStill)
      const now = last.tables.map((old, index) => changed(old, tables[index], mayStayStill))
      states.push({ tables: now, hour: last.hour + later })
    }
    return { ...feature, states }
  })
}

/** Rows that stay, by the bits of their ids, and those that came in the place of others. */
function changed(old: readonly TestRow[], change: TableChange | undefined, mayStayStill: boolean): readonly TestRow[] {
  if (change === undefined || (change.isStill && mayStayStill)) return old
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
    const query = await compileOrUndefined(fork, history)
    if (query === undefined) return 'refused'
    await createTables(fork, { query, history, index: 0 })
    await fork.run(`CREATE TEMP TABLE kept AS ${await resultOf(fork, { query, history, index: 0 })}`)
    for (let index = 1; index < history.states.length; index++) {
      await createTables(fork, { query, history, index })
      const difference = await refresh(fork, { query, history, index }, findKeys)
      if (difference !== undefined) return difference
    }
    return 'equal'
  } finally {
    await fork.close()
  }
}

async function compileOrUndefined(engine: Engine, { sql, entity }: RandomFeature): Promise<FeatureQuery | undefined> {
  try {
    return await compileFeature(engine, { name: 'random', entity, sql }, async () => COLUMNS)
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'FEATURE_SQL_REFUSED') return undefined
    throw error
  }
}

/** One state of a history. */
interface Step {
  readonly query: FeatureQuery
  readonly history: History
  readonly index: number
}

function rowsIn({ history }: Step, table: string, index: number): readonly TestRow[] {
  return history.states[index]?.tables[Number(table.slice(1))] ?? []
}

/** Of a table that stays as it is there is one copy. */
function tableName(step: Step, table: string, index = step.index): string {
  const isSame = index > 0 && rowsIn(step, table, index) === rowsIn(step, table, index - 1)
  return isSame ? tableName(step, table, index - 1) : `s${index}_${table}`
}

function namesOf(step: Step, index = step.index): readonly string[] {
  return step.query.inputs.map(({ table }) => tableName(step, table, index))
}

/** Makes the tables that the query reads and that have other rows than before. */
async function createTables(engine: Engine, step: Step): Promise<void> {
  const { query, index } = step
  const statements = [...new Set(query.inputs.map(({ table }) => table))].flatMap((table) => {
    const name = `s${index}_${table}`
    const list = rowsIn(step, table, index)
    // Each state has its rows in another order, as after a compaction.
    const turned = index % 2 === 0 ? list : [...list].reverse()
    const columns = COLUMNS.map((column) => column.name)
    return tableName(step, table) === name ? [tableSql(name, turned, columns)] : []
  })
  if (statements.length > 0) await engine.run(statements.join('\n'))
}

async function resultOf(engine: Engine, step: Step, keys?: string): Promise<string> {
  const { query, history, index } = step
  const cut = { names: namesOf(step), asOfMs: hoursMs(history.states[index]?.hour ?? 0) }
  const sql = await (keys === undefined
    ? resultSql(engine, query, cut)
    : rowsOfKeysSql(engine, query, { ...cut, keys }))
  return `SELECT * FROM (${sql}) WHERE ${history.entity.map((name) => `${name} IS NOT NULL`).join(' AND ')}`
}

async function refresh(engine: Engine, step: Step, findKeys: FindKeys): Promise<string | undefined> {
  const { query, history, index } = step
  const [from = 0, to = 0] = [history.states[index - 1]?.hour, history.states[index]?.hour]
  const states = { old: namesOf(step, index - 1), now: namesOf(step), ...(await createChanges(engine, step)) }
  const queries = await findKeys(engine, query, states, { fromMs: hoursMs(from), toMs: hoursMs(to) })
  const keys = await affectedSql(engine, query, states.now, queries)
  await engine.run(`CREATE OR REPLACE TEMP TABLE affected AS ${keys}`)
  const fresh = await resultOf(engine, step, 'affected')
  const isAffected = history.entity.map((name, part) => `kept.${name} = affected.k${part}`).join(' AND ')
  await engine.run(`DELETE FROM kept USING affected WHERE ${isAffected}; INSERT INTO kept ${fresh}`)
  const [row] = await engine.all(
    `WITH wanted AS MATERIALIZED (${await resultOf(engine, step)}) SELECT (SELECT count(*) FROM (FROM kept EXCEPT ALL FROM wanted)) AS extra,
       (SELECT count(*) FROM wanted) - (SELECT count(*) FROM kept) AS more`,
  )
  const extra = Number(row?.['extra'])
  const missing = extra + Number(row?.['more'])
  return extra + missing === 0 ? undefined : `after state ${index}: ${extra} rows too many, ${missing} missing`
}

/** Makes tables of the rows that went and came, in the columns that the query reads. */
async function createChanges(engine: Engine, step: Step): Promise<Pick<InputStates, 'before' | 'after'>> {
  const { query, index } = step
  const statements: string[] = []
  const side = (kind: 'before' | 'after'): readonly (string | undefined)[] =>
    query.inputs.map(({ table, columns }, input) => {
      const [old, now] = [rowsIn(step, table, index - 1), rowsIn(step, table, index)]
      const list = kind === 'before' ? rowsLess(old, now, columns) : rowsLess(now, old, columns)
      if (list.length === 0) return undefined
      const name = `${kind}${index}_${input}`
      statements.push(tableSql(name, list, columns))
      return name
    })
  const changes = { before: side('before'), after: side('after') }
  if (statements.length > 0) await engine.run(statements.join('\n'))
  return changes
}

/** The rows of one list that another has not, each as often as it is there more often. */
function rowsLess(list: readonly TestRow[], other: readonly TestRow[], columns: readonly string[]): readonly TestRow[] {
  const known = COLUMNS.filter((column) => columns.includes(column.name))
  const textOf = (row: TestRow): string => JSON.stringify(known.map(({ name }) => row[name]))
  const counts = new Map<string, number>()
  for (const row of other) counts.set(textOf(row), (counts.get(textOf(row)) ?? 0) + 1)
  return list.filter((row) => {
    const left = counts.get(textOf(row)) ?? 0
    counts.set(textOf(row), left - 1)
    return left <= 0
  })
}
