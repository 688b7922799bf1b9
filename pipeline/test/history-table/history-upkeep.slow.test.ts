// Worth its seconds: what a history costs is counted, and what upkeep does to it is looked at, over many batches.
import { join } from 'node:path'
import { readSnapshot } from '@tributary/delta'
import { expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { useEngine } from '../inspect/build-table.ts'
import { faultyLake } from '../support/fault-store.ts'
import { HISTORY, type HistoryPlace, land, openPlace, rowsOf, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()

/** One batch more in a worker that runs already: what it asks of the stores, one text each. */
async function operationsOf(orders: HistoryPlace): Promise<readonly string[]> {
  const sessions = new Map<string, TableSession>()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await ingest(orders.lake, engine(), { sessions })
  await land(orders, '20260301-100000000.csv', ['U,1,uno,1'])
  const lake = faultyLake(orders.lake, { at: Number.POSITIVE_INFINITY, when: 'before', mode: 'once' })
  sessions.clear()
  await ingest(lake.lake, engine(), { sessions })
  const before = lake.operations.length
  await land(orders, '20260301-110000000.csv', ['U,1,eins,1'])
  await ingest(lake.lake, engine(), { sessions })
  return lake.operations.slice(before).map((what) => what.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>'))
}

test('a batch with a history asks six things more than one without', async () => {
  const without = [...(await operationsOf(await openPlace(join(folder(), 'without'), { history: false })))]
  const more = (await operationsOf(await openPlace(join(folder(), 'with')))).filter((what) => {
    const at = without.indexOf(what)
    if (at >= 0) without.splice(at, 1)
    return at < 0
  })
  expect(without).toEqual([])
  expect(more).toEqual([
    // The data file, before the live commit that names it.
    'table locate part-<id>.zstd.parquet',
    'table sync part-<id>.zstd.parquet',
    // After it: what others made of the history since, and the commit.
    'table stat _delta_log/00000000000000000001.json',
    'table read _delta_log/00000000000000000001.json',
    'table stat _delta_log/00000000000000000002.json',
    'table create _delta_log/00000000000000000002.json',
  ])
})

test('the files of a history stay few, with all their rows', async () => {
  const orders = await openPlace(join(folder(), 'upkeep'))
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  for (let at = 0; at < 18; at += 1) {
    await land(orders, `20260301-1000${String(at).padStart(2, '0')}000.csv`, [`U,1,v${at},${at}`])
    await take(orders, engine())
  }
  expect(await rowsOf(orders, engine(), HISTORY, ['size'])).toEqual([
    '1',
    ...Array.from({ length: 18 }, (_, at) => String(at)),
  ])
  expect((await readSnapshot(orders.lake.tableStore(HISTORY))).files.length).toBeLessThan(10)
  const report = await checkTable(engine(), orders.lake.tableStore(TABLE), { history: orders.lake.tableStore(HISTORY) })
  expect(report.findings).toEqual([])
})
