import { join } from 'node:path'
import { batchRows, describeFields, openEngine, type Row, type Store, TributaryError } from '@tributary/delta'
import { beforeAll, describe, expect, test } from 'vitest'
import { tableUnknown } from '../../src/errors.ts'
import { prepareQuery, sealEngine } from '../../src/query/sql.ts'
import { ordersTable, useEngine } from '../inspect/build-table.ts'

const { engine, folder } = useEngine()
let orders: Store

beforeAll(async () => {
  orders = await ordersTable(engine(), join(folder(), 'orders'), [
    {
      put: [
        { id: 1, amount: '1.00', note: 'a' },
        { id: 2, amount: '2.50', note: 'b' },
      ],
      at: '2026-01-01T00:00:00Z',
    },
    { put: [{ id: 2, amount: '3.50', note: 'b' }], at: '2026-01-02T00:00:00Z' },
    { put: [{ id: 3, note: "it's" }], drop: [1], at: '2026-01-03T00:00:00Z' },
  ])
})

async function run(query: string): Promise<readonly Row[]> {
  const fork = await engine().fork()
  try {
    const find = async (name: string) => {
      if (!['shop.orders', 'orders', '/lake/shop/orders'].includes(name)) throw tableUnknown(name, ['shop.orders'])
      return { name: 'shop.orders', store: orders, key: ['order_id'] }
    }
    const prepared = await prepareQuery(fork, find, query, { nowMs: Date.parse('2026-01-03T01:00:00Z') })
    const rows: Row[] = []
    for await (const batch of fork.stream(prepared.sql)) rows.push(...batchRows(batch))
    return rows.map((row) => ({ ...row }))
  } finally {
    await fork.close()
  }
}

async function codeOf(query: string): Promise<string> {
  try {
    await run(query)
    return 'no error'
  } catch (error) {
    return error instanceof TributaryError ? error.code : String(error)
  }
}

describe('tables', () => {
  test('a query sees the newest version', async () => {
    expect(await run('SELECT order_id, amount FROM shop.orders ORDER BY ALL')).toEqual([
      { order_id: 2n, amount: '3.50' },
      { order_id: 3n, amount: null },
    ])
  })

  test('a bare name, a path, FROM first and SUMMARIZE work', async () => {
    expect(await run('FROM orders SELECT count(*) AS n')).toEqual([{ n: 2n }])
    expect(await run("SELECT count(*) AS n FROM '/lake/shop/orders'")).toEqual([{ n: 2n }])
    expect(await run('SUMMARIZE shop.orders')).toHaveLength(3)
    expect(await run('DESCRIBE shop.orders')).toHaveLength(3)
  })

  test.each(['DESCRIBE shop.orders', 'SHOW shop.orders', 'SUMMARIZE shop.orders', 'DESCRIBE SELECT * FROM orders'])(
    'what %s gives can be described and read from, as the rows of any query',
    async (query) => {
      const fork = await engine().fork()
      const find = async () => ({ name: 'shop.orders', store: orders, key: ['order_id'] })
      const { sql } = await prepareQuery(fork, find, query, { nowMs: 0 })
      const { relation, fields } = await describeFields(fork, sql)
      expect(fields.slice(0, 2).map(({ name }) => name)).toEqual(['column_name', 'column_type'])
      expect((await fork.all(relation)).map((row) => row['column_name'])).toEqual(['order_id', 'amount', 'note'])
      await fork.close()
    },
  )

  test('AT reads an older version by number, text, literal time and expression', async () => {
    expect(await run('SELECT sum(o.amount) AS s FROM shop.orders AS o AT (VERSION => 0)')).toEqual([{ s: '3.50' }])
    expect(await run("SELECT sum(amount) AS s FROM orders AT (VERSION => 'v1')")).toEqual([{ s: '4.50' }])
    expect(await run("SELECT count(*) AS n FROM orders AT (TIMESTAMP => '2026-01-02')")).toEqual([{ n: 2n }])
    expect(
      await run("SELECT sum(amount) AS s FROM orders AT (TIMESTAMP => TIMESTAMP '2026-01-03' - INTERVAL 1 HOUR)"),
    ).toEqual([{ s: '4.50' }])
    expect(await codeOf("FROM orders AT (TIMESTAMP => '2025-01-01')")).toBe('TIMESTAMP_TOO_EARLY')
    expect(await codeOf('FROM orders AT (VERSION => 9)')).toBe('VERSION_NOT_FOUND')
    expect(await codeOf("FROM orders AT (VERSION => (SELECT max(x) FROM read_text('/etc/passwd') t(x)))")).not.toBe(
      'no error',
    )
  })

  test('two versions of one table can be joined', async () => {
    const rows = await run(`SELECT now.order_id, was.amount AS was, now.amount
      FROM orders AS now JOIN orders AS was AT (VERSION => 0) USING (order_id)`)
    expect(rows).toEqual([{ order_id: 2n, was: '2.50', amount: '3.50' }])
  })

  test('a column may be named with its schema and table', async () => {
    expect(await run('SELECT shop.orders.order_id AS id FROM shop.orders WHERE shop.orders.amount > 1')).toEqual([
      { id: 2n },
    ])
    expect(await run('SELECT orders.order_id AS id FROM shop.orders WHERE orders.amount > 1')).toEqual([{ id: 2n }])
  })

  test('a constant beyond 53 bits stays exact', async () => {
    expect(await run('SELECT 9223372036854775807 AS n, count(*) AS c FROM orders')).toEqual([
      { n: 9223372036854775807n, c: 2n },
    ])
  })
})

