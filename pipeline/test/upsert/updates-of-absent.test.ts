import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true}
tables:
  shop.parts: {key: [id], sequence: seq, columns: {id: long, a: string, seq: long}}
`

test('an update is told as one of an unknown key only when neither the table nor the batch has the key', async () => {
  const folder = join(place.folder, 'absent')
  const lake = await lakeIn(folder, CONFIG)
  const warnings: string[] = []
  const take = async (hour: number, ...lines: readonly string[]): Promise<void> => {
    await put(folder, `shop/parts/20260301-1${hour}0000000.csv`, ['Op,id,a,seq', ...lines, ''].join('\n'))
    await ingest(lake, place.engine, {
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.message)
      },
    })
  }
  await take(0, 'I,1,new,1', 'U,1,changed,2', 'I,2,new,3')
  await take(1, 'U,2,changed,4')
  expect(warnings).toEqual([])
  await take(2, 'I,3,new,5', 'U,3,changed,6', 'U,9,lost,7')
  expect(warnings).toEqual([
    '1 updates of keys that the table did not hold: a key change without a before image leaves the old row behind',
  ])
})
