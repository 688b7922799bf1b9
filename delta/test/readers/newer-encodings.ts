import type { DataType } from '../../src/protocol/schema.ts'
import type { Table } from '../../src/table.ts'
import type { CellValue } from '../../src/write/cell-text.ts'
import { schemaOf } from '../read/table.ts'
import type { TablePlace } from '../write/support.ts'

/** Rows of so many values that no column of theirs has a dictionary. Texts with NULL among them are what Spark 3.5 reads wrong (SPARK-52240). */
export async function newerEncodings(place: TablePlace): Promise<Table> {
  const columns: readonly (readonly [string, DataType, (id: number) => CellValue])[] = [
    ['id', 'long', (id) => id],
    ['text', 'string', (id) => (id % 10 === 0 ? null : `text ${id * 7919}`)],
    ['integer', 'integer', (id) => (id % 7 === 0 ? null : (id * 7919) % 1_000_003)],
    ['short', 'short', (id) => id - 20_000],
    ['price', 'decimal(12,2)', (id) => `${id}.25`],
    ['large', 'decimal(38,2)', (id) => `${id}00000000000000000000.01`],
    ['bytes', 'binary', (id) => (id % 3 === 0 ? null : Buffer.from(`bytes ${id}`))],
    ['at', 'timestamp', (id) => new Date(1_700_000_000_000 + id * 60_001).toISOString()],
    ['day', 'date', (id) => new Date(id * 86_400_000).toISOString().slice(0, 10)],
    ['list', { type: 'array', elementType: 'integer', containsNull: true }, (id) => (id % 2 === 0 ? [id, null] : [])],
  ]
  const configuration = { 'delta.parquet.format.version': '2.12.0' }
  const table = await place.fresh(schemaOf(columns.map(([name, type]) => [name, type])), {
    deletionVectors: true,
    configuration,
  })
  const make = (id: number) => Object.fromEntries(columns.map(([name, , value]) => [name, value(id)]))
  await table.append(Array.from({ length: 30_000 }, (_, id) => make(id)))
  await table.upsert({ key: ['id'], changes: [{ ...make(5), text: 'changed' }, make(50_000)] })
  return table
}
