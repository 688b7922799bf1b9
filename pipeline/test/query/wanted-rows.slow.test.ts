// Worth its seconds: a query must not tell which files it opened, whatever it asks for, and these must be fewer where statistics can say so.
import { join } from 'node:path'
import { batchRows, createTable, type Engine, localStore, openTable, type Row, type Store } from '@tributary/delta'
import { beforeAll, expect, test } from 'vitest'
import { prepareQuery } from '../../src/query/sql.ts'
import { useEngine } from '../inspect/build-table.ts'
import { type Random, randomFrom, seedOfRun } from '../support/random.ts'

const { engine, folder } = useEngine()
const FILES = 12
const ROWS = 20
const ROUNDS = 150
let stores: Readonly<Record<string, Store>>

const COLUMNS = {
  id: 'long',
  small: 'short',
  price: 'decimal(9,2)',
  ratio: 'double',
  name: 'string',
  day: 'date',
  moment: 'timestamp',
  local: 'timestamp_ntz',
} as const
type Column = keyof typeof COLUMNS

/** Files hold ranges that overlap a little, some columns NULL now and then. */
beforeAll(async () => {
  const random = randomFrom(seedOfRun())
  const made: Record<string, Store> = {}
  for (const table of ['t', 'u']) {
    const store = localStore(join(folder(), table))
    const fields = Object.entries(COLUMNS).map(([name, type]) => ({ name, type, nullable: true, metadata: {} }))
    await using opened = await createTable(store.url, { schema: { type: 'struct', fields } })
    for (let file = 0; file < FILES; file += 1)
      await opened.append(Array.from({ length: ROWS }, () => rowOf(file * 10 + random.int(0, 12), random)))
    made[table] = store
  }
  stores = made
})

let rows = 0
function rowOf(n: number, random: Random): Record<string, string | number | bigint | null> {
  // No two times are equal: an ASOF join picks any of them.
  rows += 1
  const time = `${dayOf(n)}T10:00:00.${String(rows).padStart(6, '0')}`
  const value = <Of>(of: Of): Of | null => (random.chance(0.1) ? null : of)
  return {
    id: value(BigInt(n)),
    small: value(n),
    price: value(`${n}.25`),
    ratio: value(random.chance(0.02) ? Number.NaN : n / 4),
    name: value(textOf(n)),
    day: value(dayOf(n)),
    moment: value(`${time}Z`),
    local: value(time),
  }
}

function textOf(n: number): string {
  return `name ${String(n).padStart(4, '0')}`
}

function dayOf(n: number): string {
  return new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10)
}

/** Constants that stand for the number in the column's world, some of another type than the column. */
function constantOf(random: Random, column: Column, n: number): string {
  const day = dayOf(n)
  const choices: Readonly<Record<Column, readonly string[]>> = {
    id: [`${n}`, `${n}.5`, `'${n}'`, `${n}::BIGINT`, `${n}e0`, `-${n}`],
    small: [`${n}`, `${n}.5`, `99999`],
    price: [`${n}.25`, `${n}`, `${n}.25::DOUBLE`, `'${n}.25'`],
    ratio: [`${n / 4}`, `${n}::DOUBLE / 4`, `'NaN'`],
    name: [`'${textOf(n)}'`, `'name'`, `'zzz'`, `''`],
    day: [`'${day}'`, `DATE '${day}'`, `TIMESTAMP '${day} 12:00:00'`],
    moment: [`'${day}'`, `'${day} 10:00:00.000007'`, `TIMESTAMPTZ '${day} 10:00:00.000007+00'`, `'${day} 12:00:00+02'`],
    local: [`'${day}'`, `TIMESTAMP '${day} 10:00:00.000007'`, `DATE '${day}'`],
  }
  return random.pick([...choices[column], 'NULL'])
}

function conditionOf(random: Random, alias: string): string {
  const column = random.pick(Object.keys(COLUMNS) as Column[])
  const constant = (): string => constantOf(random, column, random.int(-5, FILES * 10 + 10))
  const name = `${alias}${random.chance(0.2) ? column.toUpperCase() : column}`
  const kind = random.pick(['=', '<', '<=', '>', '>=', '<>'])
  return random.pick([
    `${name} ${kind} ${constant()}`,
    `${constant()} ${kind} ${name}`,
    `${name} BETWEEN ${constant()} AND ${constant()}`,
    `${name} IN (${constant()}, ${constant()})`,
    `(${name} = ${constant()} OR ${name} IS NULL)`,
    `NOT (${name} > ${constant()})`,
    `${name} IS NOT DISTINCT FROM ${constant()}`,
  ])
}

const JOINS = ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN'] as const

