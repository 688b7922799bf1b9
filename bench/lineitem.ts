// Line items of TPC-H, made by DuckDB's tpch extension: sixteen columns, a key of two, decimals and texts as the benchmark has them.

import { literal, openDuck } from './engine.ts'
import { findExtension } from './places.ts'
import { parquetList, type TableShape } from './shape.ts'
import { type BatchSpec, type KnownTable, RECENT_SHARE, type Source, sharesOf } from './source.ts'

const [LONG, TEXT, DAY, MONEY] = [
  { delta: 'long', duckdb: 'BIGINT' },
  { delta: 'string', duckdb: 'VARCHAR' },
  { delta: 'date', duckdb: 'DATE' },
  { delta: 'decimal(15,2)', duckdb: 'DECIMAL(15,2)' },
] as const

const SHAPE: TableShape = {
  table: 'tpch.lineitem',
  key: ['l_orderkey', 'l_linenumber'],
  columns: [
    { name: 'l_orderkey', ...LONG },
    { name: 'l_partkey', ...LONG },
    { name: 'l_suppkey', ...LONG },
    { name: 'l_linenumber', ...LONG },
    { name: 'l_quantity', ...MONEY },
    { name: 'l_extendedprice', ...MONEY },
    { name: 'l_discount', ...MONEY },
    { name: 'l_tax', ...MONEY },
    { name: 'l_returnflag', ...TEXT },
    { name: 'l_linestatus', ...TEXT },
    { name: 'l_shipdate', ...DAY },
    { name: 'l_commitdate', ...DAY },
    { name: 'l_receiptdate', ...DAY },
    { name: 'l_shipinstruct', ...TEXT },
    { name: 'l_shipmode', ...TEXT },
    { name: 'l_comment', ...TEXT },
  ],
}

const ROWS_A_SCALE = 6_000_000

/** TPC-H's table of line items at the scale that has about so many rows. */
export const LINEITEM: Source = {
  name: 'lineitem',
  generation: 1,
  shape: SHAPE,
  writePart: async (_, { rows, part, parts, path }) => {
    // A database of its own: the generator makes all eight tables.
    const duck = await openDuck()
    await duck.run(`LOAD ${literal(await findExtension('tpch'))}`)
    await duck.run(`CALL dbgen(sf = ${rows / ROWS_A_SCALE}, children = ${parts}, step = ${part})`)
    await duck.run(`COPY (SELECT ${parquetList(SHAPE)} FROM lineitem) TO ${literal(path)} (FORMAT parquet)`)
    duck.close()
  },
  batchSql,
}

function batchSql({ seed, parquet }: KnownTable, batch: BatchSpec): string {
  const { changes, number, keys } = batch
  const salt = seed * 1000 + number
  const { inserts, deletes } = sharesOf(batch)
  const all = `read_parquet(${literal(parquet)})`
  const newest =
    keys === 'random' ? '' : `WHERE l_orderkey > (SELECT max(l_orderkey) * ${1 - RECENT_SHARE} FROM ${all})`
  // The chosen rows come back with another status, price and comment; orders that are new take numbers above all others.
  return `
    SELECT "Op", l_orderkey + CASE "Op" WHEN 'I' THEN ${number} * (SELECT max(l_orderkey) FROM ${all}) ELSE 0 END AS l_orderkey,
      * EXCLUDE ("Op", turn, l_orderkey)
        REPLACE (l_extendedprice + 1 AS l_extendedprice, 'F' AS l_linestatus, reverse(l_comment) AS l_comment)
    FROM (
      SELECT *, CASE WHEN turn <= ${deletes} THEN 'D' WHEN turn <= ${deletes + inserts} THEN 'I' ELSE 'U' END AS "Op" FROM (
        SELECT *, row_number() OVER (ORDER BY hash(l_orderkey, l_linenumber, ${salt}), l_orderkey, l_linenumber) AS turn FROM ${all} ${newest}
        QUALIFY turn <= ${changes}))
    ORDER BY turn`
}
