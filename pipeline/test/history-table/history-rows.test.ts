import { join } from 'node:path'
import { readSnapshot } from '@tributary/delta'
import { expect, test } from 'vitest'
import { checkTable } from '../../src/inspect/check.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { replayQuarantine } from '../../src/worker/replay.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { useEngine } from '../inspect/build-table.ts'
import { put } from '../support/workplace.ts'
import { HISTORY, land, openPlace, rowsOf, TABLE, take } from './history-place.ts'

const { engine, folder } = useEngine()
let places = 0
const place = (settings: Parameters<typeof openPlace>[1] = {}): ReturnType<typeof openPlace> =>
  openPlace(join(folder(), `place-${places++}`), settings)

const CHANGE = ['id', '__op', 'name', 'size'] as const

test('each change is a row with its place, time and batch, in order', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await land(orders, '20260301-100000123.csv', ['U,1,uno,1', 'D,2,\\N,\\N', 'U,1,eins,1', 'I,x,bad,0'])
  await take(orders, engine())
  expect(
    await rowsOf(orders, engine(), HISTORY, [
      ...CHANGE,
      '__source_at',
      '__seq',
      '__generation',
      '__batch',
      `split_part(__file, '/', 3)`,
      '__row',
    ]),
  ).toEqual([
    '1 L one 1 2026-03-01 08:00:00+00 - 1 1 LOAD00000001.csv 1',
    '1 U uno 1 2026-03-01 10:00:00.123+00 - 1 2 20260301-100000123.csv 1',
    '1 U eins 1 2026-03-01 10:00:00.123+00 - 1 2 20260301-100000123.csv 3',
    '2 L two 2 2026-03-01 08:00:00+00 - 1 1 LOAD00000001.csv 2',
    '2 D - - 2026-03-01 10:00:00.123+00 - 1 2 20260301-100000123.csv 2',
  ])
  const snapshot = await readSnapshot(orders.lake.tableStore(HISTORY))
  expect(snapshot.schema.fields.map(({ name, type }) => `${name} ${String(type)}`).join(', ')).toBe(
    'id long, name string, size integer, __op string, __source_at timestamp, __seq string, __generation long, __batch long, __committed_at timestamp, __file string, __row long',
  )
})

test('a change has the time and the sequence that the source gave it, as texts that sort like numbers', async () => {
  const orders = await place({
    table: ', sequence: n, columns: {id: long, name: string, size: integer, ts: string, n: long}',
    dms: ', TimestampColumnName: ts',
  })
  const header = 'Op,id,name,size,ts,n'
  await land(orders, '20260301-100000000.csv', ['I,1,a,1,2026-03-01 09:59:58.5,9', 'U,1,b,1,,10', 'I,1,c,1,,-2'], {
    header,
  })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, ['name', '__source_at', '__seq'])).toEqual([
    'c 2026-03-01 10:00:00+00 -9999999999999999997',
    'a 2026-03-01 09:59:58.5+00 0000000000000000009',
    'b 2026-03-01 10:00:00+00 0000000000000000010',
  ])
})

test('partial updates of one key are filled one from the other, the first from the stored row', async () => {
  const orders = await place({ dms: `, UseCsvNoSupValue: true, CsvNoSupValue: '???'` })
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await take(orders, engine())
  await land(orders, '20260301-100000000.csv', [
    'U,1,???,10',
    'U,1,uno,???',
    'U,1,???,\\N',
    'U,1,eins,???',
    'U,1,???,7',
    'D,2,\\N,\\N',
    'I,2,zwei,???',
    'U,2,???,3',
    'D,1,\\N,\\N',
    'U,1,neu,???',
  ])
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, CHANGE)).toEqual([
    '1 L one 1',
    '1 U one 10',
    '1 U uno 10',
    '1 U uno -',
    '1 U eins -',
    '1 U eins 7',
    '1 D - -',
    '1 U neu -',
    '2 L two 2',
    '2 D - -',
    '2 I zwei -',
    '2 U zwei 3',
  ])
})