describe('scopes', () => {
  test('a CTE hides a table of its name, and its own body still means the table', async () => {
    expect(await run('WITH orders AS (SELECT 7 AS x) SELECT x FROM orders')).toEqual([{ x: 7 }])
    expect(await run('WITH orders AS (SELECT count(*) AS n FROM orders) SELECT n FROM orders')).toEqual([{ n: 2n }])
    expect(await run('WITH a AS (SELECT count(*) AS n FROM orders), b AS (FROM a) SELECT n FROM B')).toEqual([
      { n: 2n },
    ])
    expect(await run('WITH orders AS (SELECT 7 AS x) SELECT count(*) AS n FROM shop.orders')).toEqual([{ n: 2n }])
  })

  test('a CTE ends with its query', async () => {
    expect(
      await run('SELECT (WITH orders AS (SELECT 7 AS x) SELECT x FROM orders) AS x, count(*) AS n FROM orders'),
    ).toEqual([{ x: 7, n: 2n }])
  })

  test('a CTE around a recursive one does not see itself', async () => {
    const inner = 'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2) SELECT max(n) FROM r'
    expect(await run(`WITH orders AS (SELECT count(*) + (${inner}) AS n FROM orders) SELECT n FROM orders`)).toEqual([
      { n: 4n },
    ])
  })

  test('a recursive CTE sees itself', async () => {
    expect(
      await run(
        'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT count(*) FROM orders)) SELECT sum(n) AS s FROM r',
      ),
    ).toEqual([{ s: 3n }])
  })

  test('subqueries, IN, EXISTS and UNION reach the tables', async () => {
    expect(await run('SELECT 1 AS x WHERE EXISTS (FROM orders) AND 2 IN (SELECT order_id FROM orders)')).toEqual([
      { x: 1 },
    ])
    expect(await run('SELECT count(*) AS n FROM (FROM orders UNION ALL FROM orders AT (VERSION => 0))')).toEqual([
      { n: 4n },
    ])
    expect(
      await run(
        'SELECT * FROM (PIVOT orders ON order_id IN (2, 3) USING count(*) GROUP BY amount) WHERE amount IS NULL',
      ),
    ).toHaveLength(1)
  })
})

