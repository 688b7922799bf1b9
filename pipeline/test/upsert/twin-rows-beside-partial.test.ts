import { join } from 'node:path'
import { openTable, readSnapshot } from '@tributary/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { canonicalRows, lakeIn, openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string' },
  { name: 'n', type: 'long' },
] as const

interface Twin {
  readonly note: string
  readonly n: bigint
}

/** The table's rows after changes to a key of which another program added a second row, having written the first anew as `theirs`. */
async function rowsAfter(
  name: string,
  {
    settings = '',
    theirs,
    twin = { note: 'twin', n: 5n },
    changes,
  }: { readonly settings?: string; readonly theirs?: Twin; readonly twin?: Twin; readonly changes: string },
): Promise<readonly string[]> {
  const folder = join(workplace.folder, name)
  const lake = await lakeIn(
    folder,
    `landing: landing
lake: lake
dms: {AddColumnName: true, UseCsvNoSupValue: true, CsvNoSupValue: '~'}
tables:
  shop.orders: {key: [id], columns: {id: long, note: string, n: long}${settings}}
`,
  )
  const take = async (): Promise<void> => {
    const { tables } = await ingest(lake, workplace.engine)
    expect(tables.map(({ stopped }) => stopped)).toEqual([null])
  }
  await put(folder, 'shop/orders/LOAD00000001.csv', 'Op,id,note,n\nI,1,ours,1\nI,2,two,2\n')
  await take()
  const table = await openTable(join(folder, 'lake/shop/orders'))
  if (theirs !== undefined) await table.upsert({ key: ['id'], changes: [{ id: 1n, ...theirs }] })
  await table.append([{ id: 1n, ...twin }])
  await table.close()
  await put(folder, 'shop/orders/20260301-100000000.csv', changes)
  await take()
  return canonicalRows(workplace.engine, await readSnapshot(lake.tableStore('shop.orders')), COLUMNS)
}

const partial = 'Op,id,note,n\nU,1,new,~\n'

test.each(['merge-on-read', 'copy-on-write'])(
  'a partial row of a key that another program doubled is filled from the row that knows its place, and one row is left (%s)',
  async (write) => {
    const settings = `, write: ${write}`
    const rows = await rowsAfter(write, { settings, changes: partial })
    expect(rows).toEqual(['["1","new","1"]', '["2","two","2"]'])
  },
)

test('a partial row that leaves a doubled key takes the rest from that row too', async () => {
  const changes = 'Op,id,note,n,BI_id\nU,9,new,~,1\n'
  const rows = await rowsAfter('moved', { changes })
  expect(rows).toEqual(['["2","two","2"]', '["9","new","1"]'])
})

test('of rows that do not know their place the one with the newest sequence fills', async () => {
  const changes = 'Op,id,note,n\nU,1,~,7\n'
  const [low, high] = [
    { note: 'low', n: 3n },
    { note: 'high', n: 5n },
  ]
  const settings = ', sequence: n'
  expect(await rowsAfter('higher', { settings, theirs: low, twin: high, changes })).toContain('["1","high","7"]')
  expect(await rowsAfter('lower', { settings, theirs: high, twin: low, changes })).toContain('["1","high","7"]')
})
