import { join } from 'node:path'
import { scanSql } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { historyOrderSql } from '../../src/history-table/history-shape.ts'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, CsvNullValue: '\\N'}
tables:
  shop.parts: {key: [id], sequence: seq, columns: {id: long, a: string, b: string, seq: long}, keepOnNull: [b], history: true}
`

/** The row of the table, and what its history says of the changes in `last`, after two files. */
async function take(name: string, files: readonly (readonly string[])[]): Promise<readonly (readonly string[])[]> {
  const folder = join(place.folder, name)
  const lake = await lakeIn(folder, CONFIG)
  for (const [hour, lines] of files.entries()) {
    await put(folder, `shop/parts/20260301-1${hour}0000000.csv`, ['Op,id,a,b,seq', ...lines, ''].join('\n'))
    const { tables } = await ingest(lake, place.engine)
    expect(tables.map(({ stopped }) => stopped)).toEqual([null])
  }
  const told: string[][] = []
  for (const [table, order] of [
    ['shop.parts', 'id'],
    ['shop.parts__history', historyOrderSql()],
  ] as const) {
    const snapshot = await snapshotOf(lake, table)
    if (snapshot === undefined) throw new Error(`there is no ${table}`)
    const rows = await place.engine.all(
      `SELECT concat_ws(' ', seq, a, coalesce(b, '-')) AS line FROM (${await scanSql(place.engine, snapshot)}) ORDER BY ${order}`,
    )
    told.push(rows.map(({ line }) => String(line)))
  }
  return told
}

test('a column that an update leaves out keeps what is stored, not what an older change in the same file says', async () => {
  const files = [
    ['I,1,a1,b1,1', 'U,1,a5,b5,5'],
    ['U,1,a3,b3,3', 'U,1,a6,\\N,6'],
  ]
  expect(await take('row', files)).toEqual([['6 a6 b5'], ['1 a1 b1', '3 a3 b3', '5 a5 b5', '6 a6 b5']])
})

test('nor does an older insert shine through a delete that came after it', async () => {
  const files = [
    ['I,1,a1,b1,1', 'D,1,a1,b1,5'],
    ['I,1,a3,b3,3', 'U,1,a6,\\N,6'],
  ]
  expect(await take('delete', files)).toEqual([['6 a6 -'], ['1 a1 b1', '3 a3 b3', '5 a1 b1', '6 a6 -']])
})
