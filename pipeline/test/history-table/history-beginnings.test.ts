import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createTable, readSnapshot, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { planTableRestore, restoreTable } from '../../src/maintain/restore-table.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { TableSession } from '../../src/worker/table-session.ts'
import { useEngine } from '../inspect/build-table.ts'
import { HISTORY, historyFolder, land, openPlace, rowsOf, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()
let places = 0
const place = (settings: Parameters<typeof openPlace>[1] = {}): ReturnType<typeof openPlace> =>
  openPlace(join(folder(), `place-${places++}`), settings)

const CHANGE = ['id', '__op', 'name', 'size'] as const

test('a history that is turned on later begins with the table as it is', async () => {
  const orders = await place()
  const off = await openPlace(orders.folder, { history: false })
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await land(orders, '20260301-100000000.csv', ['U,2,zwei,2'])
  await take(off, engine())
  await land(orders, '20260301-110000000.csv', ['U,1,uno,1'])
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__batch'])).toEqual([
    '1 L one 1 3',
    '1 U uno 1 3',
    '2 U zwei 2 3',
  ])
})

test('a history that is turned on again ends the keys that went meanwhile, and goes on from the table as it is', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await take(orders, engine())
  const off = await openPlace(orders.folder, { history: false })
  await land(orders, '20260301-100000000.csv', ['D,2,\\N,\\N', 'U,1,uno,1'])
  await take(off, engine())
  const on = await openPlace(orders.folder)
  await land(orders, '20260301-110000000.csv', ['I,3,three,3'])
  await take(on, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__generation', '__batch'])).toEqual([
    '1 L one 1 1 1',
    '1 U uno 1 2 3',
    '2 L two 2 1 1',
    '2 D - - 2 3',
    '3 I three 3 2 3',
  ])
})

test('a load file that comes late, among changes, was there before them', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  await take(orders, engine())
  await land(orders, 'LOAD00000002.csv', ['I,2,two,2', 'I,3,three,3'], { hour: 10 })
  await land(orders, '20260301-090000000.csv', ['U,2,zwei,2', 'D,3,\\N,\\N'])
  await take(orders, engine())
  await land(orders, 'LOAD00000003.csv', ['I,4,four,4'], { hour: 10 })
  await land(orders, '20260301-110000000.csv', ['U,1,uno,1'])
  await take(orders, engine())
  const time = `strftime("__source_at" AT TIME ZONE 'UTC', '%H:%M')`
  expect(await rowsOf(orders, engine(), HISTORY, ['id', '__op', 'name', time])).toEqual([
    '1 L one 08:00',
    '1 U uno 11:00',
    '2 L two 09:00',
    '2 U zwei 09:00',
    '3 L three 09:00',
    '3 D - 09:00',
    '4 L four 10:00',
  ])
})

test('a restored table goes on in its history, which leads to it again', async () => {
  const orders = await place()
  const sessions = new Map<string, TableSession>()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await ingest(orders.lake, engine(), { sessions })
  await land(orders, '20260301-100000000.csv', ['D,2,\\N,\\N', 'I,3,three,3'])
  await ingest(orders.lake, engine(), { sessions })
  const store = orders.lake.tableStore(TABLE)
  const versions = { current: await readSnapshot(store), target: await readSnapshot(store, { version: 0 }) }
  await restoreTable(systemClock, await planTableRestore(systemClock, versions, { lake: orders.lake, table: TABLE }))
  await land(orders, '20260301-110000000.csv', ['U,3,drei,3'])
  await ingest(orders.lake, engine(), { sessions })
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__generation', '__batch'])).toEqual([
    '1 L one 1 1 1',
    '1 L one 1 2 4',
    '2 L two 2 1 1',
    '2 D - - 1 2',
    '2 L two 2 2 4',
    '2 D - - 2 4',
    '3 I three 3 1 2',
    '3 D - - 2 4',
    '3 I three 3 2 4',
    '3 U drei 3 2 4',
  ])
  const report = await checkTable(engine(), store, { history: orders.lake.tableStore(HISTORY) })
  expect(report.findings).toEqual([])
})

test('a table of another program in the place of the history stops the table, and nothing is written there', async () => {
  const orders = await place()
  const id = { name: 'id', type: 'long', nullable: true, metadata: {} } as const
  await mkdir(historyFolder(orders), { recursive: true })
  await (await createTable(historyFolder(orders), { schema: { type: 'struct', fields: [id] } })).close()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  const [summary] = (await ingest(orders.lake, engine())).tables
  expect(summary?.stopped?.code).toBe('HISTORY_NOT_OURS')
  expect((await readSnapshot(orders.lake.tableStore(HISTORY))).version).toBe(0)
})

test('a history that was deleted stops the table, until it is begun anew', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  await take(orders, engine())
  await land(orders, '20260301-100000000.csv', ['I,2,two,2'])
  await take(orders, engine())
  await rm(historyFolder(orders), { recursive: true })
  await land(orders, '20260301-110000000.csv', ['I,3,three,3'])
  const [summary] = (await ingest(orders.lake, engine())).tables
  expect(summary?.stopped?.code).toBe('HISTORY_LOST')
  const off = await openPlace(orders.folder, { history: false })
  await take(off, engine())
  await land(orders, '20260301-120000000.csv', ['I,4,four,4'])
  await take(await openPlace(orders.folder), engine())
  const ids = await rowsOf(orders, engine(), HISTORY, ['id'])
  expect(ids).toEqual(['1', '2', '3', '4'])
})
