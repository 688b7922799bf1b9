// A project with one table that keeps its history, for tests that look at both.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, scanSql } from '@tributary/delta'
import { historyNameOf } from '../../src/history-table/history-name.ts'
import { historyOrderSql } from '../../src/history-table/history-shape.ts'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, put, snapshotOf } from '../support/workplace.ts'

export const TABLE = 'shop.orders'
export const HISTORY = historyNameOf(TABLE)

/** A landing and lake in a folder of their own. */
export interface HistoryPlace {
  readonly folder: string
  readonly lake: Lake
}

/** `table`: the settings of shop.orders as they stand in a flow map; `dms`: the endpoint's, beside CSV with a header. */
export async function openPlace(
  folder: string,
  {
    table = '',
    dms = '',
    history = true,
  }: { readonly table?: string; readonly dms?: string; readonly history?: boolean } = {},
): Promise<HistoryPlace> {
  await mkdir(folder, { recursive: true })
  const columns = 'id: long, name: string, size: integer'
  return {
    folder,
    lake: await lakeIn(
      folder,
      `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true, CsvNullValue: '\\N'${dms}}
tables:
  ${TABLE}: {key: [id], ${table.includes('columns:') ? '' : `columns: {${columns}}, `}history: ${history}${table}}
`,
    ),
  }
}

/** Puts a landing file with a header; load files were written at 08:00 unless said otherwise. */
export async function land(
  { folder }: HistoryPlace,
  name: string,
  lines: readonly string[],
  { header = 'Op,id,name,size', hour = 8 }: { readonly header?: string; readonly hour?: number } = {},
): Promise<void> {
  await put(folder, `shop/orders/${name}`, [header, ...lines, ''].join('\n'), Date.UTC(2026, 2, 1, hour))
}

/** Ingests, and fails where the table stops. */
export async function take({ lake }: HistoryPlace, engine: Engine): Promise<IngestSummary> {
  const summary = await ingest(lake, engine)
  for (const { stopped } of summary.tables) if (stopped !== null) throw new Error(`${stopped.code}: ${stopped.message}`)
  return summary
}

/** The rows of the live table or its history as one text each: the given columns, NULL as `-`; those of the history in their order. */
export async function rowsOf(
  { lake }: HistoryPlace,
  engine: Engine,
  table: string,
  columns: readonly string[],
): Promise<readonly string[]> {
  const snapshot = await snapshotOf(lake, table)
  if (snapshot === undefined) return []
  const cells = columns.map((column) => `coalesce(CAST(${column} AS VARCHAR), '-')`).join(` || ' ' || `)
  const order = table === HISTORY ? `id, ${historyOrderSql()}` : 'id'
  const rows = await engine.all(`SELECT ${cells} AS line FROM (${await scanSql(engine, snapshot)}) ORDER BY ${order}`)
  return rows.map(({ line }) => String(line))
}

export function historyFolder({ folder }: HistoryPlace): string {
  return join(folder, 'lake/shop/orders__history')
}
