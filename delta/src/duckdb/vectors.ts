import assert from 'node:assert/strict'
import type * as DuckDB from '@duckdb/node-api'

/** Some rows of a result as DuckDB holds them, without an object a value. Good until the next ones are asked for. */
export interface Vectors {
  readonly rowCount: number
  /** A UBIGINT column without NULL. */
  readonly numbers: (column: number) => BigUint64Array
  /** A VARCHAR column. */
  readonly texts: (column: number) => readonly (string | null)[]
}

/** A chunk of a result, column by column as it is asked for. */
export function toVectors(api: typeof DuckDB, chunk: DuckDB.DuckDBDataChunk): Vectors {
  return {
    rowCount: chunk.rowCount,
    numbers: (column) => {
      const vector = chunk.getColumnVector(column)
      assert(vector instanceof api.DuckDBUBigIntVector, 'numbers are read as UBIGINT')
      const numbers = new BigUint64Array(chunk.rowCount)
      for (let row = 0; row < numbers.length; row++) numbers[row] = vector.getItem(row) ?? 0n
      return numbers
    },
    texts: (column) => chunk.getColumnValues(column).map((value) => (value === null ? null : String(value))),
  }
}
