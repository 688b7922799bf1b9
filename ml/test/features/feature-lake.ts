// A lake of small Delta tables for tests of features, with a clock that tests move.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NewRow } from '@tributary/delta'
import {
  type Clock,
  createTable,
  type DataType,
  type Engine,
  openTable,
  readSnapshot,
  scanSql,
  systemClock,
} from '@tributary/delta'
import { type Lake, openLake } from '@tributary/pipeline'

export interface FeatureLake {
  readonly lake: Lake
  readonly clock: Clock & { set: (ms: number) => void }
  /** Makes a table of the lake. */
  readonly create: (
    name: string,
    columns: Readonly<Record<string, DataType>>,
    rows?: readonly NewRow[],
  ) => Promise<void>
  readonly upsert: (name: string, key: string, rows: readonly NewRow[]) => Promise<void>
  readonly remove: (name: string, column: string, value: bigint | number | string) => Promise<void>
  /** The rows of a table, sorted by their text. */
  readonly rowsOf: (name: string) => Promise<readonly string[]>
  readonly pathOf: (name: string) => string
  readonly close: () => Promise<void>
}

export async function featureLake(engine: Engine): Promise<FeatureLake> {
  const root = await mkdtemp(join(tmpdir(), 'tributary-features-'))
  let nowMs = Date.UTC(2026, 0, 2)
  const clock = {
    ...systemClock,
    now: () => nowMs,
    set: (ms: number) => {
      nowMs = ms
    },
  }
  const lake = openLake(
    {
      landing: join(root, 'landing'),
      lake: join(root, 'lake'),
      dms: {},
      queue: undefined,
      reloadSettleMs: 0,
      cache: { folder: undefined, sizeMiB: 0, indexMiB: 0 },
      tables: [],
    },
    { clock },
  )
  const pathOf = (name: string): string => join(root, 'lake', ...name.split('.'))
  const parts = { engine, clock }
  return {
    lake,
    clock,
    pathOf,
    create: async (name, columns, rows = []) => {
      const fields = Object.entries(columns).map(([column, type]) => ({
        name: column,
        type,
        nullable: true,
        metadata: {},
      }))
      const table = await createTable(
        pathOf(name),
        { schema: { type: 'struct', fields }, deletionVectors: true },
        parts,
      )
      if (rows.length > 0) await table.append(rows)
      await table.close()
    },
    upsert: async (name, key, rows) => {
      const table = await openTable(pathOf(name), parts)
      await table.upsert({ key: [key], changes: rows })
      await table.close()
    },
    remove: async (name, column, value) => {
      const table = await openTable(pathOf(name), parts)
      await table.delete({ kind: '=', column, value })
      await table.close()
    },
    rowsOf: async (name) => {
      const fork = await engine.fork()
      try {
        const rows = await fork.all(`FROM (${await scanSql(fork, await readSnapshot(lake.tableStore(name)))})`)
        return rows.map((row) => Object.values(row).map(String).join(' ')).sort()
      } finally {
        await fork.close()
      }
    },
    close: () => rm(root, { recursive: true, force: true }),
  }
}
