// DuckDB's own JSON of a variant spells times and bytes in a way that no reader of ours expects, so the text is made here:
// `tributary_variant_json(STRUCT(metadata BLOB, value BLOB))`.

import type * as DuckDB from '@duckdb/node-api'
import { variantJson } from '../protocol/variant-json.ts'
import { plainValue } from './values.ts'

const NAME = 'tributary_variant_json'

/** SQL for the JSON text of a VARIANT; NULL where it is NULL. */
export function variantJsonSql(value: string): string {
  return `CASE WHEN ${value} IS NOT NULL THEN ${NAME}(CAST(variant_to_parquet_variant(${value}) AS STRUCT(metadata BLOB, value BLOB))) END`
}

/** Makes the function known to a database. */
export function registerVariantJson(api: typeof DuckDB, connection: DuckDB.DuckDBConnection): void {
  connection.registerScalarFunction(
    api.DuckDBScalarFunction.create({
      name: NAME,
      returnType: api.VARCHAR,
      parameterTypes: [api.STRUCT({ metadata: api.BLOB, value: api.BLOB })],
      mainFunction: (_, input, output) => {
        for (const [row, value] of input.getColumnValues(0).entries()) output.setItem(row, textOf(api, value))
        output.flush()
      },
    }),
  )
}

function textOf(api: typeof DuckDB, value: DuckDB.DuckDBValue): string | null {
  if (!(value instanceof api.DuckDBStructValue)) return null
  const [metadata, bytes] = [
    plainValue(api, value.entries['metadata'] ?? null),
    plainValue(api, value.entries['value'] ?? null),
  ]
  return metadata instanceof Uint8Array && bytes instanceof Uint8Array ? variantJson(metadata, bytes) : null
}
