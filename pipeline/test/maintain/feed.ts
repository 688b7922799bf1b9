// A small lake with one table of orders, fed from change files that a test writes.

import { join } from 'node:path'
import { type Engine, readSnapshot, type Snapshot, scanSql, systemClock } from '@tributary/delta'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, put, type Workplace } from '../support/workplace.ts'

export const TABLE = 'shop.orders'
// Versions are counted here, so upkeep does not add its own.
const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, IncludeOpForFullLoad: true}
tables:
  shop.orders: {key: [id], columns: {id: long, name: string}, upkeep: off}
`

export interface Feed {
  readonly folder: string
  readonly lake: Lake
  readonly engine: Engine
  /** Writes a file of `I,1,Ada` lines; `LOAD00000001` or a time such as `20260301-101500000`. */
  readonly put: (name: string, lines: readonly string[]) => Promise<void>
  /** Applies what waits; the code that stopped the table, if one did. */
  readonly ingest: () => Promise<string | undefined>
  readonly snapshot: (version?: number) => Promise<Snapshot>
  /** `1=Ada`, sorted. */
  readonly rows: (version?: number) => Promise<readonly string[]>
}

export async function openFeed(workplace: Workplace, name: string): Promise<Feed> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, CONFIG, { clock: systemClock })
  const { engine } = workplace
  const snapshot = (version?: number): Promise<Snapshot> =>
    readSnapshot(lake.tableStore(TABLE), version === undefined ? {} : { version })
  return {
    folder,
    lake,
    engine,
    snapshot,
    put: (file, lines) => put(folder, keyOf(file), `Op,id,name\n${lines.map((line) => `${line}\n`).join('')}`),
    ingest: async () => (await ingest(lake, engine)).tables[0]?.stopped?.code,
    rows: async (version) => {
      const fork = await engine.fork()
      const found = await fork.all(
        `SELECT id || '=' || name AS row FROM (${await scanSql(fork, await snapshot(version))}) ORDER BY id`,
      )
      await fork.close()
      return found.map(({ row }) => String(row))
    },
  }
}

/** The key in the landing of a file. */
export function keyOf(file: string): string {
  return `shop/orders/${file}.csv`
}
