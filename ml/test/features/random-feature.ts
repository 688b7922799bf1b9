// Random features over three tables, by a grammar of all shapes that are accepted, and random rows for them.

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
}

export const START_MS = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000

export function hoursMs(hours: number): number {
  return START_MS + hours * HOUR_MS
}

/** A row as the values of an INSERT. */
export function valuesOf({ id, k, j, v, m, d, t }: TestRow): string {
  const time = t === null ? 'NULL' : `make_timestamptz(${hoursMs(t)}000)`
  return `(${[id, k, j, v, m, d].map((value) => (value === null ? 'NULL' : String(value))).join(', ')}, ${time})`
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
    .map(({ tables, types, using, nearest, isTimed, columns, partner, extra, late }) => {
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
        const on = `${other}.${columns[index] ?? 'k'} = ${alias}.${columns[index + 3] ?? 'k'}`
        if (isAsof(index)) return `${types[index - 1]} ${table} ${alias} ON ${on} AND ${time}`
        return `${types[index - 1]} ${table} ${alias} ON ${on}${index === 1 ? extra : late}`
      })
      // The key is on the left of each ASOF join.
      const holders = aliases.filter((_, index) => !aliases.some((_, earlier) => earlier <= index && isAsof(earlier)))
      const keys =
        using && count > 1
          ? ['k', ...holders.map((alias) => `${alias}.k`)]
          : holders.flatMap((alias) => [`${alias}.k`, `${alias}.j`])
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

/** SQL of a random feature with the entity `key`. */
export const featureSql: fc.Arbitrary<string> = fc
  .record({
    from,
    key: fc.nat(5),
    shape: fc.constantFrom('group', 'group', 'window', 'groupWindow', 'distinct'),
    picks: fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
    aggregates: fc.uniqueArray(fc.constantFrom(...AGGREGATES), { minLength: 1, maxLength: 3 }),
    where: fc.constantFrom(...WHERES),
    having: fc.constantFrom(...HAVINGS),
    window: fc.constantFrom(...WINDOWS),
  })
  .map(({ from: { text, aliases, keys }, key: keyIndex, shape, picks, aggregates, where, having, window }) => {
    const key = keys[keyIndex % keys.length] ?? ''
    const of = (part: string, pick: number): string =>
      part.replaceAll('X', aliases[(picks[pick] ?? 0) % aliases.length] ?? 'a').replaceAll('KEY', key)
    const list = aggregates.map((aggregate, index) => `${of(aggregate, index)} AS a${index}`).join(', ')
    const filter = of(where, 3)
    const first = `row_number() OVER (PARTITION BY ${key} ORDER BY ${of('X.v', 4)}) = 1`
    switch (shape) {
      case 'window':
        return `SELECT ${key} AS key, ${of('X.v', 0)} AS v, ${of(window, 4)} AS w FROM ${text} ${filter} QUALIFY ${first}`
      case 'groupWindow':
        return `SELECT ${key} AS key, ${of('X.v', 4)} AS v, ${list} FROM ${text} ${filter} GROUP BY ${key}, ${of('X.v', 4)} QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY count(*)) = 1`
      case 'distinct':
        return `SELECT DISTINCT ${key} AS key FROM ${text} ${filter}`
      default:
        return `SELECT ${key} AS key, ${list} FROM ${text} ${filter} GROUP BY ${key} ${of(having, 4)}`
    }
  })