test('a change of the key ends the old key', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  await land(orders, '20260301-100000000.csv', ['U,5,one,1,1'], { header: 'Op,id,name,size,BI_id' })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, CHANGE)).toEqual(['1 L one 1', '1 D - -', '5 U one 1'])
})

test('a reload ends the keys that it does not bring, after all that came before and before all that comes', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await land(orders, '20260301-100000000.csv', ['U,2,zwei,2', 'I,3,three,3'])
  await take(orders, engine())
  await land(orders, 'LOAD00000001.csv', ['I,1,again,1', 'I,4,four,4'], { hour: 9 })
  await land(orders, '20260301-110000000.csv', ['I,3,back,3'], { hour: 11 })
  await take(orders, engine())
  const at = [...CHANGE, '__generation', '__batch', '__source_at'] as const
  expect(await rowsOf(orders, engine(), HISTORY, at)).toEqual([
    '1 L one 1 1 1 2026-03-01 08:00:00+00',
    '1 L again 1 2 3 2026-03-01 10:00:00.000001+00',
    '2 L two 2 1 1 2026-03-01 08:00:00+00',
    '2 U zwei 2 1 2 2026-03-01 10:00:00+00',
    '2 D - - 1 3 2026-03-01 10:00:00.000001+00',
    '3 I three 3 1 2 2026-03-01 10:00:00+00',
    '3 D - - 1 3 2026-03-01 10:00:00.000001+00',
    '3 I back 3 2 4 2026-03-01 11:00:00+00',
    '4 L four 4 2 3 2026-03-01 10:00:00.000001+00',
  ])
})

test('a truncate ends all keys', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1', 'I,2,two,2'])
  await take(orders, engine())
  await resolveTable(orders.lake, engine(), TABLE, { kind: 'truncate', reason: 'test' })
  await land(orders, '20260301-100000000.csv', ['I,1,again,1'])
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__batch'])).toEqual([
    '1 L one 1 1',
    '1 D - - 2',
    '1 I again 1 3',
    '2 L two 2 1',
    '2 D - - 2',
  ])
})

test('a load whose write time is that of a copy is not newer than the changes that follow it', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'], { hour: 23 })
  await land(orders, '20260301-100000000.csv', ['U,1,uno,1'], { hour: 23 })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__source_at'])).toEqual([
    '1 L one 1 2026-03-01 10:00:00+00',
    '1 U uno 1 2026-03-01 10:00:00+00',
  ])
})

test('a copied load is dated to the commit of the first change, not to the time in the name of its file', async () => {
  for (const type of ['ts: string', 'ts: timestamp']) {
    const orders = await place({
      table: `, columns: {id: long, name: string, size: integer, ${type}}`,
      dms: ', TimestampColumnName: ts',
    })
    const header = 'Op,id,name,size,ts'
    const load = ['I,1,one,1,2026-03-01 08:00:00', 'I,2,two,2,2026-03-01 08:00:00']
    await land(orders, 'LOAD00000001.csv', load, { header, hour: 23 })
    const changes = [
      'D,2,two,2,2026-03-01 10:00:01',
      'U,x,bad,1,2026-03-01 09:00:00',
      'U,1,uno,1,2026-03-01 10:00:02',
      'U,1,eins,1,2026-03-01 10:00:40',
    ]
    await land(orders, '20260301-100100000.csv', changes, { header, hour: 23 })
    await land(orders, '20260301-100200000.csv', ['U,1,ein,1,2026-03-01 10:01:30'], { header, hour: 23 })
    await take(orders, engine())
    expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__source_at'])).toEqual([
      '1 L one 1 2026-03-01 10:00:01+00',
      '1 U uno 1 2026-03-01 10:00:02+00',
      '1 U eins 1 2026-03-01 10:00:40+00',
      '1 U ein 1 2026-03-01 10:01:30+00',
      '2 L two 2 2026-03-01 10:00:01+00',
      '2 D two 2 2026-03-01 10:00:01+00',
    ])
    const report = await checkTable(engine(), orders.lake.tableStore(TABLE), {
      history: orders.lake.tableStore(HISTORY),
    })
    expect(report.findings).toEqual([])
  }
})

