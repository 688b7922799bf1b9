// The generated table. Every value is a hash of the row's key and a salt, so a seed gives the same rows on any number of
// threads and in any order: the same keys with another salt are the new versions of those rows.

interface Column {
  readonly name: string
  /** Type in `tributary.yaml`. */
  readonly delta: string
  /** Type by which a peer reads the column from CSV. */
  readonly duckdb: string
  /** SQL over `key` and `salt`. */
  readonly value: string
}

const hash = (column: number): string => `hash(key, salt, ${column})`
const STATUSES = `['placed', 'paid', 'packed', 'shipped', 'delivered', 'returned']`

/** The 12 columns in file order; the first is the key. */
export const COLUMNS: readonly Column[] = [
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

/** Of a batch, this share inserts and this share deletes; the rest updates. */
const INSERT_SHARE = 0.15
const DELETE_SHARE = 0.05

/** SELECT of the table's rows with keys in [from, to). */
export function rowsSql(from: number, to: number, seed: number): string {
  return `SELECT ${values()} FROM (SELECT range AS key, ${seed * 1000} AS salt FROM range(${from}, ${to}))`
}

/** What decides the changes of one batch. */
export interface BatchShape {
  readonly rows: number
  readonly changes: number
  readonly seed: number
  /** 1, 2, …: batches of one table take different keys and give different values. */
  readonly batch: number
}

/**
 * SELECT of one batch: `Op` and the columns. Keys are random over the whole table and distinct within the batch: MERGE refuses a
 * row that matches twice, and thus needs no step of its own that finds the newest change of a key.
 */
export function batchSql({ rows, changes, seed, batch }: BatchShape): string {
  const salt = seed * 1000 + batch
  const inserts = Math.round(changes * INSERT_SHARE)
  const deletes = Math.round(changes * DELETE_SHARE)
  const keys = `
    SELECT key, CASE WHEN number <= ${deletes} THEN 'D' ELSE 'U' END AS op FROM (
      SELECT key, row_number() OVER (ORDER BY key_order) AS number FROM (
        SELECT (hash(range, ${salt}) % ${rows})::BIGINT + 1 AS key, min(range) AS key_order FROM range(${changes * 4}) GROUP BY 1)
    ) WHERE number <= ${changes - inserts}
    UNION ALL
    SELECT range + ${rows + 1 + (batch - 1) * inserts}, 'I' FROM range(${inserts})`
  return `SELECT op AS "Op", ${values()} FROM (SELECT key, op, ${salt} AS salt FROM (${keys})) ORDER BY hash(key, salt, 0), key`
}

/** The columns of `read_csv` for these files, as a STRUCT literal. */
export function csvColumns(options: { readonly withOp: boolean }): string {
  const columns = COLUMNS.map(({ name, duckdb }) => `'${name}': '${duckdb}'`)
  return `{${[...(options.withOp ? [`'Op': 'VARCHAR'`] : []), ...columns].join(', ')}}`
}

/** `SELECT` list that writes a timestamp as DMS does, with six digits. */
export function csvList(): string {
  return COLUMNS.map(({ name, delta }) =>
    delta === 'timestamp' ? `strftime(${name}, '%Y-%m-%d %H:%M:%S.%f') AS ${name}` : name,
  ).join(', ')
}

/** The table's configuration. Paths are relative to the file. */
export const CONFIGURATION = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.orders:
    key: [order_id]
    columns: {${COLUMNS.map(({ name, delta }) => `${name}: '${delta}'`).join(', ')}}
`

function values(): string {
  return COLUMNS.map(({ name, value }) => `${value} AS ${name}`).join(', ')
}
