// Worth its seconds: forty commits show what one commit must leave.
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { scanSql } from '@tributary/delta'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readQuarantined } from '../../src/inspect/quarantined.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { parseTableState, STATE_DOMAIN } from '../../src/ledger/table-state.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

const TABLE = 'shop.orders'
const CONFIG = `landing: landing
lake: lake
dms: {DataFormat: csv, AddColumnName: true, CsvNullValue: 'NULL'}
tables:
  shop.orders: {key: [id], columns: {id: long, at: timestamp, __key: string}}
`

let place: Workplace
beforeEach(async () => {
  place = await openWorkplace()
})
afterEach(() => place.close())

test('files that are read as one leave what they leave one by one: rows, places, counts and quarantine', async () => {
  const files = Array.from({ length: 40 }, (_, at): readonly [string, Buffer] => [nameOf(at), contentOf(at)])
  const atOnce = await lakeIn(join(place.folder, 'at-once'), CONFIG)
  for (const [name, bytes] of files) await put(join(place.folder, 'at-once'), name, bytes)
  const steps: number[] = []
  await ingest(atOnce, place.engine, {
    onEvent: (event) => {
      if (event.kind === 'progress') steps.push(event.files)
    },
  })
  const oneByOne = await lakeIn(join(place.folder, 'one-by-one'), CONFIG)
  for (const [name, bytes] of files) {
    await put(join(place.folder, 'one-by-one'), name, bytes)
    await ingest(oneByOne, place.engine)
  }
  expect(steps.length, 'some were read together').toBeLessThan(files.length)
  expect(steps.length, 'those with something of their own were not').toBeGreaterThan(8)
  expect(await contentsOf(atOnce)).toEqual(await contentsOf(oneByOne))
})

/** Each has keys of its own, so that one batch folds nothing away. Most are alike; some have a fault, another header, another form, no rows, quotes. */
function contentOf(at: number): Buffer {
  const rows = Array.from(
    { length: 5 },
    (_, row) => `${row === 4 ? 'D' : 'U'},${at * 10 + row},2026-01-01 00:00:0${row},n${at}`,
  )
  const file = (header: string, lines: readonly string[]): Buffer => Buffer.from(`${[header, ...lines].join('\n')}\n`)
  switch (at) {
    case 12:
      return file('Op,id,at,__key', [...rows.slice(0, 2), 'U,seven,2026-01-01 00:00:00,bad', ...rows.slice(2)])
    case 15:
      return file('Op,id,at,__key', [])
    case 18:
      return file(
        'Op,id,at,__key,added',
        rows.map((row) => `${row},x`),
      )
    case 21:
      return gzipSync(file('Op,id,at,__key', rows))
    case 24:
      return file('Op,id,at,__key', ['U,245,2026-01-01 00:00:00,"two\nlines, ""quoted"""', 'U,246,NULL,NULL'])
    case 27:
      return file(
        'Op,at,id,__key',
        rows.map((row) => row.replace(/^(.),(\d+),([^,]+)/, '$1,$3,$2')),
      )
    case 30:
      return file('Op,id,at,__key', ['', ...rows])
    case 33:
      return file(
        'Op,id,at,__key',
        rows.map((row) => `${row}\r`),
      )
    case 36:
      return file('Op,id,at,__key', ['U,367,2026-01-01 00:00:00.1234567,long'])
    default:
      return file('Op,id,at,__key', rows)
  }
}

function nameOf(at: number): string {
  return `shop/orders/20260101-${String(at).padStart(9, '0')}.csv`
}

async function contentsOf(lake: Lake): Promise<unknown> {
  const snapshot = await snapshotOf(lake, TABLE)
  if (snapshot === undefined) throw new Error('no table')
  const state = parseTableState(snapshot.domains.get(STATE_DOMAIN) ?? '')
  const entries = await readLedger(snapshot.store, state.ledger)
  const scan = await scanSql(place.engine, snapshot, {
    extraColumns: [
      { name: '__file', type: 'string' },
      { name: '__row', type: 'long' },
    ],
  })
  const rows = await place.engine.all(`SELECT * REPLACE (CAST("at" AS VARCHAR) AS "at") FROM (${scan}) ORDER BY id`)
  const quarantine = await readQuarantined(snapshot.store)
  return {
    rows,
    totals: state.totals,
    ledger: entries.map(({ batch: _, modifiedMs: __, ...entry }) => entry),
    quarantine: quarantine.map(({ file, row, line, reason, raw }) => ({ file, row, line, reason, raw })),
  }
}
