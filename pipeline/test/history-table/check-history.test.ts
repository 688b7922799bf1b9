import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, openTable, readSnapshot, removeOf, systemClock } from '@tributary/delta'
import { expect, test } from 'vitest'
import { HISTORY_DOMAIN, parseHistoryNote } from '../../src/history-table/note.ts'
import { checkTable } from '../../src/inspect/check.ts'
import { useEngine } from '../inspect/build-table.ts'
import { HISTORY, type HistoryPlace, historyFolder, land, openPlace, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()
let places = 0

async function filledPlace(): Promise<HistoryPlace> {
  const orders = await openPlace(join(folder(), `place-${places++}`))
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2', 'I,x,bad,1'])
  await land(orders, '20260301-100000000.csv', ['U,2,zwei,2', 'U,5,one,1,1'], { header: 'Op,id,name,size,BI_id' })
  await take(orders, engine())
  await land(orders, 'LOAD00000001.csv', ['I,2,two,2', 'I,3,three,3'], { hour: 11 })
  await land(orders, '20260301-120000000.csv', ['D,3,,', 'I,4,four,4'])
  await take(orders, engine())
  return orders
}

async function findingsOf({ lake }: HistoryPlace): Promise<readonly string[]> {
  const report = await checkTable(engine(), lake.tableStore(TABLE), { history: lake.tableStore(HISTORY) })
  return report.findings.map(({ code }) => code)
}

test('a history that is whole has no findings, and neither has its table', async () => {
  const orders = await filledPlace()
  expect(await findingsOf(orders)).toEqual([])
  expect((await checkTable(engine(), orders.lake.tableStore(HISTORY))).findings).toEqual([])
})

test('a history that lacks its newest batch is told, and mended by the next ingest', async () => {
  const orders = await filledPlace()
  const store = orders.lake.tableStore(HISTORY)
  const { version } = await readSnapshot(store)
  await store.delete(`_delta_log/${String(version).padStart(20, '0')}.json`)
  expect(await findingsOf(orders)).toEqual(['HISTORY_INCOMPLETE'])
  await take(orders, engine())
  expect(await findingsOf(orders)).toEqual([])
})

test('a history that is gone is told', async () => {
  const orders = await filledPlace()
  await rm(historyFolder(orders), { recursive: true })
  expect(await findingsOf(orders)).toEqual(['HISTORY_LOST'])
})

test('a column that another program added is NULL in the history until the next batch, and a value in it is none that the history tells of', async () => {
  const orders = await filledPlace()
  const table = await openTable(join(orders.folder, 'lake/shop/orders'))
  try {
    await table.addColumns([{ name: 'extra', type: 'string', nullable: true, metadata: {} }])
    expect(await findingsOf(orders)).toEqual([])
    await land(orders, '20260301-130000000.csv', ['U,4,vier,4'])
    await take(orders, engine())
    expect(await findingsOf(orders)).toEqual([])
    await table.addColumns([{ name: 'more', type: 'string', nullable: true, metadata: {} }])
    await table.upsert({ key: ['id'], changes: [{ id: 4n, name: 'vier', size: 4, more: 'x' }] })
    expect(await findingsOf(orders)).toEqual(['HISTORY_DIVERGES'])
  } finally {
    await table.close()
  }
})

test('a file of the history that another program removed is told by its rows, its landing file and the state that it leads to', async () => {
  const orders = await filledPlace()
  const history = await readSnapshot(orders.lake.tableStore(HISTORY))
  const note = parseHistoryNote((await readSnapshot(orders.lake.tableStore(TABLE))).domains)
  const [file] = history.files.filter(({ path }) => path === note?.files[0]?.path)
  if (file === undefined) throw new Error(`${HISTORY_DOMAIN} names the newest file`)
  await commit(history.store, systemClock, {
    readVersion: history.version,
    actions: [{ remove: removeOf(file, systemClock.now()) }],
    info: { operation: 'DAMAGE' },
  })
  expect(await findingsOf(orders)).toEqual(['HISTORY_ROWS_DIFFER', 'HISTORY_DIVERGES'])
})
