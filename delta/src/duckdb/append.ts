import type * as DuckDB from '@duckdb/node-api'
import { quoteName } from './sql.ts'

/** A value for a column of a temporary table. */
export type AppendValue = string | number | bigint | boolean | Uint8Array | null

export type AppendRows = AsyncIterable<readonly AppendValue[]> | Iterable<readonly AppendValue[]>

// DuckDB's own vector size: a larger chunk is refused.
const CHUNK_ROWS = 2048

/** Append rows to a temporary table, a chunk at a time. */
export async function appendRows(
  { api, connection }: { readonly api: typeof DuckDB; readonly connection: DuckDB.DuckDBConnection },
  { table, columns, rows }: { readonly table: string; readonly columns: readonly string[]; readonly rows: AppendRows },
): Promise<void> {
  const names = (await connection.run(`SELECT * FROM temp.${quoteName(table)} LIMIT 0`)).columnNames()
  const sources = names.map((name) => columns.indexOf(name))
  const appender = await connection.createAppender(table, null, 'temp')
  try {
    const types = names.map((_, column) => appender.columnType(column))
    const isWide = types.map((type) => type.typeId === api.DuckDBTypeId.BIGINT)
    let pending: DuckDB.DuckDBValue[][] = names.map(() => [])
    let count = 0
    const flush = (): void => {
      const chunk = api.DuckDBDataChunk.create(types, count)
      chunk.setColumns(pending)
      appender.appendDataChunk(chunk)
      pending = names.map(() => [])
      count = 0
    }
    const add = (row: readonly AppendValue[]): void => {
      for (const [column, source] of sources.entries()) {
        const value = row[source] ?? null
        if (value instanceof Uint8Array) pending[column]?.push(api.blobValue(value))
        else pending[column]?.push(isWide[column] === true && typeof value === 'number' ? BigInt(value) : value)
      }
      count += 1
      if (count === CHUNK_ROWS) flush()
    }
    // To await each of many rows that are there already takes as long as to append them.
    if (Symbol.asyncIterator in rows) for await (const row of rows) add(row)
    else for (const row of rows) add(row)
    if (count > 0) flush()
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}