test('a copied load is taken in, dated to the name of the first file, where that file cannot be read or has no times', async () => {
  for (const changes of ['Op,id,name,size,ts\nU,1,uno,1,2026-03-01 10:00:01', 'Op,id,name,size,ts\nU,1,uno,1,\n']) {
    const orders = await place({
      table: ', columns: {id: long, name: string, size: integer, ts: string}',
      dms: ', TimestampColumnName: ts',
    })
    const header = 'Op,id,name,size,ts'
    await land(orders, 'LOAD00000001.csv', ['I,1,one,1,2026-03-01 08:00:00'], { header, hour: 23 })
    await put(orders.folder, 'shop/orders/20260301-100100000.csv', changes, Date.UTC(2026, 2, 1, 23))
    const [summary] = (await ingest(orders.lake, engine())).tables
    expect(summary?.stopped?.code).toBe(changes.endsWith('\n') ? undefined : 'LANDING_FILE_CORRUPT')
    expect(await rowsOf(orders, engine(), HISTORY, ['__op', '__source_at'])).toContain('L 2026-03-01 10:01:00+00')
  }
})

test('a change that was made while the load was read is known when the load is', async () => {
  const orders = await place({
    table: ', columns: {id: long, name: string, size: integer, ts: string}',
    dms: ', TimestampColumnName: ts',
  })
  const header = 'Op,id,name,size,ts'
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1,2026-03-01 08:00:00'], { header })
  await land(orders, '20260301-080010000.csv', ['U,1,uno,1,2026-03-01 07:59:59'], { header })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, '__source_at'])).toEqual([
    '1 L one 1 2026-03-01 08:00:00+00',
    '1 U uno 1 2026-03-01 08:00:00+00',
  ])
})

test('a repeated delivery of a file adds nothing', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  await land(orders, '20260301-100000000.csv', ['U,1,uno,1'])
  await take(orders, engine())
  await land(orders, '20260301-100000000.csv', ['U,1,uno,1'], { hour: 12 })
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, CHANGE)).toEqual(['1 L one 1', '1 U uno 1'])
})

test('the history follows added columns and wider types', async () => {
  const orders = await place()
  await land(orders, 'LOAD00000001.csv', ['I,1,one,1'])
  await take(orders, engine())
  const wider = await openPlace(orders.folder, { table: ', columns: {id: long, name: string, size: long}' })
  await land(orders, '20260301-100000000.csv', ['U,1,one,5000000000,red'], { header: 'Op,id,name,size,color' })
  await take(wider, engine())
  expect(await rowsOf(orders, engine(), HISTORY, [...CHANGE, 'color'])).toEqual([
    '1 L one 1 -',
    '1 U one 5000000000 red',
  ])
})

test('a row that comes out of quarantine comes into the history, where it belongs', async () => {
  const orders = await place({ table: ', columns: {id: long, name: string, size: byte}' })
  await land(orders, '20260301-100000000.csv', ['I,1,one,1', 'U,1,big,300', 'I,2,two,2'])
  await land(orders, '20260301-110000000.csv', ['U,2,zwei,2'])
  await take(orders, engine())
  expect(await rowsOf(orders, engine(), HISTORY, CHANGE)).toEqual(['1 I one 1', '2 I two 2', '2 U zwei 2'])
  const wider = await openPlace(orders.folder, { table: ', columns: {id: long, name: string, size: integer}' })
  await land(orders, '20260301-120000000.csv', ['U,2,deux,2'])
  await take(wider, engine())
  await replayQuarantine(wider.lake, engine(), TABLE)
  expect(await rowsOf(wider, engine(), HISTORY, CHANGE)).toEqual([
    '1 I one 1',
    '1 U big 300',
    '2 I two 2',
    '2 U zwei 2',
    '2 U deux 2',
  ])
})
