// The example cases about tables: keys that change, columns that come and go, transactions, control tables, truncate.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ingest } from '../../src/worker/ingest.ts'
import { resolveTable } from '../../src/worker/resolve.ts'
import { expectedOf, openExample } from '../support/example-case.ts'
import { openWorkplace, put, type Workplace } from '../support/workplace.ts'

let workplace: Workplace
beforeAll(async () => {
  workplace = await openWorkplace()
})
afterAll(() => workplace.close())

const HEADER = 'dms: {DataFormat: csv, AddColumnName: true, BucketFolder: lake}'
const DETAILS = `${HEADER}\ntables: {public.order_details: {key: [order_id, product_id], columns: {order_id: integer, product_id: integer, qty: integer}}}\n`
const DETAIL = ['order_id', 'product_id', 'qty']

test.for(['with-before-image', 'delete-insert-pair'])('c05: a key changes, %s', async (shape) => {
  const example = await openExample(workplace, 'c05-pk-update', DETAILS)
  await example.deliver({ from: `${shape}/s3` })
  const { warnings } = await example.ingest()
  expect(await example.rows('public.order_details', DETAIL)).toEqual(await expectedOf('c05-pk-update', shape))
  expect(warnings).toEqual([])
})

test('c05: a key changes and nothing tells the old one: a ghost stays and a warning says so', async () => {
  const example = await openExample(workplace, 'c05-pk-update', DETAILS)
  await example.deliver({ from: 'plain-update/s3' })
  const { warnings } = await example.ingest()
  expect(await example.rows('public.order_details', DETAIL)).toEqual([
    { order_id: 30004, product_id: 1, qty: 11 },
    { order_id: 30004, product_id: 66, qty: 11 },
  ])
  expect(warnings).toHaveLength(1)
})

test('c06: a delete that carries the key alone finds its row in any partition', async () => {
  const settings = `dms: {DataFormat: csv, AddColumnName: true, TimestampColumnName: dms_ts, BucketFolder: lake}\ntables: {public.events: {key: [id], columns: {id: integer, day: date, payload: string}, partitionBy: [day]}}\n`
  for (const isAtOnce of [true, false]) {
    const example = await openExample(workplace, 'c06-key-only-delete', settings)
    await example.deliver(isAtOnce ? {} : { keys: ['lake/public/events/LOAD00000001.csv'] })
    await example.ingest()
    await example.deliver()
    await example.ingest()
    expect(await example.rows('public.events', ['id', 'day', 'payload'])).toEqual(
      await expectedOf('c06-key-only-delete'),
    )
  }
})

test('c09: with a header, columns come and go', async () => {
  for (const columns of ['', ', columns: {id: long, name: string}']) {
    const example = await openExample(workplace, 'c09-ddl', `${HEADER}\ntables: {app.items: {key: [id]${columns}}}\n`)
    await example.deliver({ from: 'with-header/s3' })
    const { summary } = await example.ingest()
    expect(summary.tables).toMatchObject([{ read: 4, stopped: null }])
    expect(await example.rows('app.items', ['id', 'name', 'colour'])).toEqual(
      await expectedOf('c09-ddl', 'with-header'),
    )
  }
})

test('c09: without a header, a change of width stops the table and a return to the old width does not slip through', async () => {
  const example = await openExample(
    workplace,
    'c09-ddl',
    `dms: {DataFormat: csv, BucketFolder: lake}\ntables: {app.items: {key: [id], columns: {id: long, name: string}}}\n`,
  )
  await example.deliver({ from: 'no-header/s3', keys: ['lake/app/items/20260307-005900000.csv'] })
  await example.ingest()
  await example.deliver({ from: 'no-header/s3' })
  const { summary } = await example.ingest()
  expect(summary.tables).toMatchObject([{ commits: 0, stopped: { code: 'SCHEMA_MISMATCH' } }])
  expect(summary.tables[0]?.stopped?.message).toContain('lake/app/items/20260307-010000000.csv')
  expect(await example.rows('app.items', ['id', 'name'])).toEqual([{ id: 1, name: 'bolt' }])
})

