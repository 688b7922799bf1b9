// Random features over three tables, by a grammar of all shapes that are accepted, and random rows for them.

import { quoteText } from '@tributary/delta'
import fc from 'fast-check'

/** Three tables with the same columns: small numbers, so that rows meet; NULLs wherever a source may have one. */
export const COLUMNS = [
  { name: 'id', type: 'INTEGER' },
  { name: 'k', type: 'INTEGER' },
  { name: 'j', type: 'INTEGER' },
  { name: 'v', type: 'INTEGER' },
  { name: 'm', type: 'DECIMAL(9,2)' },
  { name: 'd', type: 'DOUBLE' },
  { name: 't', type: 'TIMESTAMP WITH TIME ZONE' },
  { name: 's', type: 'VARCHAR' },
] as const

export interface TestRow {
  readonly id: number
  readonly k: number | null
  readonly j: number | null
  readonly v: number | null
  readonly m: number | null
  readonly d: number | null
  /** Hours after the beginning. */
  readonly t: number | null
  readonly s: string | null
}

export const START_MS = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000

export function hoursMs(hours: number): number {
  return START_MS + hours * HOUR_MS
}

/** A table with some of the columns, as statements. */
export function tableSql(name: string, list: readonly TestRow[], columns: readonly string[]): string {
  const known = COLUMNS.filter((column) => columns.includes(column.name))
  const valuesOf = (row: TestRow): string => `(${known.map((column) => literal(row, column.name)).join(', ')})`
  const insert = list.length === 0 ? '' : `INSERT INTO ${name} VALUES ${list.map(valuesOf).join(', ')};`
  return `CREATE TEMP TABLE ${name} (${known.map((column) => `${column.name} ${column.type}`).join(', ')}); ${insert}`
}

function literal(row: TestRow, column: keyof TestRow): string {
  const value = row[column]
  if (value === null) return 'NULL'
  if (typeof value === 'string') return quoteText(value)
  return column === 't' ? `make_timestamptz(${hoursMs(value)}000)` : String(value)
}

const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 6 })
const small = fc.integer({ min: 0, max: 2 })

export const rows: fc.Arbitrary<readonly TestRow[]> = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 0, max: 9 }),
    k: maybe(small),
    j: maybe(small),
    v: maybe(small),
    m: maybe(fc.integer({ min: -300, max: 300 }).map((cents) => cents / 100)),
    d: maybe(fc.constantFrom(0.1, 0.2, 0.3, 1e16, -1e16, 1 / 3)),
    t: maybe(fc.integer({ min: 0, max: 12 })),
    // Some are times, and some are not.
    s: maybe(fc.constantFrom('', 'a', '2026-01-01 05:00:00+00')),
  }),
  { selector: (row) => row.id, maxLength: 7 },
)

const joinType = fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'ASOF JOIN', 'ASOF LEFT JOIN')

interface From {
  readonly text: string
  readonly aliases: readonly string[]
  /** Columns that may be the key. */
  readonly keys: readonly string[]
}

const from: fc.Arbitrary<From> = fc.integer({ min: 1, max: 3 }).chain((count) =>
  fc
    .record({
      tables: fc.array(fc.constantFrom('t0', 't1', 't2'), { minLength: count, maxLength: count }),
      types: fc.array(joinType, { minLength: count - 1, maxLength: count - 1 }),
      using: fc.boolean(),
      nearest: fc.constantFrom('>=', '>', '<=', '<'),
      // Of an ASOF join that knows only times each change concerns all keys.
      isTimed: fc.constantFrom(false, false, false, true),
      isText: fc.constantFrom(false, false, false, false, true),
      columns: fc.array(fc.constantFrom('k', 'j', 'v'), { minLength: 6, maxLength: 6 }),
      partner: fc.nat(1),
      // A third table whose condition speaks of the second: refused where that may be filled with NULLs and the condition be true of them.
      late: fc.constantFrom('', '', '', ' AND b.v > 0', ' AND coalesce(b.v, 1) = 1'),
      extra: fc.constantFrom(
        '',
        ' AND b.v > 0',
        ' AND a.v >= b.j',
        ' AND a.m IS NOT NULL',
        ' AND coalesce(b.v, 1) = 1',
      ),
    })
    .map(({ tables, types, using, nearest, isTimed, isText, columns, partner, extra, late }) => {
      const aliases = ['a', 'b', 'c'].slice(0, count)
      const isAsof = (index: number): boolean => types[index - 1]?.startsWith('ASOF') === true
      const parts = tables.map((table, index) => {
        const alias = aliases[index] ?? ''
        if (index === 0) return `${table} ${alias}`
        const other = aliases[Math.min(index - 1, partner)] ?? 'a'
        const time = `${other}.t ${nearest} ${alias}.t`
        // With a second table before it nobody could tell whose t it means.
        if (using && isAsof(index) && index === 1) return `${types[0]} ${table} ${alias} USING (k, t)`
        if (using && !isAsof(index)) return `${types[index - 1]} ${table} ${alias} USING (k)`
        if (isAsof(index) && isTimed) return `${types[index - 1]} ${table} ${alias} ON ${time}`
        const pair = isText ? ['s', 's'] : [columns[index] ?? 'k', columns[index + 3] ?? 'k']
        const on = `${other}.${pair[0]} = ${alias}.${pair[1]}`
        if (isAsof(index)) return `${types[index - 1]} ${table} ${alias} ON ${on} AND ${time}`
        return `${types[index - 1]} ${table} ${alias} ON ${on}${index === 1 ? extra : late}`
      })
      // The key is on the left of each ASOF join.
      const holders = aliases.filter((_, index) => !aliases.some((_, earlier) => earlier <= index && isAsof(earlier)))
      const keys =
        using && count > 1
          ? ['k', ...holders.flatMap((alias) => [`${alias}.k`, `${alias}.s`])]
          : holders.flatMap((alias) => [`${alias}.k`, `${alias}.j`, `${alias}.s`])
      return { text: parts.join(' '), aliases, keys }
    }),
)

