// The generated orders. Every value is a hash of the row's key and a salt, so a seed gives the same rows on any number of threads and
// in any order: the same keys with another salt are the new versions of those rows.

import { literal } from './engine.ts'
import { parquetList, type TableShape } from './shape.ts'
import { type BatchSpec, type KnownTable, RECENT_SHARE, type Source, sharesOf } from './source.ts'

const hash = (column: number): string => `hash(key, salt, ${column})`
const STATUSES = `['placed', 'paid', 'packed', 'shipped', 'delivered', 'returned']`

/** The 12 columns in file order with their types, and each value as SQL over `key` and `salt`. */
const COLUMNS = [
  { name: 'order_id', delta: 'long', duckdb: 'BIGINT', value: 'key' },
  { name: 'customer_id', delta: 'long', duckdb: 'BIGINT', value: `(${hash(1)} % 1000000)::BIGINT` },
  { name: 'product', delta: 'string', duckdb: 'VARCHAR', value: `'P' || lpad((${hash(2)} % 50000)::VARCHAR, 6, '0')` },
  { name: 'quantity', delta: 'integer', duckdb: 'INTEGER', value: `(1 + ${hash(3)} % 20)::INTEGER` },
  {
    name: 'price',
    delta: 'decimal(12,2)',
    duckdb: 'DECIMAL(12,2)',
    value: `((${hash(4)} % 10000000)::DECIMAL(9,0) * 0.01)::DECIMAL(12,2)`,
  },
  { name: 'discount', delta: 'double', duckdb: 'DOUBLE', value: `(${hash(5)} % 1000)::DOUBLE / 1000` },
  { name: 'status', delta: 'string', duckdb: 'VARCHAR', value: `(${STATUSES})[(1 + ${hash(6)} % 6)::BIGINT]` },
  {
    name: 'channel',
    delta: 'string',
    duckdb: 'VARCHAR',
    value: `(['web', 'app', 'store', 'phone'])[(1 + ${hash(7)} % 4)::BIGINT]`,
  },
  { name: 'is_gift', delta: 'boolean', duckdb: 'BOOLEAN', value: `${hash(8)} % 10 = 0` },
  {
    name: 'ordered_at',
    delta: 'timestamp',
    duckdb: 'TIMESTAMP',
    value: `TIMESTAMP '2024-01-01' + to_microseconds((${hash(9)} % 63072000000000)::BIGINT)`,
  },
  { name: 'ship_date', delta: 'date', duckdb: 'DATE', value: `DATE '2024-01-01' + (${hash(10)} % 730)::INTEGER` },
  {
    // A tenth is NULL and a tenth has a comma, so that fields are quoted as in life.
    name: 'note',
    delta: 'string',
    duckdb: 'VARCHAR',
    value: `CASE ${hash(11)} % 10 WHEN 0 THEN NULL WHEN 1 THEN 'call first, then deliver' ELSE to_hex(${hash(12)}) END`,
  },
]
const VALUES = COLUMNS.map(({ name, value }) => `${value} AS ${name}`).join(', ')

const SHAPE: TableShape = { table: 'shop.orders', key: ['order_id'], columns: COLUMNS }

/** Orders of a shop: 12 columns, one key that counts up. */
export const ORDERS: Source = {
  name: 'orders',
  generation: 2,
  shape: SHAPE,
  writePart: async (duck, { rows, seed, part, parts, path }) => {
    const size = Math.ceil(rows / parts)
    const [from, to] = [1 + part * size, 1 + Math.min(rows, (part + 1) * size)]
    await duck.run(
      `COPY (SELECT ${parquetList(SHAPE)} FROM (${rowsSql({ from, to, seed })})) TO ${literal(path)} (FORMAT parquet)`,
    )
  },
  batchSql,
}

/** SELECT of the rows with keys in [from, to). */
export function rowsSql(range: { readonly from: number; readonly to: number; readonly seed: number }): string {
  const { from, to, seed } = range
  return `SELECT ${VALUES} FROM (SELECT range AS key, ${seed * 1000} AS salt FROM range(${from}, ${to}))`
}

function batchSql({ rows, seed }: KnownTable, batch: BatchSpec): string {
  const { changes, number, keys } = batch
  const salt = seed * 1000 + number
  const { inserts, deletes } = sharesOf(batch)
  // Enough keys that a batch of distinct ones is left of them.
  const span = keys === 'random' ? rows : Math.max(changes * 2, Math.ceil(rows * RECENT_SHARE))
  const first = rows - span + 1
  const chosen = `
    SELECT key, CASE WHEN number <= ${deletes} THEN 'D' ELSE 'U' END AS op FROM (
      SELECT key, row_number() OVER (ORDER BY key_order) AS number FROM (
        SELECT (hash(range, ${salt}) % ${span})::BIGINT + ${first} AS key, min(range) AS key_order FROM range(${changes * 4}) GROUP BY 1)
    ) WHERE number <= ${changes - inserts}
    UNION ALL
    SELECT range + ${rows + 1 + (number - 1) * inserts}, 'I' FROM range(${inserts})`
  return `SELECT op AS "Op", ${VALUES} FROM (SELECT key, op, ${salt} AS salt FROM (${chosen})) ORDER BY hash(key, salt, 0), key`
}