test('c10: one transaction file changes several tables', async () => {
  const example = await openExample(
    workplace,
    'c10-transactions',
    `dms: {DataFormat: csv, PreserveTransactions: true, CdcPath: cdc, BucketFolder: lake}
tables:
  sales.customers: {key: [id], columns: {id: integer, name: string, city: string, credit: 'decimal(10,2)'}}
  sales.orders: {key: [order_id], columns: {order_id: integer, customer_id: integer, amount: 'decimal(10,2)'}}
  sales.order_lines: {key: [order_id, line], columns: {order_id: integer, line: integer, item: string}}
`,
  )
  await example.deliver()
  const { summary } = await example.ingest()
  expect(summary.tables.map(({ table, read, stopped }) => ({ table, read, stopped }))).toEqual([
    { table: 'sales.customers', read: 3, stopped: null },
    { table: 'sales.orders', read: 1, stopped: null },
    { table: 'sales.order_lines', read: 1, stopped: null },
  ])
  expect(await example.rows('sales.customers', ['id'])).toEqual([])
  expect(await example.rows('sales.orders', ['order_id', 'customer_id', 'amount'])).toEqual([
    { order_id: 900, customer_id: 1, amount: '55.00' },
  ])
  expect(await example.rows('sales.order_lines', ['order_id', 'line', 'item'])).toEqual([
    { order_id: 900, line: 1, item: 'widget' },
  ])
})

test('c15: control tables are never data', async () => {
  const example = await openExample(
    workplace,
    'c15-control-tables',
    `dms: {BucketFolder: lake}\ntables: {sales.customers: {key: [id], columns: {id: integer}}}\n`,
  )
  await example.deliver()
  const { summary } = await example.ingest()
  expect(summary).toMatchObject({
    tables: [{ table: 'sales.customers', version: null, files: 0, stopped: null }],
    unconfigured: [],
    ignored: [],
  })
})

test('c17: a truncate takes the files away: what was listed and is gone stops the table until a person decides', async () => {
  const example = await openExample(
    workplace,
    'c01-defaults',
    `dms: {DataFormat: csv, BucketFolder: lake}\ntables: {sales.customers: {key: [id], columns: {id: integer, name: string, city: string, credit: 'decimal(10,2)'}}}\n`,
  )
  const [load, change] = [
    'lake/sales/customers/LOAD00000001.csv',
    'lake/sales/customers/20260301-101502123.csv',
  ] as const
  await example.deliver({ keys: [load] })
  await example.ingest()
  await rm(join(example.folder, 'landing', load))
  expect((await example.ingest()).summary.tables).toMatchObject([{ commits: 0, stopped: null }])

  await example.deliver({ keys: [change] })
  const { landing } = example.lake
  const vanishing = {
    ...landing,
    list: async function* (prefix: string) {
      for await (const entry of landing.list(prefix)) {
        await rm(join(example.folder, 'landing', entry.path))
        yield entry
      }
    },
  }
  const stopped = await ingest({ ...example.lake, landing: vanishing }, workplace.engine)
  expect(stopped.tables).toMatchObject([{ commits: 0, stopped: { code: 'LANDING_FILE_GONE' } }])
  expect(await example.rows('sales.customers', ['id'])).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])

  await resolveTable(example.lake, workplace.engine, 'sales.customers', {
    kind: 'truncate',
    reason: 'the source was truncated',
  })
  expect(await example.rows('sales.customers', ['id'])).toEqual([])
  await put(example.folder, 'lake/sales/customers/20260314-120000000.csv', 'I,7,New,Here,1.00\n')
  await example.ingest()
  expect(await example.rows('sales.customers', ['id'])).toEqual([{ id: 7 }])
})
