// A place for tables that tests open through the door.

import { join } from 'node:path'
import { batchRows } from '../../src/duckdb/values.ts'
import { readActions } from '../../src/log/read-commit.ts'
import type { Action } from '../../src/protocol/actions.ts'
import type { StructField, StructType } from '../../src/protocol/schema.ts'
import { createTable, type ScanRequest, type Table } from '../../src/table.ts'
import type { TableDefinition } from '../../src/write/create-table.ts'
import { schemaOf, workshop } from '../read/table.ts'

export interface TablePlace {
  readonly folder: string
  readonly fresh: (schema: StructType, definition?: Partial<TableDefinition>) => Promise<Table>
  readonly close: () => Promise<void>
}

/** A folder whose tables share one engine. */
export async function tablePlace(): Promise<TablePlace> {
  const { engine, folder, close } = await workshop()
  let tables = 0
  return {
    folder,
    close,
    fresh: (schema, definition = {}) => {
      tables += 1
      return createTable(join(folder, `table-${tables}`), { schema, ...definition }, { engine })
    },
  }
}

/** The rows of a table, as plain objects in the order of their first column, NULL last. */
export async function rowsOf(
  table: Table,
  request: ScanRequest & { readonly version?: number } = {},
): Promise<readonly object[]> {
  const { version, ...scan } = request
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  const batches = await Array.fromAsync(snapshot.scan(scan))
  return batches
    .flatMap(batchRows)
    .map((row) => ({ ...row }))
    .sort((left, right) => compareFirst(Object.values(left)[0], Object.values(right)[0]))
}

function compareFirst(left: unknown, right: unknown): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null)
  const isNumeric = typeof left === 'bigint' || typeof left === 'number'
  return isNumeric ? Number(left) - Number(right) : String(left).localeCompare(String(right))
}

/** The actions of the newest commit. */
export async function lastActions(table: Table): Promise<readonly Action[]> {
  const { store, version } = await table.snapshot()
  return readActions(store, version)
}

/** A schema whose fields carry metadata, or may not be NULL. */
export function fieldsOf(
  ...fields: readonly (readonly [string, StructField['type'], Partial<StructField>?])[]
): StructType {
  const plain = schemaOf(fields.map(([name, type]) => [name, type]))
  return { type: 'struct', fields: plain.fields.map((field, index) => ({ ...field, ...fields[index]?.[2] })) }
}
