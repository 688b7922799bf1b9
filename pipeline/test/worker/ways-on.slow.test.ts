// What people do when a table stands still or rows wait: replay, skip, accept, truncate, widen.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readHistory } from '../../src/inspect/history.ts'
import { readQuarantined } from '../../src/inspect/quarantined.ts'
import { ingest } from '../../src/worker/ingest.ts'
import type { Lake } from '../../src/worker/lake.ts'
import { replayQuarantine } from '../../src/worker/replay.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import type { IngestEvent } from '../../src/worker/run.ts'
import { canonicalRows, lakeIn, openWorkplace, put, snapshotOf, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
let count = 0
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const TABLE = 'shop.orders'

function config(columns: string, more = ''): string {
  return `landing: landing\nlake: lake\ndms: {AddColumnName: true, CsvNullValue: '\\N'}\ntables:\n  shop.orders: {key: [id], columns: {${columns}}${more}}\n`
}

async function place(text: string): Promise<{ folder: string; lake: Lake }> {
  const folder = join(workplace.folder, `ways-${count++}`)
  return { folder, lake: await lakeIn(folder, text) }
}

async function rows(lake: Lake, columns: Parameters<typeof canonicalRows>[2]): Promise<readonly string[]> {
  return canonicalRows(workplace.engine, await snapshotOf(lake, TABLE), columns)
}

const TWO = [
  { name: 'id', type: 'long' },
  { name: 'v', type: 'long' },
] as const

test.for([', sequence: seq', ''])('a replay after a fix brings rows in, in their order (%s)', async (sequence) => {
  const { folder, lake } = await place(config('id: long, v: short', sequence))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v,seq\nI,1,70000,0001\nI,2,80000,0002\nI,3,3,0003\n')
  await put(folder, 'shop/orders/20260101-100100000.csv', 'Op,id,v,seq\nU,2,5,0004\nI,4,90000,0005\nD,4,\\N,0006\n')
  const first = await ingest(lake, workplace.engine)
  expect(first.tables).toMatchObject([{ read: 6, applied: 2, noop: 1, quarantined: 3, stopped: null }])
  const wider = await lakeIn(folder, config('id: long, v: long', sequence))
  expect(await replayQuarantine(wider, workplace.engine, TABLE, { dryRun: true })).toMatchObject({
    replayed: 0,
    still: 3,
    rows: [{ reason: expect.stringContaining('wider type') }, {}, {}],
  })
  // The wider type rewrites the table with the next file; then the rows fit.
  await put(folder, 'shop/orders/20260101-100200000.csv', 'Op,id,v,seq\nI,9,9,0009\n')
  await ingest(wider, workplace.engine)
  expect(await replayQuarantine(wider, workplace.engine, TABLE)).toMatchObject({
    replayed: 3,
    applied: 1,
    superseded: 2,
    noop: 0,
    still: 0,
  })
  expect(await rows(wider, TWO)).toEqual(['["1","70000"]', '["2","5"]', '["3","3"]', '["9","9"]'])
  expect(await readQuarantined(wider.tableStore(TABLE))).toEqual([])
})

test('a replay says that a row of what a truncate replaced is not applied', async () => {
  const { folder, lake } = await place(config('id: long, v: short'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\nI,2,80000\n')
  await ingest(lake, workplace.engine)
  await resolveTable(lake, workplace.engine, TABLE, { kind: 'truncate', reason: 'TRUNCATE at the source' })
  const told = { replayed: 1, applied: 0, superseded: 1, noop: 0, still: 0 }
  for (const dryRun of [true, false])
    expect(await replayQuarantine(lake, workplace.engine, TABLE, { dryRun })).toMatchObject(told)
  expect(await replayQuarantine(lake, workplace.engine, TABLE)).toMatchObject({
    replayed: 0,
    applied: 0,
    version: null,
  })
  expect(await rows(lake, TWO)).toEqual([])
})

test('a file that cannot be read stops the table until it is skipped, and the reason stays', async () => {
  const { folder, lake } = await place(config('id: long, v: long'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\n')
  await ingest(lake, workplace.engine)
  await put(folder, 'shop/orders/20260101-100100000.csv', 'Op,id,v\nI,2,"2\n')
  await put(folder, 'shop/orders/20260101-100200000.csv', 'Op,id,v\nI,3,3\n')
  const stopped = await ingest(lake, workplace.engine)
  expect(stopped.tables[0]?.stopped?.code).toBe('LANDING_FILE_CORRUPT')
  const skip = { kind: 'skip', file: 'shop/orders/20260101-100100000.csv', reason: 'cut by hand' } as const
  await resolveTable(lake, workplace.engine, TABLE, skip)
  expect((await ingest(lake, workplace.engine)).tables[0]?.stopped).toBeNull()
  expect(await rows(lake, TWO)).toEqual(['["1","1"]', '["3","3"]'])
})

test('a rename stops the table until the columns are accepted', async () => {
  const { folder, lake } = await place(config('id: long, v: long'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\n')
  await ingest(lake, workplace.engine)
  await put(folder, 'shop/orders/20260101-100100000.csv', 'Op,id,w\nI,2,2\n')
  expect((await ingest(lake, workplace.engine)).tables[0]?.stopped?.code).toBe('SCHEMA_MISMATCH')
  await resolveTable(lake, workplace.engine, TABLE, { kind: 'accept-schema' })
  expect(await rows(lake, [...TWO, { name: 'w', type: 'string' }])).toEqual(['["1","1",null]', '["2",null,"2"]'])
})

test('a truncate empties the table and what comes later goes in', async () => {
  const { folder, lake } = await place(config('id: long, v: long'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\nI,5,5\nI,6,6\n')
  await ingest(lake, workplace.engine)
  await put(folder, 'shop/orders/20260101-100030000.csv', 'Op,id,v\nD,5,5\n')
  await ingest(lake, workplace.engine)
  const events: IngestEvent[] = []
  const truncate = { kind: 'truncate', reason: 'TRUNCATE at the source' } as const
  await resolveTable(lake, workplace.engine, TABLE, truncate, { onEvent: (event) => events.push(event) })
  expect(await rows(lake, TWO)).toEqual([])
  expect(events).toMatchObject([{ kind: 'committed', operation: 'TRUNCATE', inserted: 0, updated: 0, deleted: 2 }])
  const [commit] = await readHistory(lake.tableStore(TABLE))
  expect(commit?.metrics).toMatchObject({ inserted: '0', updated: '0', deleted: '2' })
  await put(folder, 'shop/orders/20260101-100100000.csv', 'Op,id,v\nI,2,2\n')
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ applied: 1, stopped: null }])
  expect(await rows(lake, TWO)).toEqual(['["2","2"]'])
})

test('a wider configured type rewrites the table in one commit; a narrower one stops it', async () => {
  const { folder, lake } = await place(config('id: long, v: integer'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\n')
  await ingest(lake, workplace.engine)
  const wider = await lakeIn(folder, config('id: long, v: long'))
  await put(folder, 'shop/orders/20260101-100100000.csv', 'Op,id,v\nI,2,3000000000\n')
  expect((await ingest(wider, workplace.engine)).tables).toMatchObject([{ commits: 2, applied: 1, stopped: null }])
  expect(await rows(wider, TWO)).toEqual(['["1","1"]', '["2","3000000000"]'])
  const narrower = await lakeIn(folder, config('id: long, v: date'))
  await put(folder, 'shop/orders/20260101-100200000.csv', 'Op,id,v\nI,3,2026-01-01\n')
  expect((await ingest(narrower, workplace.engine)).tables[0]?.stopped?.code).toBe('TYPE_NOT_WIDENED')
})

test('a late LOAD file joins the generation without undoing newer changes', async () => {
  const { folder, lake } = await place(config('id: long, v: long'))
  await put(folder, 'shop/orders/LOAD00000001.csv', 'Op,id,v\nI,1,1\n')
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nU,2,20\nD,3,\\N\n')
  await ingest(lake, workplace.engine)
  await put(folder, 'shop/orders/LOAD00000002.csv', 'Op,id,v\nI,2,2\nI,3,3\nI,4,4\n')
  expect((await ingest(lake, workplace.engine)).tables).toMatchObject([{ applied: 1, superseded: 2, stopped: null }])
  expect(await rows(lake, TWO)).toEqual(['["1","1"]', '["2","20"]', '["4","4"]'])
})

test('a dry run writes nothing and says what waits', async () => {
  const { folder, lake } = await place(config('id: long, v: long'))
  await put(folder, 'shop/orders/20260101-100000000.csv', 'Op,id,v\nI,1,1\n')
  const summary = await ingest(lake, workplace.engine, { dryRun: true })
  expect(summary.tables).toMatchObject([{ commits: 0, wouldApply: ['shop/orders/20260101-100000000.csv'] }])
  expect(await snapshotOf(lake, TABLE)).toBeUndefined()
})