function queryOf(random: Random): string {
  const conditions = (aliases: readonly string[]): string =>
    Array.from({ length: random.int(1, 3) }, () => conditionOf(random, random.pick(aliases))).join(' AND ')
  const join = random.pick(JOINS)
  const seen = join === 'SEMI JOIN' || join === 'ANTI JOIN' ? ['a.'] : ['a.', 'b.']
  return random.pick([
    `SELECT * FROM t WHERE ${conditions([''])}`,
    `SELECT count(*) AS n, max(name) AS m FROM t x WHERE ${conditions(['x.', ''])}`,
    `SELECT a.* FROM t a ${join} u b ON a.id = b.small WHERE ${conditions(seen)}`,
    `SELECT a.id, b.name FROM t a ${join.startsWith('S') || join.startsWith('A') ? 'JOIN' : join} u b USING (id) WHERE ${conditions(['a.', 'b.'])}`,
    `SELECT a.id, b.moment FROM t a ASOF JOIN u b ON a.moment >= b.moment WHERE ${conditions(['a.', 'b.'])}`,
    `SELECT a.id, b.id FROM t a POSITIONAL JOIN u b WHERE ${conditions(['a.'])}`,
    `SELECT id FROM t WHERE ${conditions([''])} AND id IN (SELECT small FROM u WHERE ${conditions([''])})`,
    `WITH c AS (SELECT * FROM t WHERE ${conditions([''])}) SELECT * FROM c WHERE ${conditions([''])}`,
    `SELECT n, m FROM (SELECT id AS n, small AS id, name AS m FROM t WHERE ${conditions([''])}) WHERE n > 3`,
    `SELECT x FROM t AS v(x, id) WHERE id > ${random.int(0, 100)}`,
  ])
}

/** Rows and how many files were opened; the text of an error for both sides alike. */
async function outcomeOf(fork: Engine, prepare: () => Promise<string>): Promise<string> {
  try {
    const sql = await prepare()
    const rows: Row[] = []
    for await (const batch of fork.stream(sql)) rows.push(...batchRows(batch))
    return JSON.stringify(rows.map((row) => Object.values(row).map(String).join('|')).toSorted())
  } catch (error) {
    return String(error)
  }
}

test('a query finds the same rows in the files that are left as in all files', { timeout: 120_000 }, async () => {
  const seed = seedOfRun()
  const random = randomFrom(seed)
  // The same rows in tables of DuckDB, which know nothing of files, in the same order.
  const plain = await engine().fork()
  for (const [name, store] of Object.entries(stores)) {
    await using table = await openTable(store.url)
    const { sql } = await prepareAll(plain, name)
    await plain.run(`CREATE TEMP TABLE ${name} AS ${sql}`)
    expect((await table.snapshot()).files).toHaveLength(FILES)
  }
  let [opened, all, failed] = [0, 0, 0]
  for (let round = 0; round < ROUNDS; round += 1) {
    const query = queryOf(random)
    const fork = await engine().fork()
    const found = await outcomeOf(fork, async () => {
      const prepared = await prepareQuery(fork, find, query, { nowMs: 0 })
      for (const { files } of prepared.tables) {
        opened += files?.opened ?? 0
        all += files?.all ?? 0
      }
      return prepared.sql
    })
    const wanted = await outcomeOf(plain, async () => query)
    if (wanted.startsWith('[')) expect(found, `seed ${seed}: ${query}`).toBe(wanted)
    else failed += 1
    await fork.close()
  }
  await plain.close()
  expect(failed, 'most queries are good ones').toBeLessThan(ROUNDS / 3)
  expect(opened, `${opened} of ${all} files were opened`).toBeLessThan(0.9 * all)
})

test.for([
  ['SELECT * FROM t WHERE id = 55', [1, 2]],
  ["SELECT * FROM t WHERE name = 'name 0055'", [1, 2]],
  ['SELECT * FROM t x WHERE x.id BETWEEN 50 AND 55 AND 53 > x.small', [1, 2]],
  ['SELECT * FROM t WHERE price IN (5.25, 115.25)', [2, 3]],
  ["SELECT * FROM t WHERE moment >= '2026-04-24'", [1, 2]],
  ["SELECT * FROM t WHERE moment > TIMESTAMPTZ '2026-04-24 00:00:00+00' AND day > DATE '2026-04-24'", [1, 2]],
  ['SELECT a.id FROM t a LEFT JOIN u b ON a.id = b.id WHERE b.id = 55', [FILES + 1, FILES + 2]],
  ['SELECT * FROM t WHERE moment >= now() + to_years(100)', [0, 0]],
  ['SELECT * FROM t WHERE moment <= now() - to_years(100)', [FILES, FILES]],
  ['SELECT * FROM t WHERE id = 55 OR id IS NULL', [FILES, FILES]],
  ['SELECT * FROM t TABLESAMPLE 50% WHERE id = 55', [FILES, FILES]],
] as const)('%s opens so many files: %j', async ([query, [least, most]]) => {
  const fork = await engine().fork()
  const { tables } = await prepareQuery(fork, find, query, { nowMs: 0 })
  const opened = tables.reduce((sum, { files }) => sum + (files?.opened ?? 0), 0)
  expect(opened).toBeGreaterThanOrEqual(least)
  expect(opened).toBeLessThanOrEqual(most)
  await fork.close()
})

async function find(name: string): Promise<{ name: string; store: Store; key: readonly string[] }> {
  const store = stores[name]
  if (store === undefined) throw new Error(`no table ${name}`)
  return { name, store, key: [] }
}

async function prepareAll(fork: Engine, name: string): Promise<{ readonly sql: string }> {
  return prepareQuery(fork, find, `SELECT * FROM ${name}`, { nowMs: 0 })
}