describe('changes()', () => {
  test('gives the changes after since, up to until', async () => {
    const rows = await run(
      `SELECT order_id, _change_type AS t, _commit_version AS v FROM changes('shop.orders', since := 'v0') ORDER BY v, order_id, t DESC`,
    )
    expect(rows).toEqual([
      { order_id: 2n, t: 'update_preimage', v: 1n },
      { order_id: 2n, t: 'update_postimage', v: 1n },
      { order_id: 1n, t: 'delete', v: 2n },
      { order_id: 3n, t: 'insert', v: 2n },
    ])
    expect(await run(`SELECT count(*) AS n FROM changes('orders', since := 0, until := 'v1') c`)).toEqual([{ n: 2n }])
    expect(await run(`SELECT count(*) AS n FROM changes('orders')`)).toEqual([{ n: 6n }])
    expect(await run(`SELECT count(*) AS n FROM changes('orders', since := 'v2')`)).toEqual([{ n: 0n }])
  })

  test('takes durations and times', async () => {
    expect(await run(`SELECT count(*) AS n FROM changes('orders', since := '2h')`)).toEqual([{ n: 2n }])
    expect(await run(`SELECT count(*) AS n FROM changes('orders', since := TIMESTAMP '2026-01-01 12:00:00')`)).toEqual([
      { n: 4n },
    ])
    expect(await run(`SELECT count(*) AS n FROM changes('orders', since := '9d')`)).toEqual([{ n: 6n }])
  })

  test('it takes what the flags of the verb take', async () => {
    expect(
      await run(
        `SELECT order_id, _change_type AS t, note FROM changes('orders', since := 'v0', net := true) ORDER BY ALL`,
      ),
    ).toEqual([
      { order_id: 1n, t: 'delete', note: 'a' },
      { order_id: 2n, t: 'update_postimage', note: 'b' },
      { order_id: 2n, t: 'update_preimage', note: 'b' },
      { order_id: 3n, t: 'insert', note: "it's" },
    ])
    expect(await run(`SELECT count(*) AS n FROM changes('orders', from_version := 1, to_version := 'v1')`)).toEqual([
      { n: 2n },
    ])
    expect(
      await run(`SELECT count(*) AS n FROM changes('orders', since := 'v0', by := 'commit', key := 'id')`),
    ).toEqual([{ n: 4n }])
    for (const wrong of ["net := 'yes'", "by := 'me'", "from_version := 'soon'", "since := 'v0', from_version := 1"])
      expect(await codeOf(`FROM changes('orders', ${wrong})`)).toBe('QUERY_INVALID')
  })

  test('says what is wrong with its arguments', async () => {
    expect(await codeOf(`FROM changes('orders', since := 'v2', until := 'v1')`)).toBe('RANGE_EMPTY')
    expect(await codeOf(`FROM changes('orders', since := 'soon')`)).toBe('VERSION_TEXT_INVALID')
    expect(await codeOf(`FROM changes('orders', form := 1)`)).toBe('QUERY_INVALID')
    expect(await codeOf('FROM changes()')).toBe('QUERY_INVALID')
  })
})

describe('what is refused', () => {
  test.each([
    ["SELECT * FROM read_csv('/etc/passwd')", 'QUERY_FUNCTION_REFUSED'],
    ["SELECT * FROM read_text('/etc/passwd')", 'QUERY_FUNCTION_REFUSED'],
    ["SELECT * FROM glob('/*')", 'QUERY_FUNCTION_REFUSED'],
    ["SELECT (SELECT content FROM read_text('/etc/passwd'))", 'QUERY_FUNCTION_REFUSED'],
    ["SELECT * FROM query('SELECT 1')", 'QUERY_FUNCTION_REFUSED'],
    ["SELECT * FROM '/etc/passwd'", 'TABLE_UNKNOWN'],
    ['SELECT * FROM duckdb_settings', 'TABLE_UNKNOWN'],
    ['SELECT * FROM ordres', 'TABLE_UNKNOWN'],
    ['SELECT * FROM temp.main.__tributary_0', 'TABLE_UNKNOWN'],
    ["COPY orders TO '/tmp/x'", 'QUERY_NOT_SELECT'],
    ['DELETE FROM orders', 'QUERY_NOT_SELECT'],
    ["ATTACH '/tmp/x.db'", 'QUERY_NOT_SELECT'],
    ['SET memory_limit = 1', 'QUERY_NOT_SELECT'],
    ['SELECT 1; SELECT 2', 'QUERY_NOT_SELECT'],
    ['', 'QUERY_NOT_SELECT'],
    ['SELECT 1 +', 'QUERY_INVALID'],
    ['SHOW TABLES', 'QUERY_INVALID'],
  ])('%s', async (query, code) => {
    expect(await codeOf(query)).toBe(code)
  })
})

test('a sealed engine still runs the query, and opens nothing outside of the folders', async () => {
  const own = await openEngine({ threads: 1 })
  try {
    const find = () => Promise.resolve({ name: 'shop.orders', store: orders, key: ['order_id'] })
    const prepared = await prepareQuery(own, find, 'SELECT count(*) AS n FROM orders', { nowMs: 0 })
    await sealEngine(own, prepared.folders)
    expect((await own.all(prepared.sql)).map((row) => ({ ...row }))).toEqual([{ n: 2n }])
    await expect(own.all(`SELECT * FROM read_text('/etc/hostname')`)).rejects.toThrow(/disabled by configuration/)
  } finally {
    await own.close()
  }
})
