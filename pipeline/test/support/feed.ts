import { join } from 'node:path'
import { commitInfoOf, readCommits, scanSql } from '@tributary/delta'
import { expect } from 'vitest'
import { type IngestSummary, ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import type { IngestEvent, IngestOptions } from '../../src/worker/run.ts'
import { lakeIn, put, snapshotOf, type Workplace } from './workplace.ts'

export const TABLE = 'shop.orders'
export const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.orders: {key: [id], columns: {id: long, note: string}}
`

/** A table that is fed file by file, and what is seen of it. */
export interface Feed {
  readonly lake: Lake
  readonly events: readonly IngestEvent[]
  /** Puts a file of changes; `take` takes in what waits, and `ingest` is both. */
  readonly put: (lines: readonly string[]) => Promise<void>
  readonly take: (options: IngestOptions) => Promise<IngestSummary>
  readonly ingest: (lines: readonly string[], options?: IngestOptions) => Promise<void>
  readonly fileOf: (batch: number) => string
  readonly snapshot: () => Promise<NonNullable<Awaited<ReturnType<typeof snapshotOf>>>>
  readonly rows: () => Promise<readonly string[]>
  readonly operations: () => Promise<readonly (string | undefined)[]>
}

/** Opens a table of a lake of its own. */
export async function openFeed(
  workplace: Workplace,
  name: string,
  options: { readonly config?: string; readonly lake?: Parameters<typeof lakeIn>[2] } = {},
): Promise<Feed> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(folder, options.config ?? CONFIG, options.lake)
  const events: IngestEvent[] = []
  let batches = 0
  const fileOf = (batch: number): string => `20260301-10${String(batch).padStart(4, '0')}000.csv`
  const snapshot = async () => {
    const found = await snapshotOf(lake, TABLE)
    if (found === undefined) throw new Error('the table is not there')
    return found
  }
  const deliver = async (lines: readonly string[]): Promise<void> => {
    batches += 1
    await put(folder, `shop/orders/${fileOf(batches)}`, `${['Op,id,note', ...lines].join('\n')}\n`)
  }
  const take = (more: IngestOptions): Promise<IngestSummary> =>
    ingest(lake, workplace.engine, { onEvent: (event) => events.push(event), ...more })
  return {
    lake,
    events,
    put: deliver,
    take,
    fileOf,
    snapshot,
    ingest: async (lines, more = {}) => {
      await deliver(lines)
      expect(doneOf(await take(more))).toEqual([[null, 1]])
    },
    rows: async () => {
      const fork = await workplace.engine.fork()
      try {
        const sql = `SELECT id, note FROM (${await scanSql(fork, await snapshot())}) ORDER BY id`
        return (await fork.all(sql)).map(({ id, note }) => `${id}=${note}`)
      } finally {
        await fork.close()
      }
    },
    operations: async () => {
      const found: (string | undefined)[] = []
      const { store, version } = await snapshot()
      for await (const { actions } of readCommits(store, { fromVersion: 0, toVersion: version }))
        found.push(commitInfoOf(actions)?.operation)
      return found
    },
  }
}

function doneOf({ tables }: IngestSummary): readonly unknown[] {
  return tables.map(({ stopped, commits }) => [stopped, commits])
}