const AGGREGATES = [
  'count(*)',
  'count(X.v)',
  'sum(X.v)',
  'sum(X.d)',
  'avg(X.m)',
  'avg(X.d)',
  'min(X.t)',
  'max(X.v) FILTER (WHERE X.j > 0)',
  'max_by(X.v, X.t)',
  'arg_min(X.d, X.j) FILTER (WHERE X.v IS NOT NULL)',
  'any_value(X.j)',
  'count(DISTINCT X.v)',
  'list(X.v ORDER BY X.t)',
  "string_agg(X.v::VARCHAR, ',')",
  'stddev(X.d)',
  'sum(X.v) FILTER (WHERE X.t > :as_of - INTERVAL 3 HOUR)',
  'bool_or(X.t <= :as_of)',
  'sum(CASE WHEN X.t BETWEEN :as_of - INTERVAL 5 HOUR AND :as_of THEN X.m ELSE 0 END)',
  "bool_and(CASE WHEN X.s LIKE '2026%' THEN CAST(X.s AS TIMESTAMPTZ) > :as_of END)",
  'max(X.s)',
] as const

const WHERES = [
  '',
  'WHERE X.v > 0',
  'WHERE X.id IS NULL',
  'WHERE X.v IS NULL OR X.j = 1',
  'WHERE X.t > :as_of - INTERVAL 4 HOUR',
  'WHERE X.t <= :as_of',
  "WHERE X.t >= date_trunc('day', :as_of) AND X.d IS NOT NULL",
] as const

const HAVINGS = ['', 'HAVING count(*) > 1', 'HAVING max(X.v) >= 1'] as const

const WINDOWS = [
  'row_number() OVER (PARTITION BY KEY ORDER BY X.v)',
  'rank() OVER (PARTITION BY KEY ORDER BY X.t)',
  'lag(X.v) OVER (PARTITION BY KEY ORDER BY X.t)',
  'sum(X.d) OVER (PARTITION BY KEY ORDER BY X.v)',
  'sum(X.v) OVER (PARTITION BY KEY ORDER BY X.t ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)',
  'count(*) OVER (PARTITION BY KEY)',
  'first_value(X.m) OVER (PARTITION BY KEY ORDER BY X.t)',
] as const

/** A random feature. */
export interface RandomFeature {
  readonly sql: string
  readonly entity: readonly string[]
}

export const randomFeature: fc.Arbitrary<RandomFeature> = fc
  .record({
    from,
    key: fc.nat(11),
    // A key of one column or two.
    second: fc.option(fc.nat(11), { freq: 2 }),
    shape: fc.constantFrom('group', 'group', 'window', 'groupWindow', 'distinct'),
    picks: fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
    aggregates: fc.uniqueArray(fc.constantFrom(...AGGREGATES), { minLength: 1, maxLength: 3 }),
    where: fc.constantFrom(...WHERES),
    having: fc.constantFrom(...HAVINGS),
    window: fc.constantFrom(...WINDOWS),
  })
  .map(({ from: { text, aliases, keys }, key, second, shape, picks, aggregates, where, having, window }) => {
    const columns = [...new Set([key, second ?? key].map((pick) => keys[pick % keys.length] ?? ''))]
    const entity = columns.map((_, index) => `key${index}`)
    const keyed = columns.map((column, index) => `${column} AS ${entity[index]}`).join(', ')
    const list = columns.join(', ')
    const of = (part: string, pick: number): string =>
      part.replaceAll('X', aliases[(picks[pick] ?? 0) % aliases.length] ?? 'a').replaceAll('KEY', list)
    const items = aggregates.map((aggregate, index) => `${of(aggregate, index)} AS a${index}`).join(', ')
    const filter = of(where, 3)
    const first = `row_number() OVER (PARTITION BY ${list} ORDER BY ${of('X.v', 4)}) = 1`
    switch (shape) {
      case 'window':
        return {
          entity,
          sql: `SELECT ${keyed}, ${of('X.v', 0)} AS v, ${of(window, 4)} AS w FROM ${text} ${filter} QUALIFY ${first}`,
        }
      case 'groupWindow':
        return {
          entity,
          sql: `SELECT ${keyed}, ${of('X.v', 4)} AS v, ${items} FROM ${text} ${filter} GROUP BY ${list}, ${of('X.v', 4)} QUALIFY row_number() OVER (PARTITION BY ${list} ORDER BY count(*)) = 1`,
        }
      case 'distinct':
        return { entity, sql: `SELECT DISTINCT ${keyed} FROM ${text} ${filter}` }
      default:
        return { entity, sql: `SELECT ${keyed}, ${items} FROM ${text} ${filter} GROUP BY ${list} ${of(having, 4)}` }
    }
  })
